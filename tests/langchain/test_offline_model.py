"""What LangChain's suites do not ask of `OfflineChatModel`."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from qwen_audio_agent import QwenAudioAgentError
from qwen_audio_agent.langchain import OfflineChatModel

GAIN = {"name": "gain", "description": "louder", "parameters": {"type": "object"}}


class Joke(BaseModel):
    """Joke to tell user."""

    setup: str


@pytest.mark.parametrize("choice", ["any", "gain", True, {"type": "tool", "name": "gain"}])
def test_it_cannot_be_made_to_call_and_says_so(choice) -> None:
    with pytest.raises(QwenAudioAgentError, match=r"tool_choice is .*; the offline model calls"):
        OfflineChatModel().bind_tools([GAIN], tool_choice=choice)
    assert not OfflineChatModel().profile["tool_choice"]


def test_it_has_no_structured_output() -> None:
    with pytest.raises(QwenAudioAgentError, match="the offline model calls a tool only where"):
        OfflineChatModel().with_structured_output(Joke)
    assert not OfflineChatModel().profile["structured_output"]


def test_a_stop_string_ends_its_answer() -> None:
    whole = OfflineChatModel().invoke("sing a song").text
    stop = whole.split()[4]
    assert OfflineChatModel().invoke("sing a song", stop=[stop]).text == whole.partition(stop)[0]
    streamed = "".join(chunk.text for chunk in OfflineChatModel().stream("sing", stop=["I"]))
    assert "I" not in streamed


def test_words_are_counted_and_no_sound() -> None:
    """The default would fetch a tokenizer of GPT-2, and count the letters of base64."""
    block = {"type": "audio", "base64": "UklGR" * 10_000, "mime_type": "audio/wav"}
    messages = [HumanMessage([{"type": "text", "text": "make it louder"}, block]), AIMessage("So?")]
    assert OfflineChatModel().get_num_tokens_from_messages(messages) == 4
    assert OfflineChatModel().get_num_tokens("one two") == 2


def test_another_model_s_name_is_refused() -> None:
    with pytest.raises(QwenAudioAgentError, match="this is the model 'offline'"):
        OfflineChatModel().invoke("Hello", model="gpt-4o")

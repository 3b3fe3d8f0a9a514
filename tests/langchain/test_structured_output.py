"""Values of a schema from `ChatQwenAudio`: by calls, as JSON, and from agents of LangChain."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from qwen_audio_agent import QwenAudioAgentError
from qwen_audio_agent.langchain import ChatQwenAudio
from tests.langchain.asking import QUESTION, get_weather


class Joke(BaseModel):
    """Joke to tell user."""

    setup: str
    punchline: str


class JokeDict(TypedDict):
    """Joke to tell user."""

    setup: str
    punchline: str


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@pytest.mark.parametrize("schema", [Joke, JokeDict, Joke.model_json_schema()])
def test_structured_output_by_every_method(chat: ChatQwenAudio, schema: Any, method: str) -> None:
    question = "Tell me a joke as JSON with 'setup' and 'punchline' keys."
    joke = chat.with_structured_output(schema, method=method).invoke(question)
    found = joke.model_dump() if isinstance(joke, Joke) else joke
    assert found.keys() == {"setup", "punchline"}
    raw = chat.with_structured_output(schema, method=method, include_raw=True).invoke(question)
    assert raw["parsed"] == joke
    assert raw["parsing_error"] is None
    assert isinstance(raw["raw"], AIMessage)
    *_, last = chat.with_structured_output(schema, method=method).stream(question)
    assert last == joke


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_random_weights_write_values_of_the_schema(make, method: str) -> None:
    chat = make("tiny", temperature=1.0, top_p=1.0, max_tokens=600)
    for seed in range(3):
        joke = chat.with_structured_output(Joke, method=method, seed=seed).invoke("a joke")
        assert isinstance(joke, Joke)


def test_json_mode_ends_whatever_is_written(make) -> None:
    chat = make("tiny", temperature=1.0, top_p=1.0, max_tokens=4000, seed=1)
    value = chat.with_structured_output(JokeDict, method="json_mode").invoke("JSON")
    assert isinstance(value, dict)


def test_what_cannot_be_read_is_told_beside_the_message(make) -> None:
    chat = make("hermes", max_tokens=20)
    bound = chat.with_structured_output(Joke, method="json_schema", include_raw=True)
    told = bound.invoke("Tell me a joke.")
    assert told["parsed"] is None
    assert isinstance(told["parsing_error"], OutputParserException)
    assert told["raw"].response_metadata["finish_reason"] == "length"


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_an_answer_with_a_schema_leaves_room_for_calls(make, form: str) -> None:
    """As agents ask for it: tools, and the schema of the answer, in one call."""
    wanted = {"name": "Joke", "schema": Joke.model_json_schema()}
    bound = make(form).bind_tools(
        [get_weather], response_format={"type": "json_schema", "json_schema": wanted}
    )
    call = bound.invoke(QUESTION)
    assert [c["name"] for c in call.tool_calls] == ["get_weather"]
    result = ToolMessage("sunny", tool_call_id=call.tool_calls[0]["id"])
    answer = bound.invoke([HumanMessage(QUESTION), call, result])
    assert not answer.tool_calls
    assert Joke.model_validate_json(answer.text)


def test_an_agent_of_langchain_gets_its_structured_response(chat: ChatQwenAudio) -> None:
    agent = create_agent(chat, [get_weather], response_format=Joke)
    state = agent.invoke({"messages": [HumanMessage(QUESTION)]}, {"recursion_limit": 12})
    assert isinstance(state["structured_response"], Joke)
    (result,) = [m for m in state["messages"] if m.type == "tool" and m.name == "get_weather"]
    assert result.text == "sunny in San Francisco, CA"


@pytest.mark.parametrize("method", ["json", ""])
def test_other_methods_are_refused(chat: ChatQwenAudio, method: str) -> None:
    with pytest.raises(QwenAudioAgentError, match="it may be function_calling, json_schema or"):
        chat.with_structured_output(Joke, method=method)


def test_other_response_formats_are_refused(chat: ChatQwenAudio) -> None:
    assert chat.invoke("Hello", response_format={"type": "text"}).text
    with pytest.raises(QwenAudioAgentError, match="response_format may be"):
        chat.invoke("Hello", response_format={"type": "xml"})

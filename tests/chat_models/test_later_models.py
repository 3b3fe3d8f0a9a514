"""Later models behind the same chat model: they hear, and call tools by a grammar."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import soundfile
import torch
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import Field

from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.chat_models.qwen_audio import ChatQwenAudio
from qwen_audio_agent.model.transformers_calls import quiet
from tests.model.later_checkpoints import FAMILIES, make_clip, save_checkpoint

AUDIO = {"type": "audio", "file_id": "audio-1", "mime_type": "audio/wav"}


@pytest.fixture(scope="module", params=FAMILIES)
def chat(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ChatQwenAudio:
    folder = tmp_path_factory.mktemp(request.param)
    with quiet():
        save_checkpoint(request.param, folder)
    return ChatQwenAudio.load(folder, max_tokens=30, seed=1)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """The networks are tiny, and the tests already run side by side."""
    torch.set_num_threads(1)


def _session(folder: Path, seconds: float) -> Session:
    soundfile.write(folder / "a.wav", make_clip(seconds).samples, 16000)
    return Session.create(folder / "a.session", [folder / "a.wav"])


def _asked(text: str) -> HumanMessage:
    said = {"type": "text", "text": text}
    return HumanMessage([{"type": "text", "text": "Audio 1: a.wav"}, AUDIO, said])


def test_they_hear_as_much_at_once_as_they_can(chat: ChatQwenAudio, tmp_path: Path) -> None:
    with _session(tmp_path, 31.0) as session:
        chat = ChatQwenAudio(engine=chat.network, hear=session.hear, max_tokens=30, seed=1)
        reply = chat.invoke([_asked("what is said?")])
    assert reply.usage_metadata["output_tokens"] == 30
    per_second = 13 if chat.network.name.startswith("qwen3") else 25
    num_clips = 1 if chat.network.max_clip_seconds > 31 else 2
    heard = reply.usage_metadata["input_token_details"]["audio"]
    assert abs(heard - 31 * per_second) <= 3 * num_clips


@tool
def locate(words: Annotated[str, Field(max_length=8)], times: int) -> str:
    """Say where words are."""
    return f"{words} {times}"


def test_random_weights_call_tools_and_read_their_results(
    chat: ChatQwenAudio, tmp_path: Path
) -> None:
    pytest.importorskip("llguidance")
    with _session(tmp_path, 2.0) as session:
        chat = ChatQwenAudio(
            engine=chat.network, hear=session.hear, temperature=1.0, top_p=1.0, max_tokens=900
        )
        bound = chat.bind_tools([locate], tool_choice="any")
        messages = [_asked("where is it?")]
        for seed in range(2):
            reply = bound.invoke(messages, seed=seed)
            assert reply.tool_calls
            assert not reply.invalid_tool_calls
            for call in reply.tool_calls:
                assert call["args"].keys() == {"words", "times"}
            results = [ToolMessage("At 3 s.", tool_call_id=call["id"]) for call in reply.tool_calls]
            messages += [reply, *results]

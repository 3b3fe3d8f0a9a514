"""Recordings of tones that an ear of tests understands, and models that say what they are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import soundfile
from langchain_core.messages import AIMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from qwen_audio_agent.langchain import ScriptedChatModel, SpeechEditingToolkit
from tests.agent.conftest import RATE, ToneEar, speak

_numbers = count(1)


def recording(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.wav"
    soundfile.write(path, speak(text), RATE, subtype="PCM_16")
    return path


def open_talk(folder: Path, *texts: str, **how: Any) -> SpeechEditingToolkit:
    """A toolkit on recordings of the given texts."""
    files = [recording(folder, f"talk{i}", text) for i, text in enumerate(texts, start=1)]
    how = {"workspace": folder / "work", "ear": ToneEar(), "num_workers": 1} | how
    return SpeechEditingToolkit.open(*files, **how)


def heard(toolkit: SpeechEditingToolkit, number: int) -> str:
    """What is said in an audio as it sounds now."""
    audio = toolkit.session.audio(number)
    return ToneEar().listen(audio.stretch(0.0, audio.duration)).text


def asks(*calls: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    """A message of a model that calls tools."""
    made = [
        {"name": name, "args": arguments, "id": f"id-{next(_numbers)}"} for name, arguments in calls
    ]
    return AIMessage(text, tool_calls=made)


def cut(words: str, audio: int = 1) -> tuple[str, dict[str, Any]]:
    return "cut", {"audio": audio, "words": words}


def user(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


class Scripted(ScriptedChatModel):
    """Remembers the tools that it was given for each call, too."""

    tools: list[list[dict[str, Any]]] = Field(default_factory=list)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        self.tools.append([convert_to_openai_tool(tool) for tool in tools])
        return super().bind_tools(tools, **kwargs)


def scripted(*messages: AIMessage, **fields: Any) -> Scripted:
    return Scripted(messages=list(messages), **fields)


def sent(model: ScriptedChatModel, index: int = -1) -> str:
    """All that a model was sent in one call, as JSON text."""
    return json.dumps([message.model_dump() for message in model.requests[index]], default=str)

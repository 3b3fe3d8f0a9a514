"""A conversation about two recordings whose words are known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from qwen_audio_agent.chat_models.offline import OfflineChatModel
from qwen_audio_agent.errors import QwenAudioAgentError
from qwen_audio_agent.speech.words import Gap, Match, Transcript, Word

# A bar is a pause of 1.5 s; a word lasts 0.3 s and the next begins 0.1 s later.
INTERVIEW = (
    "um good morning and welcome to the show today we talk about the middle classes and uh "
    "you know the weather | hello again said the old man with the secret it was damn cold on "
    "monday you know and hello it was a damn long day you know thank you for listening goodbye"
)
JINGLE = "tuesday is a fine day hello from the jingle"
TOOLS = ["listen", "cut", "keep", "insert", "replace", "move"]
TOOLS += ["silence", "tidy", "gain", "denoise", "effect", "undo"]


@dataclass(frozen=True)
class Spoken:
    """A recording that says known words at known times."""

    words: tuple[Word, ...]
    gaps: tuple[Gap, ...]
    duration: float

    def transcript(self) -> Transcript:
        return Transcript(self.words, self.duration, gaps=self.gaps)

    def find(self, phrase: str) -> tuple[Match, ...]:
        wanted = re.findall(r"[a-z']+", phrase.lower())
        found = []
        for first in range(len(self.words)):
            run = self.words[first : first + len(wanted)]
            if [word.text for word in run] == wanted:
                found.append(Match(phrase, run[0].start, run[-1].end, 0.9))
        return tuple(found)


def spoken(text: str, duration: float) -> Spoken:
    words, gaps, at = [], [], 0.5
    for said in text.split():
        if said == "|":
            gaps.append(Gap(at, at + 1.5))
            at += 1.6
        else:
            kind: Any = "filler" if said in ("um", "uh") else "word"
            words.append(Word(said, round(at, 3), round(at + 0.3, 3), kind=kind))
            at += 0.4
    return Spoken(tuple(words), tuple(gaps), duration)


class Chat:
    """Plays the agent: gives the instruction, answers each tool call and brings the new audio."""

    def __init__(self, tools: list[str] | None = None) -> None:
        self.sounds = {"audio-1": spoken(INTERVIEW, 120.0), "audio-2": spoken(JINGLE, 8.0)}
        model = OfflineChatModel(hear=self.hear)
        names = TOOLS if tools is None else tools
        schemas = [{"name": n, "description": n, "parameters": {"type": "object"}} for n in names]
        self.model = model.bind_tools(schemas) if schemas else model
        self.messages: list[Any] = []
        self.num_audios = 2
        self.failing: dict[str, str] = {}
        self.seconds_cut = 0.0

    def hear(self, file_id: str) -> Spoken:
        if file_id not in self.sounds:
            raise QwenAudioAgentError(f"no {file_id}")
        return self.sounds[file_id]

    def say(self, instruction: str) -> tuple[list[tuple[str, dict[str, Any]]], str]:
        """The tool calls that an instruction leads to, and the answer."""
        self.messages.append(
            HumanMessage([*self._openings(), {"type": "text", "text": instruction}])
        )
        calls = []
        for _ in range(20):
            reply = self.model.invoke(self.messages)
            assert isinstance(reply, AIMessage)
            self.messages.append(reply)
            if not reply.tool_calls:
                return calls, reply.text
            (call,) = reply.tool_calls
            calls.append((call["name"], call["args"]))
            self._answer(call)
        raise AssertionError("the model does not come to an end")

    def _openings(self) -> list[Any]:
        if self.messages:
            return []
        return [
            {"type": "text", "text": "Audio 1: interview.flac, 120.00 s"},
            {"type": "audio", "file_id": "audio-1", "mime_type": "audio/wav"},
            {"type": "text", "text": "Audio 2: jingle.wav, 8.00 s"},
            {"type": "audio", "file_id": "audio-2", "mime_type": "audio/wav"},
        ]

    def _answer(self, call: Any) -> None:
        failed = self.failing.get(call["name"])
        status: Any = "error" if failed else "success"
        self.messages.append(ToolMessage(failed or "Done.", tool_call_id=call["id"], status=status))
        if failed or call["name"] == "listen":
            return
        before = self.sounds[f"audio-{call['args']['audio']}"]
        self.num_audios += 1
        after = Spoken(before.words, before.gaps, before.duration - self.seconds_cut)
        self.sounds[f"audio-{self.num_audios}"] = after
        text = f"Audio {self.num_audios}: {after.duration:.2f} s. clean"
        block = {"type": "audio", "file_id": f"audio-{self.num_audios}", "mime_type": "audio/wav"}
        self.messages.append(HumanMessage([{"type": "text", "text": text}, block], name="audio"))


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def chat_without_tools() -> Chat:
    return Chat(tools=[])

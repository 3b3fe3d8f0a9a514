"""What the messages say: the audios, the instruction at hand, and what has been done about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

AUDIO_TURN = "audio"
"""Name of the human messages that only bring new audios."""

AUDIO_BLOCKS = ("audio", "input_audio", "audio_url")
"""Types of content blocks that bring sound."""

_MADE = re.compile(r"Audio (\d+): (\d+(?:\.\d+)?) s\b")
_OPENED = re.compile(r"Audio (\d+): (.+), (\d+(?:\.\d+)?) s", re.DOTALL)
_FILE_ID = re.compile(r"audio-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class HeardAudio:
    """An audio of the conversation.

    Attributes:
        number: N of "Audio N".
        name: of its file; None for an audio that an edit made.
        seconds: its length as the message tells it; None when it does not.
        block: the content block that holds or names the sound.
    """

    number: int
    name: str | None
    seconds: float | None
    block: Mapping[str, Any]


@dataclass(slots=True)
class Done:
    """A tool call and what came of it.

    Attributes:
        name: of the tool.
        arguments: as they were given.
        text: the tool's answer; None until there is one.
        failed: the tool refused.
        made: number of the audio that it made.
    """

    name: str
    arguments: Mapping[str, Any]
    text: str | None = None
    failed: bool = False
    made: int | None = None


@dataclass(slots=True)
class Conversation:
    """A chat, read from its messages.

    Attributes:
        audios: by number.
        current: number of the audio at hand: the newest that an edit made, else the first.
        instruction: what the person said last; empty when nothing was said.
        earlier: what the person said before, the newest last.
        at_start: the audio at hand when the instruction was given.
        done: the tool calls since then.
        num_calls: of the whole conversation.
    """

    audios: dict[int, HeardAudio] = field(default_factory=dict)
    current: int | None = None
    instruction: str = ""
    earlier: list[str] = field(default_factory=list)
    at_start: int | None = None
    done: list[Done] = field(default_factory=list)
    num_calls: int = 0

    def named(self, name: str) -> list[int]:
        """The numbers of the audios whose file has this name.

        Its folder does not matter, nor does the ending of a name that is given without one.
        """
        wanted = _base_name(name)
        names = {n: _base_name(audio.name) for n, audio in self.audios.items() if audio.name}
        if "." not in wanted:
            names = {n: known.rpartition(".")[0] or known for n, known in names.items()}
        return [n for n, known in names.items() if known == wanted]


def read_conversation(messages: Sequence[BaseMessage]) -> Conversation:
    """Read a chat from its messages, the oldest first."""
    talk = Conversation()
    calls: dict[str, Done] = {}
    for message in messages:
        match message:
            case HumanMessage():
                _read_human(talk, message)
            case AIMessage():
                for call in message.tool_calls:
                    done = Done(call["name"], call["args"])
                    calls[call["id"] or ""] = done
                    talk.done.append(done)
                    talk.num_calls += 1
            case ToolMessage() if message.tool_call_id in calls:
                done = calls[message.tool_call_id]
                done.text, done.failed = message.text, message.status == "error"
            case _:
                pass
    return talk


def _read_human(talk: Conversation, message: HumanMessage) -> None:
    said = []
    caption = ""
    for block in _blocks(message):
        if block.get("type") == "text":
            if caption:
                said.append(caption)
            caption = str(block.get("text", ""))
            continue
        is_audio = block.get("type") in AUDIO_BLOCKS
        if is_audio and _add_audio(talk, caption, block):
            caption = ""
    said.append(caption)
    if message.name == AUDIO_TURN:
        return
    if talk.instruction:
        talk.earlier.append(talk.instruction)
    talk.instruction = "\n".join(text.strip() for text in said if text.strip())
    talk.at_start = talk.current
    talk.done = []


def _blocks(message: HumanMessage) -> Iterator[Mapping[str, Any]]:
    if isinstance(message.content, str):
        yield {"type": "text", "text": message.content}
        return
    for block in message.content:
        yield {"type": "text", "text": block} if isinstance(block, str) else block


def _add_audio(talk: Conversation, caption: str, block: Mapping[str, Any]) -> bool:
    """Add an audio; whether the text before it was its caption."""
    # A file may be called "9 s.wav"; what an edit made has no name, and its caption another end.
    opened = _OPENED.fullmatch(caption)
    made = None if opened else _MADE.match(caption)
    file_id = _FILE_ID.fullmatch(str(block.get("file_id", "")))
    number = int(file_id[1]) if file_id else max(talk.audios, default=0) + 1
    name = opened[2] if opened else None
    seconds = float(made[2]) if made else float(opened[3]) if opened else None
    talk.audios[number] = HeardAudio(number, name, seconds, block)
    if made:
        talk.current = number
        if talk.done:
            talk.done[-1].made = number
    elif talk.current is None:
        talk.current = number
    return bool(made or opened)


def _base_name(name: str) -> str:
    return re.split(r"[/\\]", name)[-1].casefold()

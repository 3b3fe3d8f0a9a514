"""The messages of a session: how audios, instructions and results are told to a model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    ToolMessage,
)

from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.speech.text import on_one_line

AUDIO = "audio"
"""Name of the human messages that only bring new audios."""

_FILE_ID: Final = re.compile(r"audio-(\d{1,9})")
_MAX_REASON: Final = 300


def person_turn(session: Session, instruction: str) -> HumanMessage:
    """The audios that the model has not heard yet, and then what the person wants."""
    blocks = audio_blocks(session, untold(session))
    if not blocks:
        return HumanMessage(instruction)
    return HumanMessage([*blocks, {"type": "text", "text": instruction}])


def audio_turn(session: Session) -> HumanMessage:
    """The audios that tools have made, as a turn of its own."""
    return HumanMessage(audio_blocks(session, untold(session)), name=AUDIO)


def result(step: Step) -> ToolMessage:
    """What a tool answered."""
    return ToolMessage(step.text, name=step.tool, tool_call_id=step.call_id)


def refusal(call_id: str, tool: str, text: str) -> ToolMessage:
    """Why a tool call was not done."""
    return ToolMessage(text, name=tool, tool_call_id=call_id, status="error")


def unreadable(call: InvalidToolCall) -> ToolMessage:
    """What to answer a call that is none: why it cannot be read."""
    why = on_one_line(call["error"] or "broken JSON")[:_MAX_REASON]
    text = f"This is no tool call that can be read: {why}."
    return refusal(call["id"] or "", call["name"] or "?", text)


def told(messages: Iterable[BaseMessage]) -> set[int]:
    """The numbers of the audios that messages have brought."""
    ids = (
        str(block.get("file_id", ""))
        for message in messages
        if isinstance(message.content, list)
        for block in message.content
        if isinstance(block, dict) and block.get("type") == "audio"
    )
    return {number for number in map(audio_number, ids) if number}


def audio_number(file_id: str) -> int | None:
    """The number in the `file_id` of an audio block, 2 for "audio-2"; None if it is another's."""
    found = _FILE_ID.fullmatch(file_id)
    return int(found[1]) if found else None


def untold(session: Session) -> list[int]:
    """The numbers of the audios that no message has brought to the model yet."""
    known = told(session.messages)
    return [number for number in session.numbers if number not in known]


def call_ids(messages: Iterable[BaseMessage]) -> set[str]:
    """The ids of all tool calls so far."""
    replies = [message for message in messages if isinstance(message, AIMessage)]
    calls = [call for message in replies for call in message.tool_calls]
    broken = [call for message in replies for call in message.invalid_tool_calls]
    return {call["id"] or "" for call in (*calls, *broken)}


def mend(session: Session) -> None:
    """Answer the tool calls that a killed process left open, with the steps that were kept."""
    answered = {m.tool_call_id for m in session.messages if isinstance(m, ToolMessage)}
    kept = {step.call_id: step for step in session.steps if step.call_id}
    last = next((m for m in reversed(session.messages) if isinstance(m, AIMessage)), None)
    if last is None:
        return
    for call in last.tool_calls:
        call_id = call["id"] or ""
        if call_id in answered:
            continue
        if call_id in kept:
            session.say(result(kept[call_id]))
        else:
            session.say(refusal(call_id, call["name"], "The program was stopped before this."))


def audio_blocks(session: Session, numbers: Iterable[int]) -> list[str | dict[Any, Any]]:
    """Audios as content blocks: a caption, and a reference to the sound, which is not in it."""
    blocks: list[str | dict[Any, Any]] = []
    made = {step.audio: step for step in session.steps}
    for number in numbers:
        length = f"{session.audio(number).duration:.2f} s"
        block: dict[Any, Any] = {
            "type": "audio",
            "file_id": f"audio-{number}",
            "mime_type": "audio/wav",
        }
        if number in made:
            text = f"Audio {number}: {length}. {made[number].verdict_text}".rstrip()
            # A model that hears only some of a long audio hears it there.
            changed = [round(verdict.at, 2) for verdict in made[number].verdicts]
            block |= {"extras": {"changed": changed}} if changed else {}
        else:
            text = f"Audio {number}: {on_one_line(session.name(number))}, {length}"
        blocks += [{"type": "text", "text": text}, block]
    return blocks

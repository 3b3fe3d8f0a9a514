"""The messages of a session: how audios, instructions and results are told to a model."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.speech.text import on_one_line

AUDIO = "audio"
"""Name of the human messages that only bring new audios."""


def person_turn(session: Session, instruction: str) -> HumanMessage:
    """The audios that the model has not heard yet, and then what the person wants."""
    blocks = _audio_blocks(session)
    if not blocks:
        return HumanMessage(instruction)
    return HumanMessage([*blocks, {"type": "text", "text": instruction}])


def audio_turn(session: Session) -> HumanMessage:
    """The audios that tools have made, as a turn of its own."""
    return HumanMessage(_audio_blocks(session), name=AUDIO)


def result(step: Step) -> ToolMessage:
    """What a tool answered."""
    return ToolMessage(step.text, name=step.tool, tool_call_id=step.call_id)


def refusal(call_id: str, tool: str, text: str) -> ToolMessage:
    """Why a tool call was not done."""
    return ToolMessage(text, name=tool, tool_call_id=call_id, status="error")


def untold(session: Session) -> list[int]:
    """The numbers of the audios that no message has brought to the model yet."""
    told = {
        block.get("file_id")
        for message in session.messages
        if isinstance(message.content, list)
        for block in message.content
        if isinstance(block, dict) and block.get("type") == "audio"
    }
    return [number for number in session.numbers if f"audio-{number}" not in told]


def call_ids(session: Session) -> set[str]:
    """The ids of all tool calls so far."""
    messages = [message for message in session.messages if isinstance(message, AIMessage)]
    calls = [call for message in messages for call in message.tool_calls]
    broken = [call for message in messages for call in message.invalid_tool_calls]
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


def _audio_blocks(session: Session) -> list[str | dict[Any, Any]]:
    blocks: list[str | dict[Any, Any]] = []
    made = {step.audio: step for step in session.steps}
    for number in untold(session):
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

"""What is shown to a text model: turns of text and sound, the last one open for its reply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from qwen_audio_agent.chat_models.conversation import AUDIO_BLOCKS
from qwen_audio_agent.errors import UsageError

FormatName = Literal["react", "hermes"]
Role = Literal["system", "user", "assistant"]
Part = str | Mapping[str, Any]
"""Text, or the content block of an audio, as it came."""

ToolSchema = Mapping[str, Any]
"""A tool as `convert_to_openai_tool` gives it: {"type": "function", "function": {...}}."""

DEFAULT_SYSTEM = "You are a helpful assistant."
"""Source: the system turn that Qwen's chats have when nobody gives one (QwenLM/Qwen)."""

REASONING = "reasoning_content"
"""Key of a message's `additional_kwargs` for what was thought; LangChain knows it by this name."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a chat; its text is data, so nothing in it is to become a special token."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All text of the turn, without its audios."""
        return "".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation for a text model, and what its reply has to be read with.

    Attributes:
        turns: the last one is the assistant's and stays open: what is generated goes on right after
            its text, with no end of turn between.
        given: end of the last turn's text that is the beginning of the reply, put in its mouth.
        tools: which it may call; empty when it may call none.
        tool_choice: "auto", "any", "none" or the name of one of the tools.
        first_call: number of the reply's first tool call in the whole conversation, from 1.
        answer: the JSON schema of an answer in words; None: any text.
    """

    turns: tuple[Turn, ...]
    given: str
    tools: tuple[ToolSchema, ...]
    tool_choice: str
    first_call: int
    answer: Mapping[str, Any] | None = None


class TurnList:
    """Gathers turns; what one role says in a row is one turn, a line between."""

    def __init__(self) -> None:
        self._turns: list[tuple[Role, list[Part]]] = []

    def say(self, role: Role, *parts: Part, joint: str = "\n") -> None:
        """Add parts to the end; `joint` separates them from what the same role said before."""
        if self._turns and self._turns[-1][0] == role:
            said = self._turns[-1][1]
            said.extend((joint, *parts) if said else parts)
        else:
            self._turns.append((role, list(parts)))

    def close(self, given: str, joint: str = "\n") -> tuple[Turn, ...]:
        """The turns, with the assistant's last one open and ending in `given`."""
        self.say("assistant", *([given] if given else []), joint=joint if given else "")
        return tuple(Turn(role, tuple(_joined(parts))) for role, parts in self._turns)


def _joined(parts: Sequence[Part]) -> Iterator[Part]:
    """The parts with neighbouring texts in one, and empty ones gone."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text


def choice_name(choice: str | bool | Mapping[str, Any] | None) -> str | None:
    """A tool choice as LangChain, OpenAI or Anthropic write it, in one word.

    Raises:
        UsageError: it is none of them.
    """
    match choice:
        case None | False:
            return None
        case True:
            return "any"
        case str():
            return choice
        case {"function": {"name": str(name)}} | {"type": "tool" | "function", "name": str(name)}:
            return name
        case {"type": "auto" | "any" | "required" | "none" as kind}:
            return str(kind)
    raise UsageError(
        f"tool_choice is {choice!r}; it may be auto, any, none, the name of a tool, or "
        '{"type": "function", "function": {"name": ...}}'
    )


def read_tool_choice(choice: str | None, tools: Sequence[ToolSchema]) -> str:
    """What `tool_choice` means for these tools: "auto", "any", "none" or a tool's name.

    Raises:
        UsageError: it is none of them, or there is nothing to choose from.
    """
    names = [tool_name(tool) for tool in tools]
    if choice == "none" or not names:
        if choice in (None, "auto", "none"):
            return "none"
        raise UsageError(f"tool_choice {choice!r} needs tools, and none are bound")
    if choice in names:
        return str(choice)
    if choice in (None, "auto"):
        return "auto"
    if choice in ("any", "required"):
        return "any"
    raise UsageError(f"tool_choice is {choice!r}; it may be auto, any, none or {', '.join(names)}")


def tool_name(tool: ToolSchema) -> str:
    """What a tool is called."""
    return str(tool["function"]["name"])


def next_call_number(messages: Sequence[BaseMessage]) -> int:
    """A number whose `call_id` no tool call of the conversation has."""
    calls = [call for m in messages if isinstance(m, AIMessage) for call in calls_of(m)]
    taken = [(call["id"] or "").removeprefix("call_") for call in calls]
    return 1 + max([len(calls), *(int(n) for n in taken if n.isdecimal() and len(n) < 10)])


def call_id(number: int) -> str:
    """The id of a conversation's tool call."""
    return f"call_{number}"


def calls_of(message: AIMessage) -> list[ToolCall | InvalidToolCall]:
    """What a message called, and what it tried to."""
    return [*message.tool_calls, *message.invalid_tool_calls]


def arguments_text(call: ToolCall | InvalidToolCall) -> str:
    """The arguments of a call as the model writes them; for an unreadable one, what it wrote."""
    if isinstance(call["args"], dict):
        return json.dumps(call["args"], ensure_ascii=False)
    try:
        # An invalid call of ours holds its text as a JSON string, see replies.
        read = json.loads(call["args"] or "")
    except (ValueError, RecursionError):
        return call["args"] or ""
    return read if isinstance(read, str) else call["args"] or ""


def system_text(messages: Sequence[BaseMessage]) -> str:
    """What the system turn says, from all system messages."""
    said = [message_text(m) for m in messages if isinstance(m, SystemMessage)]
    return "\n\n".join(text for text in said if text) or DEFAULT_SYSTEM


def message_parts(message: HumanMessage) -> list[Part]:
    """The texts and audios of what a person says.

    Raises:
        UsageError: it holds something that is neither.
    """
    if isinstance(message.content, str):
        return [message.content]
    parts: list[Part] = []
    for block in message.content:
        kind = "text" if isinstance(block, str) else str(block.get("type", ""))
        if kind == "text":
            parts.append(block if isinstance(block, str) else str(block.get("text", "")))
        elif kind in AUDIO_BLOCKS and isinstance(block, dict):
            parts.append(block)
        else:
            raise UsageError(f"this model takes text and audio, and no block of type {kind!r}")
    return parts


def message_text(message: BaseMessage) -> str:
    """The text of a message; a tool's other blocks are told as JSON, a model's are left out."""
    if isinstance(message.content, str):
        return message.content
    texts = []
    for block in message.content:
        if isinstance(block, str):
            texts.append(block)
        elif block.get("type") == "text":
            texts.append(str(block.get("text", "")))
        elif isinstance(message, ToolMessage):
            texts.append(json.dumps(block, ensure_ascii=False, default=str))
    return "\n".join(texts) if isinstance(message, ToolMessage) else "".join(texts)


def result_text(message: ToolMessage) -> str:
    """What a tool answered; a failure says so."""
    text = message_text(message).strip()
    failed = message.status == "error" and not text.lower().startswith("error")
    return f"Error: {text}" if failed else text


def refuse_message(message: BaseMessage) -> UsageError:
    """The error for a message of a kind that no format shows."""
    return UsageError(f"there is no place for a message of type {message.type!r} in this chat")

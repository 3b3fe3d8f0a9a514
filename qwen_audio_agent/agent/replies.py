"""What a chat model replies, made fit to be kept: a model, or its server, may write anything."""

from __future__ import annotations

import math
from collections.abc import Container
from itertools import count
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call

_MAX_DEPTH = 32
_MAX_BITS = 64


def read_reply(reply: object, known_ids: Container[str]) -> AIMessage:
    """The reply as plain JSON data, whose tool calls have ids of their own.

    What JSON does not have (NaN, bytes, objects, endless nesting) becomes text, which a tool then
    refuses with what is allowed. Small models number their calls from 1 in every reply, or not at
    all; a result must find its call.

    Args:
        reply: of a chat model.
        known_ids: of the tool calls before.

    Raises:
        TypeError: it is no AIMessage.
    """
    if not isinstance(reply, AIMessage):
        raise TypeError(f"a chat model gives an AIMessage, not {type(reply).__name__}")
    fields = ("content", "additional_kwargs", "response_metadata")
    changed: dict[str, Any] = {name: _plain(getattr(reply, name)) for name in fields}
    return with_own_ids(reply.model_copy(update=changed), known_ids)


def with_own_ids(reply: AIMessage, known_ids: Container[str]) -> AIMessage:
    """The reply with tool calls of plain JSON data that have ids of their own; see `read_reply`."""
    taken = {""}
    numbers = count(2)

    def new_id(given: str | None) -> str:
        new = given or ""
        while new in taken or new in known_ids:
            new = f"{given or 'call'}_{next(numbers)}"
        taken.add(new)
        return new

    calls = [
        tool_call(name=call["name"], args=_plain(call["args"]), id=new_id(call["id"]))
        for call in reply.tool_calls
    ]
    broken = [_plain(call) | {"id": new_id(call["id"])} for call in reply.invalid_tool_calls]
    return reply.model_copy(update={"tool_calls": calls, "invalid_tool_calls": broken})


def _plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON can hold it."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        bits = value.bit_length()
        return int(value) if bits <= _MAX_BITS else f"a whole number of {bits} bits"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if depth < _MAX_DEPTH and isinstance(value, dict):
        return {str(name): _plain(item, depth + 1) for name, item in value.items()}
    if depth < _MAX_DEPTH and isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return f"<{type(value).__name__}>"

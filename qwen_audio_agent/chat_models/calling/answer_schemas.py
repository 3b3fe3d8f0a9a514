"""Answers that are JSON: which schema is asked for, and how a model is told of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_core.messages import BaseMessage, SystemMessage

from qwen_audio_agent.errors import UsageError

_INSTRUCTION = (
    "Write the final answer as one JSON object and nothing else: no words around it, no markdown."
)
_SCHEMA = " It must fit this JSON schema:\n"

_SCALARS: Final = [{"type": kind} for kind in ("string", "number", "boolean", "null")]
_DEPTH: Final = 3
"""Of lists and objects in an object whose schema nobody gives; without a limit it had no end."""


def _free_value(depth: int) -> dict[str, Any]:
    if not depth:
        return {"anyOf": _SCALARS}
    inner = _free_value(depth - 1)
    lists = {"type": "array", "items": inner}
    return {"anyOf": [*_SCALARS, lists, {"type": "object", "additionalProperties": inner}]}


ANY_OBJECT: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": _free_value(_DEPTH - 1),
}
"""The schema of an answer that is to be JSON, whatever it says."""


def answer_schema(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The JSON schema that an answer has to fit; None when any text will do.

    Args:
        response_format: as OpenAI's: {"type": "json_schema", "json_schema": {"schema": {...}}},
            {"type": "json_object"} or {"type": "text"}.

    Raises:
        UsageError: it is none of them.
    """
    match response_format:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return ANY_OBJECT
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
    raise UsageError(
        'response_format may be {"type": "json_schema", "json_schema": {"schema": {...}}}, '
        '{"type": "json_object"} or {"type": "text"}'
    )


def with_instruction(
    messages: Sequence[BaseMessage], schema: Mapping[str, Any]
) -> list[BaseMessage]:
    """The messages, with what the answer has to be after the other system messages."""
    said = _INSTRUCTION
    if schema is not ANY_OBJECT:
        said += _SCHEMA + json.dumps(schema, ensure_ascii=False)
    system = [message for message in messages if isinstance(message, SystemMessage)]
    others = [message for message in messages if not isinstance(message, SystemMessage)]
    return [*system, SystemMessage(said), *others]

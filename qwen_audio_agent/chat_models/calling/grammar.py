"""A grammar for what a model may reply, so that every reply can be read and fits its schema.

It is written for llguidance: Lark, with JSON schemas inside. It goes on after `Prompt.given`. Every
sentence of it is read without a repair, and has an end: strings, numbers, lists and texts are
bounded, so that even random sampling comes to one.

Source: guidance-ai/llguidance, docs/syntax.md and docs/json_schema.md, for the language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qwen_audio_agent.chat_models.calling.prompts import FormatName, Prompt, ToolSchema, tool_name

MAX_STRING = 200
"""Characters of a string whose schema allows more, or does not say."""

MAX_ANSWER_STRING = 4000
"""The same of an answer that is JSON: a summary is longer than an argument."""

MAX_ITEMS = 16
"""Of a list, or of an object with free names, whose schema does not say."""

MAX_NUMBER = 10**12
"""Magnitude of a number whose schema does not say; without a limit, it could be 1e999."""

MAX_THOUGHT = 100
"""Tokens of the thought before a call or an answer."""

MAX_TEXT = 500
"""Tokens of an answer."""

MAX_CALLS = 4
"""In one reply."""

# Whitespace as `json.dumps` writes it, and as the conversation shows earlier calls.
_GUIDANCE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

# No control characters, and nothing that begins a closing tag or looks like a special token.
_STRING = r"^(?:[^\x00-\x1f\x7f<]|<[^\x00-\x1f\x7f<\/|])*$"

_INPUT = "\nAction Input: "
_ARGUMENTS = ', "arguments": '

_CONTROLS = r"\x00-\x1f\x7f"
_THOUGHT = rf"thought[max_tokens={MAX_THOUGHT}]: /[^\s{_CONTROLS}][^{_CONTROLS}]*/"

# Lines of an answer, none of which can be taken for a label, a tag, or a call without its tags.
_REACT_LINE = rf"([^\s{_CONTROLS}O<]|O[^{_CONTROLS}b<])([^{_CONTROLS}<]|<[^{_CONTROLS}<|])*"
_HERMES_LINE = rf"[^\s{_CONTROLS}<{{\[`]([^{_CONTROLS}<]|<[^{_CONTROLS}<\/t|])*"


def write_grammar(form: FormatName, prompt: Prompt) -> str | None:
    """The grammar of the replies to a prompt.

    Args:
        form: the format that made the prompt.
        prompt: with its tools, whose schemas may have been narrowed.

    Returns:
        A Lark grammar for llguidance, or None when no tool may be called and the answer has no
        schema: then all text is fine.
    """
    if prompt.tool_choice == "none":
        if prompt.answer is None:
            return None
        # What was put in the model's mouth ends in a label, after which comes a space.
        space = '" " ' if prompt.given else ""
        return f"start: {space}{_answer(prompt.answer)}\n"
    rules = _react(prompt) if form == "react" else _hermes(prompt)
    return "\n".join(rules) + "\n"


def _react(prompt: Prompt) -> list[str]:
    if prompt.tool_choice not in ("auto", "any"):
        return [f'start: " " {_arguments(_tool(prompt, prompt.tool_choice))}']
    arms = [f"{_quoted(tool_name(tool) + _INPUT)} {_arguments(tool)}" for tool in prompt.tools]
    action = f"action: {' | '.join(arms)}"
    if prompt.tool_choice == "any":
        return ['start: " " action', action]
    start = r'start: " " thought "\n" ("Action: " action | "Final Answer: " text)'
    return [start, action, _THOUGHT, _text(prompt, _REACT_LINE)]


def _hermes(prompt: Prompt) -> list[str]:
    end = _quoted("}\n</tool_call>")
    if prompt.tool_choice not in ("auto", "any"):
        return [f'start: " " {_arguments(_tool(prompt, prompt.tool_choice))} {end}']
    arms = [
        f"{_quoted(json.dumps(tool_name(tool))[1:] + _ARGUMENTS)} {_arguments(tool)}"
        for tool in prompt.tools
    ]
    begin = _quoted('<tool_call>\n{"name": "')
    calls = [f"called: {begin} named {end}", f"named: {' | '.join(arms)}"]
    more = rf'("\n" called){{0,{MAX_CALLS - 1}}}'
    if prompt.tool_choice == "any":
        return [f"start: named {end} {more}", *calls]
    return [f"start: text | called {more}", *calls, _text(prompt, _HERMES_LINE)]


def _text(prompt: Prompt, line: str) -> str:
    """The rule of an answer that is no call."""
    if prompt.answer is not None:
        return f"text: {_answer(prompt.answer)}"
    return rf"text[max_tokens={MAX_TEXT}]: /{line}(\n{{1,2}} {{0,8}}{line})*/"


def _tool(prompt: Prompt, name: str) -> ToolSchema:
    return next(tool for tool in prompt.tools if tool_name(tool) == name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _arguments(tool: ToolSchema) -> str:
    """The arguments of a tool, as a term of the grammar."""
    schema = tool["function"].get("parameters") or {"type": "object", "properties": {}}
    return _json(bounded(schema))


def _answer(schema: Mapping[str, Any]) -> str:
    """An answer that fits a schema, as a term of the grammar."""
    return _json(bounded(schema, MAX_ANSWER_STRING))


def _json(schema: Mapping[str, Any]) -> str:
    return f"%json {json.dumps({**schema, 'x-guidance': _GUIDANCE}, ensure_ascii=False)}"


def bounded(schema: Mapping[str, Any], longest: int = MAX_STRING) -> dict[str, Any]:
    """A JSON schema, of whose values none is endless; each of them fits `schema` too.

    Args:
        schema: of arguments; what it says of lengths and limits stays, if it is not longer.
        longest: characters of a string.
    """
    made = dict(schema)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in made:
            made[key] = [bounded(option, longest) for option in made[key]]
    for key in ("properties", "$defs", "definitions"):
        if key in made:
            made[key] = {name: bounded(inner, longest) for name, inner in made[key].items()}
    if {"enum", "const", "$ref", "anyOf", "oneOf", "allOf"} & made.keys():
        return made
    kinds = made.get("type", ["string", "number", "boolean", "null"])
    made["type"] = kinds
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        made.update(_limits(kind, made, longest))
    return made


def _limits(kind: str, schema: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """Keywords that bound the values of one type."""
    match kind:
        case "string":
            most = max(schema.get("minLength", 0), longest)
            limits: dict[str, Any] = {"maxLength": min(schema.get("maxLength", most), most)}
            own = {"pattern", "format"} & schema.keys()
            return limits if own else limits | {"pattern": _STRING}
        case "number" | "integer":
            low = {} if "exclusiveMinimum" in schema else {"minimum": -MAX_NUMBER}
            high = {} if "exclusiveMaximum" in schema else {"maximum": MAX_NUMBER}
            return {key: schema.get(key, limit) for key, limit in (low | high).items()}
        case "array":
            most = max(schema.get("minItems", 0), MAX_ITEMS)
            items = bounded(schema.get("items") or {}, longest)
            return {"maxItems": schema.get("maxItems", most), "items": items}
        case "object":
            others = schema.get("additionalProperties", "properties" not in schema)
            if others is False:
                return {"additionalProperties": False}
            return {
                "additionalProperties": bounded(
                    others if isinstance(others, dict) else {}, longest
                ),
                "maxProperties": schema.get("maxProperties", MAX_ITEMS),
            }
    return {}

"""The schemas of the agent's own tools, narrowed to the audios that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qwen_audio_agent.chat_models.calling.prompts import ToolSchema

AUDIOS = ("audio", "other")
"""Arguments that are the number of an audio."""

TIMES = ("start", "end", "at", "longer_than", "to", "fade_in", "fade_out")
"""Arguments that are seconds of an audio, or a length inside one."""


def narrow(tools: Sequence[ToolSchema], audios: Mapping[int, float]) -> list[dict[str, Any]]:
    """The tools with only those audios and times that exist.

    The numbers of audios become an enum; times go from 0 to the end of the longest audio, in
    hundredths of a second. Which time belongs to which audio a schema cannot say; the tool can.

    Args:
        tools: as `convert_to_openai_tool` gives them; tools of others are left as they are, unless
            their arguments have the names and types of ours.
        audios: the live audios by number, with their lengths in seconds; when there are none,
            nothing is narrowed.
    """
    if not audios:
        return [dict(tool) for tool in tools]
    longest = round(max(audios.values()), 2)  # as the model is told it
    allowed: dict[tuple[str, str], dict[str, Any]] = {}
    for name in AUDIOS:
        allowed[name, "integer"] = {"enum": sorted(audios)}
    for name in TIMES:
        allowed[name, "number"] = {"minimum": 0, "maximum": longest, "multipleOf": 0.01}
    return [_narrowed(tool, allowed) for tool in tools]


def narrow_plainly(
    tools: Sequence[ToolSchema], audios: Mapping[int, float]
) -> list[dict[str, Any]]:
    """The same as `narrow` for models of others, whose providers refuse parts of JSON Schema.

    Google's takes no enum of numbers and some take no `multipleOf`, so there are bounds only; and
    because Google's package leaves bounds out without a word, the descriptions say them as well.
    """
    if not audios:
        return [dict(tool) for tool in tools]
    longest = round(max(audios.values()), 2)
    allowed: dict[tuple[str, str], dict[str, Any]] = {}
    for name in AUDIOS:
        allowed[name, "integer"] = {"minimum": min(audios), "maximum": max(audios)}
    for name in TIMES:
        allowed[name, "number"] = {"minimum": 0, "maximum": longest}
    return [_narrowed(tool, allowed, say=True) for tool in tools]


def _narrowed(
    tool: ToolSchema, allowed: Mapping[tuple[str, str], dict[str, Any]], *, say: bool = False
) -> dict[str, Any]:
    if "function" not in tool:  # one that a provider runs itself
        return dict(tool)
    function = tool["function"]
    parameters = function.get("parameters", {})
    properties: dict[str, Any] = {}
    for name, schema in parameters.get("properties", {}).items():
        bounds = allowed.get((name, str(schema.get("type"))), {})
        properties[name] = {**schema, **bounds}
        if say and bounds:
            said = f"{schema.get('description', name)} ({bounds['minimum']} to {bounds['maximum']})"
            properties[name]["description"] = said
    parameters = {**parameters, "properties": properties}
    return {**tool, "function": {**function, "parameters": parameters}}

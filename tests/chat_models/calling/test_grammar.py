"""The grammar of replies, and the schemas in it; what it lets through is in tests/model."""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import qwen_audio_agent
from qwen_audio_agent.chat_models.calling import narrow, open_format
from qwen_audio_agent.chat_models.calling.grammar import MAX_ITEMS, MAX_NUMBER, MAX_STRING, bounded
from tests.chat_models.calling.replying import OUR_TOOLS, prompt_of

PACKAGE = Path(qwen_audio_agent.__file__).parent


def arguments_of(tools: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (tool,) = [tool for tool in tools if tool["function"]["name"] == name]
    return tool["function"]["parameters"]["properties"]


def test_narrowed_tools_know_the_live_audios_and_their_lengths() -> None:
    before = copy.deepcopy(OUR_TOOLS)
    tools = narrow(OUR_TOOLS, {3: 4.0, 1: 12.346})
    assert before == OUR_TOOLS
    insert = arguments_of(tools, "insert")
    assert insert["audio"]["enum"] == insert["other"]["enum"] == [1, 3]
    time = {"type": "number", "minimum": 0, "maximum": 12.35, "multipleOf": 0.01}
    for name in ("start", "end", "at"):
        assert {key: insert[name].get(key) for key in time} == time
    assert arguments_of(tools, "gain")["fade_in"]["maximum"] == 12.35
    assert insert["crossfade_ms"]["maximum"] == 10_000
    assert insert["words"] == arguments_of(OUR_TOOLS, "insert")["words"]


def test_without_audios_and_for_other_types_nothing_is_narrowed() -> None:
    assert narrow(OUR_TOOLS, {}) == OUR_TOOLS
    other = {
        "function": {"name": "meet", "parameters": {"properties": {"start": {"type": "string"}}}}
    }
    assert narrow([other, {"function": {"name": "now"}}], {1: 2.0})[0] == other


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        ({"type": "string"}, {"maxLength": MAX_STRING}),
        ({"type": "string", "maxLength": 9}, {"maxLength": 9}),
        ({"type": "string", "maxLength": 2000, "minLength": 1}, {"maxLength": MAX_STRING}),
        ({"type": "string", "minLength": 500}, {"maxLength": 500}),
        ({"type": "string", "pattern": "^a$"}, {"pattern": "^a$"}),
        ({"type": "number"}, {"minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}),
        ({"type": "integer", "minimum": 3}, {"minimum": 3, "maximum": MAX_NUMBER}),
        (
            {"type": "array", "items": {"enum": [1]}},
            {"maxItems": MAX_ITEMS, "items": {"enum": [1]}},
        ),
        ({"type": "object", "properties": {}}, {"additionalProperties": False}),
        ({"type": "object"}, {"maxProperties": MAX_ITEMS}),
        ({}, {"type": ["string", "number", "boolean", "null"]}),
    ],
)
def test_every_value_has_an_end(schema: dict[str, Any], limits: dict[str, Any]) -> None:
    made = bounded(schema)
    assert {key: made[key] for key in limits} == limits
    assert bounded({"anyOf": [schema]}) == {"anyOf": [made]}


def test_limits_that_exclude_their_end_stay_alone() -> None:
    schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    assert bounded(schema) == schema
    assert bounded({"enum": [1, 2]}) == {"enum": [1, 2]}


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_without_calls_there_is_no_grammar(form: str) -> None:
    assert open_format(form).grammar(prompt_of(form, "none")) is None
    grammar = open_format(form).grammar(prompt_of(form, "undo"))
    assert grammar is not None
    assert "listen" not in grammar


def test_nothing_here_loads_a_network() -> None:
    code = (
        "import sys, qwen_audio_agent.chat_models.calling;"
        "sys.exit(' '.join({'torch', 'transformers', 'llguidance'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_only_the_network_imports_torch_at_the_top() -> None:
    for path in PACKAGE.rglob("*.py"):
        named: set[str] = set()
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Import):
                named |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                named.add((node.module or "").partition(".")[0])
        if "model" not in path.relative_to(PACKAGE).parts:
            assert not named & {"torch", "transformers", "llguidance"}, path

"""LangChain's own tests of tools, for every tool of the toolkit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from qwen_audio_agent.langchain import SpeechEditingToolkit
from tests.langchain.talks import open_talk

EXAMPLES: dict[str, dict[str, Any]] = {
    "listen": {"audio": 1},
    "cut": {"audio": 1, "words": "bravo"},
    "keep": {"audio": 1, "words": "bravo", "to_words": "charlie"},
    "insert": {"audio": 1, "other": 2, "before": "bravo"},
    "replace": {"audio": 1, "words": "bravo", "other": 2, "other_words": "delta"},
    "move": {"audio": 1, "words": "bravo", "after": "charlie"},
    "silence": {"audio": 1, "start": 0.2, "end": 0.4},
    "tidy": {"audio": 1, "what": "fillers"},
    "gain": {"audio": 1, "db": -3.0},
    "denoise": {"audio": 1},
    "effect": {"audio": 1, "name": "highpass", "value": 80},
    "undo": {"audio": 3},
}


@pytest.fixture(scope="module")
def toolkit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechEditingToolkit]:
    texts = ("alpha bravo um charlie", "delta echo")
    with open_talk(tmp_path_factory.mktemp("talk"), *texts) as opened:
        opened.session.call("cut", audio=1, words="alpha")
        yield opened


def test_there_is_an_example_for_every_tool(toolkit: SpeechEditingToolkit) -> None:
    assert [tool.name for tool in toolkit.get_tools()] == list(EXAMPLES)


class _OneTool:
    name: str
    tool_constructor: BaseTool

    @pytest.fixture(autouse=True)
    def _construct(self, toolkit: SpeechEditingToolkit) -> None:
        tools = {tool.name: tool for tool in toolkit.get_tools()}
        type(self).tool_constructor = tools[self.name]

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


for _name in EXAMPLES:
    for _suite in (ToolsUnitTests, ToolsIntegrationTests):
        _title = f"Test{_name.title()}{_suite.__name__.removesuffix('Tests')}"
        globals()[_title] = type(_title, (_OneTool, _suite), {"name": _name})

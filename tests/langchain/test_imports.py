"""The tests of this folder work with what people can import, and with nothing behind it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PUBLIC = {"qwen_audio_agent", "qwen_audio_agent.langchain", "qwen_audio_agent.cli"}
"""The last one is what the command `qwen-audio-agent` runs."""

FILES = sorted(Path(__file__).parent.glob("*.py"))


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name for name in found if name.partition(".")[0] == "qwen_audio_agent"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_public_paths_are_imported(path: Path) -> None:
    assert imported(path) <= PUBLIC


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import qwen_audio_agent", {"langchain", "langchain_core", "langgraph", "langsmith"}),
        ("import qwen_audio_agent.langchain", {"torch", "transformers", "langgraph"}),
        (
            "from qwen_audio_agent.langchain import SpeechEditingToolkit, editing_middleware",
            {"torch", "transformers", "openai"},
        ),
    ],
)
def test_what_an_import_does_not_bring(code: str, absent: set[str]) -> None:
    report = f"import sys; {code}; print(*set(sys.modules) & {absent})"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""

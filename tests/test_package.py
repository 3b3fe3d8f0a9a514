"""The package as a whole: what importing it costs, and what it offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import qwen_audio_agent

HEAVY = (
    "numpy",
    "scipy",
    "torch",
    "transformers",
    "librosa",
    "langchain_core",
    "pocketsphinx",
    "lark",
)


@pytest.mark.parametrize(
    "code",
    ["import qwen_audio_agent", "from qwen_audio_agent.cli import main; main(['edit', '--help'])"],
)
def test_start_up_imports_nothing_heavy(code: str) -> None:
    report = f"import sys; {code}; sys.stderr.write(' '.join(set(sys.modules) & set({HEAVY})))"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize("name", qwen_audio_agent.__all__)
def test_every_public_name_loads(name: str) -> None:
    assert getattr(qwen_audio_agent, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        qwen_audio_agent.nothing  # noqa: B018

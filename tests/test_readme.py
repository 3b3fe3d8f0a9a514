"""What the README shows is what happens: its commands print what stands there, its Python runs.

A `console` block holds commands after `$ ` and what they print; each runs in a folder that holds
`examples/`, without a shell. Lines fed to a command stand after `> `. A `python` block runs as a
script in the same folder; where it names Qwen-Audio-Chat, a tiny network of random weights is
there. `sh` blocks install the package: CI runs them by installing it. What is heard is kept for the
whole run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CONSOLE = [text for kind, text in BLOCKS if kind == "console"]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def _environment(heard: Path) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, os.environ["PATH"]])
    return {**os.environ, "PATH": path, "QWEN_AUDIO_AGENT_CACHE": str(heard)}


def _commands(block: str) -> list[tuple[str, list[str], list[str]]]:
    """Each command of a block, with the lines it is fed and the lines it prints."""
    commands: list[tuple[str, list[str], list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], [], []))
        elif line.startswith("> "):
            commands[-1][1].append(line[2:])
        else:
            commands[-1][2].append(line)
    return commands


def _squeezed(lines: list[str]) -> list[str]:
    """Lines without their spacing; how often progress shows depends on the machine."""
    shown = (" ".join(line.split()) for line in lines if line.strip())
    return [line for line in shown if not re.fullmatch(r"\w+ [#-]{32} \d+ %", line)]


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.splitlines()[0][:60])
def test_commands_print_what_the_readme_says(block: str, workplace: Path, heard: Path) -> None:
    for command, fed, expected in _commands(block):
        done = subprocess.run(
            shlex.split(command),
            input="\n".join(fed),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=workplace,
            env=_environment(heard),
        )
        assert _squeezed(done.stdout.splitlines()) == _squeezed(expected), command


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.splitlines()[0][:60])
def test_python_of_the_readme_runs(block: str, workplace: Path, heard: Path) -> None:
    if "Qwen-Audio-Chat" in block:
        from tests.model.tiny_checkpoint import write_tiny_checkpoint

        write_tiny_checkpoint(workplace / "Qwen-Audio-Chat")
    subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", block],
        check=True,
        cwd=workplace,
        env=_environment(heard),
    )


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= 200
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target

"""The command line: what is accepted, and how wrong use ends."""

from __future__ import annotations

import pytest

from qwen_audio_agent.cli import main
from qwen_audio_agent.cli.parser import parse


def test_the_instruction_is_the_last_positional_wherever_options_stand() -> None:
    for argv in (
        ["edit", "a.wav", "b.wav", "Join them", "-o", "c.wav"],
        ["edit", "a.wav", "b.wav", "-o", "c.wav", "Join them"],
        ["edit", "-o", "c.wav", "a.wav", "b.wav", "Join them"],
    ):
        arguments = parse(argv)
        assert arguments.positionals == ["a.wav", "b.wav", "Join them"]
        assert arguments.output == "c.wav"


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["dance"],
        ["edit", "a.wav", "Cut it", "--colour", "red"],
        ["words", "a.wav", "b.wav"],
        ["words", "a.wav", "--format", "pdf"],
        ["replay", "s", "a.wav"],
        ["edit", "a.wav", "Cut it", "-o", "b.wav", "--max-seconds", "0"],
    ],
)
def test_wrong_use_exits_with_2_and_one_usage(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "usage:" in printed.err


@pytest.mark.parametrize("argv", [["--help"], ["edit", "--help"], ["--version"]])
def test_help_exits_with_0_on_stdout(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    assert "qwen-audio-agent" in capsys.readouterr().out

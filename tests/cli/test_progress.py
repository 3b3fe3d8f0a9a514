"""The progress line: nothing for short work, a line that vanishes for long work."""

from __future__ import annotations

import io

import pytest

from qwen_audio_agent.cli import progress
from qwen_audio_agent.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_short_work_prints_nothing() -> None:
    stream = Terminal()
    with Progress("listening", stream) as show:
        for step in range(11):
            show(step / 10)
    assert stream.getvalue() == ""


def test_long_work_shows_its_share_and_cleans_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    stream = Terminal()
    with Progress("listening", stream) as show:
        show(0.0)
        while "listening" not in stream.getvalue():
            show(0.5)
    assert stream.getvalue().endswith(" \r")


def test_a_file_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    stream = io.StringIO()
    with Progress("rendering", stream) as show:
        show(0.25)
        while not stream.getvalue():
            pass
    assert stream.getvalue() == f"rendering  {'#' * 8}{'-' * 24}   25 %\n"


def test_disabled_progress_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    stream = Terminal()
    Progress("listening", stream, enabled=False)(0.5)
    assert stream.getvalue() == ""


def test_lines_stay_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    stream = Terminal()
    with Progress("batch", stream) as show:
        show(0.0)
        while "batch" not in stream.getvalue():
            show(0.5)
        show.line("[1/2] a.wav: done")
        before, _, after = stream.getvalue().partition("[1/2] a.wav: done\n")
        assert before.endswith(" \r")
        assert after.startswith("\rbatch ")
    silent = io.StringIO()
    Progress("batch", silent, enabled=False).line("[2/2] b.wav: done")
    assert silent.getvalue() == "[2/2] b.wav: done\n"

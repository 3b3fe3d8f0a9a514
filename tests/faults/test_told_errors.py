"""The last line of `--json` says what became of the job, above all when it failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Commands, write_faint, write_script

KEYS = {"type", "output", "session", "edits", "verdicts", "notes", "error"}


def last_line(out: str) -> dict[str, Any]:
    """The result, and nothing but JSON before it."""
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["type"] for line in lines].count("result") == 1
    assert lines[-1].keys() == KEYS
    return lines[-1]


@pytest.mark.parametrize(
    ("argv", "status", "error"),
    [
        (["edit", "missing.wav", "do it", "-o", "a.wav"], 2, "missing.wav"),
        (["edit", "talk.wav", "do it", "-o", "talk.wav"], 2, "is a source"),
        (["edit", "talk.wav", "-o", "a.wav"], 2, "needs a recording"),
        (["edit", "text.wav", "do it", "-o", "a.wav"], 2, "cannot be read as sound"),
        (["edit", "talk.wav", "Paint it blue", "-o", "a.wav"], 1, "understand"),
        (["edit", "talk.wav", 'Cut "purple"', "-o", "a.wav"], 1, "purple"),
        (["replay", "nowhere", "talk.wav", "-o", "a.wav"], 2, "holds no session"),
        (["undo", "nowhere"], 2, "holds no session"),
    ],
)
def test_a_job_that_fails_before_anything_is_edited(
    commands: Commands, tmp_path: Path, argv: list[str], status: int, error: str
) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    (tmp_path / "text.wav").write_text("no sound")
    found, running = commands.run(tmp_path, *argv, "--json")
    assert found == status
    result = last_line(running.out)
    assert error in result["error"]
    assert (result["output"], result["session"], result["edits"]) == (None, None, [])
    assert "\n" not in result["error"]
    assert not (tmp_path / "a.session").exists()
    if running.err:
        assert running.err == f"qwen-audio-agent: {result['error']}\n"


def test_a_limit_that_is_reached_names_what_was_done_and_the_session(
    commands: Commands, tmp_path: Path
) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    script = write_script(tmp_path / "script.json")
    how = ["-o", "a.wav", "--model", f"scripted:{script}", "--max-steps", "2"]
    status, running = commands.run(tmp_path, "edit", "talk.wav", "do it", *how, "--json")
    assert status == 1
    result = last_line(running.out)
    assert result["error"].startswith("no answer after 2 steps")
    assert result["error"].endswith("2 edits kept: go on with --session a.session")
    assert [edit["tool"] for edit in result["edits"]] == ["cut", "gain"]
    assert result["session"] == "a.session"
    assert result["output"] is None
    loud = [*how, "--session", "b.session"]
    status, running = commands.run(tmp_path, "edit", "talk.wav", "do it", *loud)
    assert (status, running.err.count("no answer after")) == (1, 1)


def test_a_job_that_ends_with_a_refused_call_keeps_what_was_done_before(
    commands: Commands, tmp_path: Path
) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    calls = [
        {"name": "cut", "args": {"audio": 1, "start": 1.0, "end": 1.5}},
        {"name": "cut", "args": {"audio": 9, "start": 1.0, "end": 1.5}},
    ]
    script = tmp_path / "script.json"
    script.write_text(json.dumps([*({"tool_calls": [c]} for c in calls), {"content": "Oh."}]))
    how = ["-o", "a.wav", "--model", f"scripted:{script}", "--json"]
    status, running = commands.run(tmp_path, "edit", "talk.wav", "do it", *how)
    assert status == 1
    result = last_line(running.out)
    assert "There is no Audio 9" in result["error"]
    assert [edit["tool"] for edit in result["edits"]] == ["cut"]
    assert result["session"] == "a.session"
    assert not (tmp_path / "a.wav").exists()


def test_a_job_that_is_done_has_no_error(commands: Commands, tmp_path: Path) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    script = write_script(tmp_path / "script.json")
    how = ["-o", "a.wav", "--model", f"scripted:{script}", "--json"]
    status, running = commands.run(tmp_path, "edit", "talk.wav", "do it", *how)
    assert status == 0
    result = last_line(running.out)
    assert (result["error"], result["output"]) == (None, "a.wav")
    status, running = commands.run(tmp_path, "undo", "a.session", "-o", "b.wav", "--json")
    assert (status, last_line(running.out)["output"]) == (0, "b.wav")

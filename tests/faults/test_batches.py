"""Batches that find no room, or closed doors: a clear line for each episode, the rest is done."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Commands, hidden, write_faint

ONE = """
import sys
from qwen_audio_agent.cleanup.batch.jobs import Job, Settings
from qwen_audio_agent.cleanup.batch.work import do_job

recording, out = sys.argv[1:]
settings = Settings(out, {}, "", "pocketsphinx", "heard", 1)
entry, _ = do_job(Job(recording, recording, "a.wav", 0), settings, None, print)
print(f"{entry.status}: {entry.error}")
"""
RECIPE = "[ends]\nhead = 0.1\ntail = 0.1\n"


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that other users than the one of the tests can work in."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "quick.toml").write_text(RECIPE, "utf-8")
        (folder / "quick.toml").chmod(0o666)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o777)


def batch(folder: Path, *more: str) -> list[str]:
    return ["batch", "in", "-o", "out", "--recipe", str(folder / "quick.toml"), *more]


def entries(folder: Path) -> dict[str, tuple[str, str]]:
    summary = json.loads((folder / "out/summary.json").read_text("utf-8"))
    return {entry["output"]: (entry["status"], entry["error"]) for entry in summary["files"]}


def test_an_output_that_finds_no_room_stops_no_other(commands: Commands, open_to_all: Path) -> None:
    (open_to_all / "in").mkdir()
    write_faint(open_to_all / "in/long.wav", 4)
    write_faint(open_to_all / "in/short.wav", 1)
    how = batch(open_to_all, "--workers", "1")
    status, running = commands.run(open_to_all, *how, largest_file=60_000)
    assert status == 1, running.err
    found = entries(open_to_all)
    assert found["short.wav"] == ("done", "")
    assert found["long.wav"][0] == "failed"
    assert "make room" in found["long.wav"][1]
    assert hidden(open_to_all) == []
    assert not (open_to_all / "out/long.wav").exists()
    status, running = commands.run(open_to_all, *how)
    assert status == 0, running.err
    assert running.err.count("already done") == 1


def test_a_ledger_that_finds_no_room_ends_the_batch_in_one_line(
    commands: Commands, open_to_all: Path
) -> None:
    (open_to_all / "in").mkdir()
    for number in range(10):
        write_faint(open_to_all / f"in/{number}-{'a' * 100}.wav", 0.1)
    status, running = commands.run(open_to_all, *batch(open_to_all), largest_file=1_000)
    assert status == 1
    (complaint,) = running.complaints
    assert "out/batch.jsonl' cannot be written" in complaint
    assert (open_to_all / "out/batch.jsonl").read_bytes() == b""


def test_closed_doors_are_told(commands: Commands, open_to_all: Path) -> None:
    for name in ("in", "closed"):
        (open_to_all / name).mkdir()
    write_faint(open_to_all / "in/a.wav", 1).chmod(0o000)
    (open_to_all / "closed").chmod(0o555)
    how = batch(open_to_all)
    how[3] = "closed/out"
    status, running = commands.run(open_to_all, *how, as_nobody=True)
    assert status == 2
    (complaint,) = running.complaints
    assert "closed/out' cannot be written: Permission denied" in complaint
    script = open_to_all / "one.py"
    script.write_text(ONE, "utf-8")
    script.chmod(0o666)
    (open_to_all / "temporary").mkdir()
    (open_to_all / "temporary").chmod(0o777)
    how = {"script": script, "as_nobody": True, "TMPDIR": str(open_to_all / "temporary")}
    status, running = commands.run(open_to_all, "in/a.wav", "out", **how)
    assert status == 0
    assert running.out == "failed: 'in/a.wav' cannot be read: Permission denied\n"


def test_two_batches_at_once_in_one_folder_are_refused(
    commands: Commands, open_to_all: Path
) -> None:
    (open_to_all / "in").mkdir()
    for number in range(4):
        write_faint(open_to_all / f"in/{number}.wav", 4, seed=number)
    first = commands.start(open_to_all, *batch(open_to_all, "--workers", "1"))
    first.until_said("[1/4]")
    status, second = commands.run(open_to_all, *batch(open_to_all))
    assert (status, first.wait()) == (2, 0)
    assert "another batch works in" in second.err

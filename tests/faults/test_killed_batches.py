"""kill -9 of a batch at random moments: finished work is kept, half work is not, all ends equal."""

from __future__ import annotations

import json
import random
import re
import signal
import time
from pathlib import Path

import pytest

from qwen_audio_agent.audio.files import AudioWriter, blocks, probe
from tests.faults.conftest import Commands, hidden, write_faint

SEED = 20_241
DATE = re.compile(rb"\d{4}-\d\d-\d\dT[\d:]+\+00:00")
FAST_AND_SLOW = [3, pytest.param(50, marks=pytest.mark.slow)]
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".wav", ".flac", ".ogg")


def batch(folder: Path) -> list[str]:
    recipe = folder / "quick.toml"
    recipe.write_text("[ends]\nhead = 0.1\ntail = 0.1\n[sound]\nhighpass_hz = 70\n", "utf-8")
    return ["batch", "in", "-o", "out", "--recipe", str(recipe), "--workers", "2"]


def outputs(folder: Path) -> dict[str, bytes]:
    """Everything in the output folder, but for dates.

    Not the ledger, whose lines come as episodes end, nor the pages, whose snippets of sound are
    coded anew.
    """
    return {
        path.name: DATE.sub(b"", path.read_bytes())
        for path in sorted((folder / "out").iterdir())
        if path.name != "batch.jsonl" and path.suffix != ".html"
    }


def finished(folder: Path) -> dict[str, int]:
    """The outputs that the ledger calls done, with the number of their file on the disk."""
    path = folder / "out/batch.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    entries = [json.loads(line) for line in lines if line.endswith("\n")]
    done = [entry["output"] for entry in entries if entry.get("status") == "done"]
    return {name: (folder / "out" / name).stat().st_ino for name in done}


@pytest.mark.parametrize("num_kills", FAST_AND_SLOW)
def test_a_killed_batch_goes_on_to_the_outputs_of_one_that_nobody_disturbed(
    commands: Commands, tmp_path: Path, num_kills: int
) -> None:
    whole = tmp_path / "whole"
    (whole / "in").mkdir(parents=True)
    for number, suffix in enumerate(SUFFIXES):
        source = write_faint(whole / "source.wav", 2 + number / 4, seed=number)
        _convert(source, whole / f"in/{number}{suffix}")
    began = time.monotonic()
    status, running = commands.run(whole, *batch(whole), TMPDIR=str(tmp_path))
    seconds = time.monotonic() - began
    assert status == 0, running.err
    expected = outputs(whole)
    assert len(expected) == 3 * len(SUFFIXES) + 2
    chance = random.Random(SEED)
    for number in range(num_kills):
        folder, temporary = tmp_path / str(number), tmp_path / f"temporary-{number}"
        temporary.mkdir()
        folder.mkdir()
        (folder / "in").symlink_to(whole / "in")
        delay = chance.uniform(0.1 * seconds, seconds)
        running = commands.start(folder, *batch(folder), TMPDIR=str(temporary))
        time.sleep(delay)
        running.send(signal.SIGKILL)
        assert running.wait() in (0, -signal.SIGKILL)
        told = f"seed {SEED}, kill {number} after {delay:.3f} of {seconds:.3f} s"
        for name, data in outputs(folder).items() if (folder / "out").exists() else ():
            if not name.startswith("."):
                assert data == expected[name], f"{told}: {name}"
        before = finished(folder)
        status, again = commands.run(folder, *batch(folder), TMPDIR=str(temporary))
        assert status == 0, f"{told}: {again.err}"
        assert outputs(folder) == expected, told
        after = finished(folder)
        assert {name: after[name] for name in before} == before, f"{told}: done again"
        assert again.err.count("already done") == len(before), told
        assert hidden(folder) == [], told
        left = [path for path in temporary.iterdir() if not _is_probe(path)]
        assert left == [], told


def _is_probe(path: Path) -> bool:
    """What Python itself writes to see whether a temporary folder can be written, and removes."""
    return path.is_file() and path.read_bytes() in (b"", b"blat")


def _convert(source: Path, target: Path) -> None:
    file = probe(source)
    rate = file.sample_rate
    with AudioWriter(target, rate, file.num_channels) as writer:
        for block in blocks(file):
            writer.write(block.samples)

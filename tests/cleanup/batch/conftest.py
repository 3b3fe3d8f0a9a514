"""Episodes of a few seconds, heard once for all tests, and the batch as a command of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.cleanup.recipe import Recipe

ROOT = Path(__file__).parent.parent.parent.parent
DATE = re.compile(rb"\d{4}-\d\d-\d\dT[\d:]+\+00:00")
SUBTITLES = "1\n00:00:00,000 --> 00:00:01,000\nwelcome\n\n2\n00:00:03,000 --> 00:00:04,000\nback\n"
RECIPE = """
[pauses]
longer_than = 0.4
to = 0.2

[guards]
max_share = 1.0
"""


@pytest.fixture(scope="session")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is kept what was heard, by all tests of this folder."""
    return tmp_path_factory.mktemp("heard")


@pytest.fixture(scope="session")
def episodes(tmp_path_factory: pytest.TempPathFactory, interview: Path) -> Path:
    """A folder of recordings: three of speech, one of them in a folder, and a faint one."""
    folder = tmp_path_factory.mktemp("episodes")
    samples, rate = soundfile.read(interview, dtype="int16")
    (folder / "2023").mkdir()
    for number, name in enumerate(("a.wav", "b.flac", "2023/c.ogg")):
        said = samples[round(4 * number * rate) :][: 3 * rate]
        room = np.resize(samples[: rate // 10], rate)
        spoken = np.concatenate([said[: 3 * rate // 2], room, said[3 * rate // 2 :]])
        soundfile.write(folder / name, spoken, rate)
    write_faint(folder / "faint.wav")
    (folder / "a.srt").write_text(SUBTITLES, "utf-8")
    return folder


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that is quick, and has something to do."""
    path = tmp_path_factory.mktemp("recipe") / "quick.toml"
    path.write_text(RECIPE, "utf-8")
    return path


def write_faint(path: Path, seconds: float = 2.0, seed: int = 0) -> Path:
    """Noise of three steps of 16 bits: too faint to be listened to, but no two files alike."""
    numbers = np.random.default_rng(seed).integers(-3, 4, round(seconds * 16_000))
    soundfile.write(path, numbers.astype(np.int16), 16_000, subtype="PCM_16")
    return path


def quick() -> Recipe:
    """The recipe of the fixture, as a value."""
    return Recipe.from_data(tomllib.loads(RECIPE))


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of each file below a folder, but for dates.

    Not of the ledger, whose lines come as episodes end, nor of pages, whose snippets of sound are
    coded anew.
    """
    return {
        str(path.relative_to(folder)): DATE.sub(b"", path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "batch.jsonl" and path.suffix != ".html"
    }


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(heard: Path, tmp_path: Path) -> Start:
    """Starts `qwen-audio-agent batch`; temporary files lie in tmp_path/temporary."""
    (tmp_path / "temporary").mkdir()

    def start(*argv: object, cwd: Path = ROOT, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "qwen_audio_agent", "batch", *map(str, argv)],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "QWEN_AUDIO_AGENT_CACHE": str(heard),
                "TMPDIR": str(tmp_path / "temporary"),
                **environment,
            },
        )

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """(exit status, stdout, stderr); there must be no traceback."""
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err

"""kill -9 at random moments: nothing that was kept is lost, and going on gives the same output."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from qwen_audio_agent.agent.session import Session
from tests.faults.conftest import CALLS, ROOT, Commands, hidden, write_faint, write_script

SEED = 20_240
FAST_AND_SLOW = [4, pytest.param(70, marks=pytest.mark.slow)]


def edit(folder: Path, *, first: int = 0, session: str = "a.session") -> list[str]:
    """A command that makes the calls of `CALLS` from number `first` on, and writes a.flac."""
    script = write_script(folder / "script.json", first)
    # A session that was killed before it took the recording is given it again.
    is_there = any(json.loads(line)["type"] == "audio" for line in journal_of(folder / session))
    source = [] if first or is_there else ["talk.wav"]
    how = ["-o", "a.flac", "--session", session, "--model", f"scripted:{script}"]
    return ["edit", *source, "do it", *how]


def kept(folder: Path) -> list[str]:
    """The ids of the edit lists that a session kept, one for each step."""
    with Session.open(folder) as session:
        return [session.entry(step.audio).edit_list.id for step in session.steps]


def journal_of(session: Path) -> list[str]:
    path = session / "journal.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [line for line in lines if line.endswith("\n")]


class Undisturbed:
    """What an edit comes to when nobody disturbs it, and how long that takes."""

    def __init__(self, commands: Commands, folder: Path) -> None:
        folder.mkdir()
        self.source = write_faint(folder / "talk.wav", 3).read_bytes()
        began = time.monotonic()
        status, running = commands.run(folder, *edit(folder))
        self.seconds = time.monotonic() - began
        assert status == 0, running.err
        self.output = (folder / "a.flac").read_bytes()
        self.steps = kept(folder / "a.session")
        assert len(self.steps) == len(CALLS)


@pytest.fixture(scope="module")
def undisturbed(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(commands, tmp_path_factory.mktemp("undisturbed") / "work")


@pytest.mark.parametrize("num_kills", FAST_AND_SLOW)
def test_a_killed_edit_loses_nothing_and_goes_on_to_the_same_output(
    commands: Commands, undisturbed: Undisturbed, tmp_path: Path, num_kills: int
) -> None:
    chance = random.Random(SEED)
    for number in range(num_kills):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "talk.wav").write_bytes(undisturbed.source)
        delay = chance.uniform(0, 1.1 * undisturbed.seconds)
        running = commands.start(folder, *edit(folder))
        time.sleep(delay)
        running.send(signal.SIGKILL)
        assert running.wait() in (0, -signal.SIGKILL)
        told = f"seed {SEED}, kill {number} after {delay:.4f} s"
        output = folder / "a.flac"
        assert not output.exists() or output.read_bytes() == undisturbed.output, told
        said = journal_of(folder / "a.session")
        num_steps = sum(json.loads(line)["type"] == "step" for line in said)
        if num_steps:
            assert kept(folder / "a.session") == undisturbed.steps[:num_steps], told
        status, again = commands.run(folder, *edit(folder, first=num_steps))
        if num_steps < len(CALLS):
            assert status == 0, f"{told}: {again.err}"
            assert output.read_bytes() == undisturbed.output, told
        assert kept(folder / "a.session") == undisturbed.steps, told
        assert journal_of(folder / "a.session")[: len(said)] == said, told
        replay = ["replay", "a.session", "talk.wav", "-o", "a.flac", "--quiet"]
        assert commands.run(folder, *replay)[0] == 0
        assert output.read_bytes() == undisturbed.output, told
        assert (folder / "talk.wav").read_bytes() == undisturbed.source, told
        assert hidden(folder) == [], told


@pytest.mark.parametrize(
    ("num_kills", "minutes"), [(3, 1), pytest.param(65, 10, marks=pytest.mark.slow)]
)
def test_a_killed_replay_of_a_long_recording_leaves_the_earlier_output(
    commands: Commands, tmp_path: Path, num_kills: int, minutes: float
) -> None:
    source = write_faint(tmp_path / "long.wav", 60 * minutes, channels=2)
    before = source.read_bytes()
    with Session.create(tmp_path / "long.session", [source]) as session:
        session.call("cut", audio=1, start=1.0, end=2.0)
        session.call("gain", audio=2, db=-6.0, start=10.0, end=50.0)
    replay = ["replay", "long.session", "long.wav", "-o", "out.flac", "--quiet"]
    began = time.monotonic()
    assert commands.run(tmp_path, *replay)[0] == 0
    seconds = time.monotonic() - began
    whole = (tmp_path / "out.flac").read_bytes()
    chance = random.Random(SEED)
    for number in range(num_kills):
        (tmp_path / "out.flac").write_bytes(b"an earlier output")
        running = commands.start(tmp_path, *replay)
        time.sleep(chance.uniform(0, 1.1 * seconds))
        running.send(signal.SIGKILL)
        running.wait()
        told = f"seed {SEED}, kill {number}"
        assert (tmp_path / "out.flac").read_bytes() in (b"an earlier output", whole), told
    assert commands.run(tmp_path, *replay)[0] == 0
    assert (tmp_path / "out.flac").read_bytes() == whole
    assert hidden(tmp_path) == []
    assert source.read_bytes() == before


def below_folders_of(root: Path) -> list[Path]:
    """The files in its folders; these may go while they are looked at."""
    places = [(Path(place), names) for place, _, names in os.walk(root)]
    return [place / name for place, names in places if place != root for name in names]


def test_a_killed_clean_up_leaves_no_sound_in_the_temporary_folder(tmp_path: Path) -> None:
    sound, rate = soundfile.read(write_faint(tmp_path / "talk.wav", 30))
    soundfile.write(tmp_path / "talk.mp3", sound, rate)
    # The compressor reads what it gets twice, so that is kept meanwhile.
    sound_of_it = '[sound]\nhighpass_hz = 70\ncompress = 3\n[loudness]\ntarget = "keep"\n'
    (tmp_path / "quick.toml").write_text(f"[ends]\nhead = 0.1\n{sound_of_it}", "utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    clean = ["cleanup", "talk.mp3", "-o", "a.flac", "--recipe", "quick.toml", "--yes"]
    environment = {
        "PYTHONPATH": str(ROOT),
        "QWEN_AUDIO_AGENT_CACHE": str(tmp_path / "heard"),
        "TMPDIR": str(temporary),
    }
    how = {"cwd": tmp_path, "env": {**os.environ, **environment}, "stderr": subprocess.DEVNULL}
    argv = [sys.executable, "-m", "qwen_audio_agent", *clean, "--max-share", "1", "--no-report"]
    with subprocess.Popen(argv, **how) as process:
        # The copy of the mp3, and what is kept between the effects.
        while not {".wav", ".part"} <= {path.suffix for path in below_folders_of(temporary)}:
            assert process.poll() is None
            time.sleep(0.0002)
        process.kill()
    assert len({path.parent for path in below_folders_of(temporary)}) == 2
    assert subprocess.run(argv, check=False, **how).returncode == 0
    assert list(temporary.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
from qwen_audio_agent.agent.session import Session
folder, other = Path(sys.argv[1]), Path(sys.argv[2])
if (folder / "journal.jsonl").exists():
    session = Session.open(folder)
else:
    session = Session.create(folder)
with session:
    if not session.latest:
        session.add_audio(other.with_name("talk.wav"))
    while session.latest < 12:
        if session.latest == 4:
            session.add_audio(other)
        else:
            session.call("cut", audio=session.latest, start=0.1, end=0.15)
"""


@pytest.mark.parametrize("num_kills", [3, pytest.param(65, marks=pytest.mark.slow)])
def test_a_session_that_is_killed_again_and_again_grows_to_the_same_one(
    commands: Commands, tmp_path: Path, num_kills: int
) -> None:
    write_faint(tmp_path / "talk.wav", 2)
    other = write_faint(tmp_path / "other.wav", 2, seed=1)
    script = tmp_path / "writer.py"
    script.write_text(WRITER, "utf-8")
    whole = tmp_path / "whole.session"
    began = time.monotonic()
    status, running = commands.run(tmp_path, whole, other, script=script)
    seconds = time.monotonic() - began
    assert status == 0, running.err
    chance = random.Random(SEED)
    kills = 0
    while kills < num_kills:
        folder = tmp_path / "killed.session"
        shutil.rmtree(folder, ignore_errors=True)
        said: list[str] = []
        for _ in range(4):
            running = commands.start(tmp_path, folder, other, script=script)
            time.sleep(chance.uniform(0, 0.7 * seconds))
            running.send(signal.SIGKILL)
            running.wait()
            kills += 1
            now = journal_of(folder)
            assert now[: len(said)] == said, f"seed {SEED}, kill {kills}"
            said = now
        status, running = commands.run(tmp_path, folder, other, script=script)
        assert status == 0, f"seed {SEED}, kill {kills}: {running.err}"
        assert kept(folder) == kept(whole), f"seed {SEED}, kill {kills}"
        assert journal_of(folder)[: len(said)] == said

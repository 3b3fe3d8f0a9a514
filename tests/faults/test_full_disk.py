"""A disk that is full, or takes nothing: one line that says so; all that was there is intact."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from mutagen.id3 import APIC, ID3

from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.errors import DiskError
from tests.faults.conftest import CALLS, Commands, Running, hidden, write_faint, write_script

LIMITS = [400, 3_000, 6_000, 12_000, 24_000, 48_000, 96_000]
FREE_KIB = [0, 4, 8, 16, 24, 32, 64, 128, 256]


def edit(script: Path, output: str = "a.wav") -> list[str]:
    return ["edit", "talk.wav", "do it", "-o", output, "--model", f"scripted:{script}", "--json"]


def assert_refused_in_one_line(status: int, running: Running, folder: Path, reason: str) -> None:
    """The job failed with one line that says why and where."""
    assert status == 1, running.err
    (complaint,) = running.err.splitlines()
    assert re.search(reason, complaint)
    assert "make room" in complaint
    assert "a.wav" in complaint or "a.session" in complaint
    assert hidden(folder) == []
    for journal in folder.glob("*.session/journal.jsonl"):
        with Session.open(journal.parent) as session:
            assert len(session.steps) <= len(CALLS)


@pytest.mark.parametrize("limit", LIMITS)
def test_files_that_may_not_grow_stop_the_job_in_one_line(
    commands: Commands, tmp_path: Path, limit: int
) -> None:
    source = write_faint(tmp_path / "talk.wav", 3).read_bytes()
    (tmp_path / "a.wav").write_bytes(b"an earlier output")
    script = write_script(tmp_path / "script.json")
    status, running = commands.run(tmp_path, *edit(script), largest_file=limit)
    assert_refused_in_one_line(status, running, tmp_path, "File too large|disk is full")
    assert (tmp_path / "talk.wav").read_bytes() == source
    assert (tmp_path / "a.wav").read_bytes() == b"an earlier output"


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".wav", ".m4a"])
def test_tags_that_find_no_room_behind_the_sound_stop_the_job_in_one_line(
    commands: Commands, tmp_path: Path, suffix: str
) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    tags = ID3()
    tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=bytes(400_000)))
    soundfile.write(tmp_path / "talk.mp3", *soundfile.read(tmp_path / "talk.wav"))
    tags.save(tmp_path / "talk.mp3")
    (tmp_path / "talk.mp3").replace(tmp_path / "talk.wav")  # the content says what it is
    (tmp_path / f"a{suffix}").write_bytes(b"an earlier output")
    script = write_script(tmp_path / "script.json")
    how = edit(script, f"a{suffix}")
    status, running = commands.run(tmp_path, *how, largest_file=401_000)
    assert status == 1, running.err
    (complaint,) = running.err.splitlines()
    assert re.search("File too large|disk is full", complaint)
    assert (tmp_path / f"a{suffix}").read_bytes() == b"an earlier output"
    assert hidden(tmp_path) == []


def test_a_report_that_finds_no_room_costs_nothing_but_the_report(
    commands: Commands, tmp_path: Path
) -> None:
    write_faint(tmp_path / "talk.wav", 0.25)
    call = '[{"tool_calls": [{"name": "cut", "args": {"audio": 1, "start": 0.05, "end": 0.2}}]},'
    (tmp_path / "script.json").write_text(call + '{"content": "Done."}]', "utf-8")
    how = edit(tmp_path / "script.json")
    status, running = commands.run(tmp_path, *how, largest_file=5_000)
    assert_refused_in_one_line(status, running, tmp_path, "report")
    with Session.open(tmp_path / "a.session") as session:
        session.render(2, tmp_path / "again.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "again.wav").read_bytes()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    tried = None
    if shutil.which("mount"):
        tried = subprocess.run(mount, capture_output=True, text=True, check=False)
    if tried is None or tried.returncode:
        pytest.skip(f"no small disk can be mounted here: {tried and tried.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, free_kib: int) -> None:
    """Leave so much room on the disk of a folder."""
    status = os.statvfs(folder)
    size = status.f_bavail * status.f_frsize - 1024 * free_kib
    (folder / "filler").write_bytes(bytes(max(0, size)))


@pytest.mark.parametrize("free_kib", FREE_KIB)
def test_a_full_disk_is_named_and_everything_goes_on_when_there_is_room(
    commands: Commands, tmp_path: Path, small_disk: Path, free_kib: int
) -> None:
    source = write_faint(small_disk / "talk.wav", 3).read_bytes()
    script = write_script(tmp_path / "script.json")
    assert commands.run(small_disk, *edit(script, "earlier.wav"))[0] == 0
    earlier = (small_disk / "earlier.wav").read_bytes()
    shutil.rmtree(small_disk / "earlier.session")
    fill(small_disk, free_kib)
    status, running = commands.run(small_disk, *edit(script))
    assert_refused_in_one_line(status, running, small_disk, "the disk is full")
    assert (small_disk / "talk.wav").read_bytes() == source
    assert (small_disk / "earlier.wav").read_bytes() == earlier
    if (small_disk / "a.wav").exists():
        assert "report" in running.err
    (small_disk / "filler").unlink()
    if (small_disk / "a.session").exists():
        with Session.open(small_disk / "a.session") as session:
            for tool, arguments in CALLS[len(session.steps) :]:
                session.call(tool, **arguments)
            session.render(session.latest, small_disk / "a.wav")
        assert (small_disk / "a.wav").read_bytes() == earlier


def test_a_session_takes_nothing_on_a_full_disk_and_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    source = write_faint(tmp_path / "talk.wav", 2)
    with Session.create(small_disk / "session", [source]) as session:
        session.call("cut", audio=1, start=0.5, end=0.6)
        fill(small_disk, 0)

        def cut_often() -> None:
            for _ in range(99):
                session.call("cut", audio=session.latest, start=0.5, end=0.51)

        with pytest.raises(DiskError, match=r"journal\.jsonl' cannot be written: the disk is full"):
            cut_often()
        kept = session.steps
        (small_disk / "filler").unlink()
        session.call("gain", audio=session.latest, db=-1.0)
        fill(small_disk, 0)
        with pytest.raises(DiskError, match="cannot be written"):
            session.call("effect", audio=1, name="tempo", value=0.5)
    (small_disk / "filler").unlink()
    with Session.open(small_disk / "session") as opened:
        assert opened.steps[: len(kept)] == kept
        assert opened.steps[len(kept)].tool == "gain"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_what_nobody_can_read_is_a_failure_on_stdout_and_none_on_stderr(
    commands: Commands, tmp_path: Path
) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    script = write_script(tmp_path / "script.json")
    how = {"stdout_to": "/dev/full"}
    status, running = commands.run(tmp_path, *edit(script), **how)
    assert status == 1
    assert "No space left" in running.err
    status, running = commands.run(tmp_path, "tools", **how)
    assert status == 1
    loud = [argument for argument in edit(script, "b.wav") if argument != "--json"]
    status, running = commands.run(tmp_path, *loud, stderr_to="/dev/full")
    assert status == 0
    assert (tmp_path / "b.wav").is_file()


def test_a_reader_that_goes_away_does_not_stop_the_job(commands: Commands, tmp_path: Path) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    script = write_script(tmp_path / "script.json")
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder) / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        running = commands.start(tmp_path, *edit(script), stdout_to=str(pipe))
        running.until((tmp_path / "a.session").exists)
        os.close(reader)
        assert running.wait() == 0
    assert (tmp_path / "a.wav").is_file()

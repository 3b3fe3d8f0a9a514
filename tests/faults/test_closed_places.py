"""Folders that cannot be written, names that are taken, sessions that somebody else works in."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.errors import SessionError
from tests.faults.conftest import CALLS, Commands, hidden, write_faint, write_script


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that other users than the one of the tests can work in."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o777)


def edit(script: Path, output: str = "a.wav", session: str = "") -> list[str]:
    named = ["--session", session] if session else []
    return ["edit", "talk.wav", "do it", "-o", output, *named, "--model", f"scripted:{script}"]


@pytest.mark.parametrize(
    ("output", "session", "status", "told"),
    [
        ("closed/a.wav", "", 2, "closed/a.wav' cannot be written: Permission denied"),
        ("a.wav", "closed/session", 1, "closed/session' cannot be written: Permission denied"),
        ("nowhere/a.wav", "", 2, "nowhere/a.wav' cannot be written: No such file"),
        ("folder.wav", "", 2, "'folder.wav' is not a file; choose another name"),
        ("talk.wav/a.wav", "", 2, "cannot be written: Not a directory"),
        ("a.wav", "talk.wav", 2, "talk.wav holds no session"),
        ("a.wav", "folder", 2, "folder holds no session"),
    ],
)
def test_a_place_that_cannot_be_written_is_named_before_any_work(
    commands: Commands, open_to_all: Path, output: str, session: str, status: int, told: str
) -> None:
    write_faint(open_to_all / "talk.wav", 3).chmod(0o666)
    for name in ("closed", "folder.wav", "folder"):
        (open_to_all / name).mkdir()
    (open_to_all / "folder" / "notes.txt").touch()
    script = write_script(open_to_all / "script.json")
    (open_to_all / "closed").chmod(0o555)
    before = sorted(open_to_all.rglob("*"))
    how = edit(script, output, session)
    found, running = commands.run(open_to_all, *how, as_nobody=True)
    assert found == status, running.err
    (complaint,) = running.err.splitlines()
    assert told in complaint
    assert sorted(open_to_all.rglob("*")) == before


def test_a_session_that_cannot_be_written_is_named_and_stays(
    commands: Commands, open_to_all: Path
) -> None:
    write_faint(open_to_all / "talk.wav", 3)
    script = write_script(open_to_all / "script.json")
    assert commands.run(open_to_all, *edit(script))[0] == 0
    journal = (open_to_all / "a.session" / "journal.jsonl").read_bytes()
    for path in [*(open_to_all / "a.session").rglob("*"), open_to_all / "a.session"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for command in (["undo", "a.session"], ["replay", "a.session", "talk.wav", "-o", "b.wav"]):
        status, running = commands.run(open_to_all, *command, as_nobody=True)
        assert status == 2
        (complaint,) = running.err.splitlines()
        assert "a.session cannot be opened to work in it: Permission denied" in complaint
    assert (open_to_all / "a.session" / "journal.jsonl").read_bytes() == journal


def test_a_cache_that_cannot_be_written_costs_only_time(
    commands: Commands, open_to_all: Path
) -> None:
    write_faint(open_to_all / "talk.wav", 3)
    script = write_script(open_to_all / "script.json")
    (open_to_all / "cache").mkdir(mode=0o555)
    how = {"as_nobody": True, "QWEN_AUDIO_AGENT_CACHE": str(open_to_all / "cache")}
    status, running = commands.run(open_to_all, *edit(script), **how)
    assert status == 0, running.err


def test_a_session_in_use_is_named_with_who_uses_it(commands: Commands, tmp_path: Path) -> None:
    source = write_faint(tmp_path / "talk.wav", 2)
    with Session.create(tmp_path / "a.session", [source]) as session:
        session.call("cut", audio=1, start=0.1, end=0.2)
        status, running = commands.run(tmp_path, "undo", "a.session")
        assert status == 2
        (complaint,) = running.err.splitlines()
        assert f"a.session is in use by process {os.getpid()}; wait until it ends" in complaint
        with pytest.raises(SessionError, match="in use by this program already"):
            Session.open(tmp_path / "a.session")
        with ThreadPoolExecutor(8) as threads:
            tries = [threads.submit(Session.open, tmp_path / "a.session") for _ in range(8)]
            assert all(isinstance(attempt.exception(), SessionError) for attempt in tries)
        session.call("gain", audio=2, db=-1.0)
    status, running = commands.run(tmp_path, "undo", "a.session")
    assert status == 0, running.err


def test_two_edits_of_one_output_at_once_never_touch_each_others_session(
    commands: Commands, tmp_path: Path
) -> None:
    source = write_faint(tmp_path / "talk.wav", 3).read_bytes()
    script = write_script(tmp_path / "script.json")
    running = [commands.start(tmp_path, *edit(script), "--json") for _ in range(4)]
    done = [process.wait() for process in running]
    assert 0 in done
    results = [json.loads(process.out.splitlines()[-1]) for process in running]
    for status, result in zip(done, results, strict=True):
        if status:
            assert status == 2
            assert "exists already" in result["error"] or "in use" in result["error"]
            continue
        with Session.open(tmp_path / result["session"]) as session:
            assert len(session.steps) == len(CALLS)
    assert len({result["session"] for result in results if result["session"]}) == done.count(0)
    assert (tmp_path / "talk.wav").read_bytes() == source
    assert hidden(tmp_path) == []


def test_threads_that_work_in_one_session_get_an_audio_each(tmp_path: Path) -> None:
    source = write_faint(tmp_path / "talk.wav", 3)
    folder = tmp_path / "a.session"
    with Session.create(folder, [source]) as session:

        def cut(number: int) -> int | None:
            start = 0.1 * number
            return session.call("cut", audio=1, start=start, end=start + 0.05).audio

        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(cut, range(1, 17)))
        assert sorted(made) == list(range(2, 18))
        lists = [session.entry(number).edit_list for number in session.numbers]
    with Session.open(folder) as opened:
        assert [opened.entry(number).edit_list for number in opened.numbers] == lists


@pytest.mark.parametrize("left", [[], ["lock"], ["lock", ".qwen-audio-agent-1f.part"]])
def test_what_is_left_of_a_session_that_never_began_is_begun_anew(
    commands: Commands, tmp_path: Path, left: list[str]
) -> None:
    write_faint(tmp_path / "talk.wav", 3)
    script = write_script(tmp_path / "script.json")
    folder = tmp_path / "a.session"
    folder.mkdir()
    for name in left:
        (folder / name).touch()
    status, running = commands.run(tmp_path, *edit(script))
    assert status == 0, running.err
    assert (folder / "report.html").is_file()
    assert hidden(folder) == []
    shutil.rmtree(folder)

"""Ctrl-C, SIGTERM and a closed terminal: what was done is kept, and one line says how to go on."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qwen_audio_agent.agent.session import Session
from tests.faults.conftest import CALLS, ROOT, Commands, Running, hidden, write_faint, write_script

if not hasattr(signal, "SIGHUP"):
    pytest.skip("stops of Windows are others", allow_module_level=True)

SEED = 30_120
STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def edit(folder: Path, source: str = "talk.wav", *more: str) -> list[str]:
    script = write_script(folder / "script.json")
    return ["edit", source, "do it", "-o", "a.flac", "--model", f"scripted:{script}", *more]


def assert_stopped_in_one_line(running: Running, status: int, expected: int, kept: int) -> None:
    assert status == expected
    (line,) = running.complaints
    assert line == running.err.splitlines()[-1]
    assert line.startswith("qwen-audio-agent: stopped; ")
    how_many = {0: "no edit", 1: "1 edit"}.get(kept, f"{kept} edits")
    assert line.endswith(f"{how_many} kept: go on with --session a.session")


@pytest.mark.parametrize(("number", "expected"), STOPS)
def test_stopped_while_it_renders(
    commands: Commands, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    write_faint(tmp_path / "talk.wav", 240, channels=2)
    (tmp_path / "a.flac").write_bytes(b"an earlier output")
    call = [{"name": "cut", "args": {"audio": 1, "start": 0.05, "end": 0.2}}]
    (tmp_path / "one.json").write_text(json.dumps([{"tool_calls": call}, {"content": "Done."}]))
    how = ["-o", "a.flac", "--model", "scripted:one.json"]
    running = commands.start(tmp_path, "edit", "talk.wav", "do it", *how)
    running.until(lambda: "agent    Done." in running.err and bool(hidden(tmp_path)))
    running.send(number)
    assert_stopped_in_one_line(running, running.wait(), expected, kept=1)
    assert (tmp_path / "a.flac").read_bytes() == b"an earlier output"
    assert hidden(tmp_path) == []
    with Session.open(tmp_path / "a.session") as session:
        assert [step.tool for step in session.steps] == ["cut"]


@pytest.mark.parametrize(("number", "expected"), STOPS[:2])
def test_stopped_while_it_listens_to_what_was_cut(
    commands: Commands, tmp_path: Path, interview: Path, number: signal.Signals, expected: int
) -> None:
    shutil.copy(interview, tmp_path / "talk.flac")
    call = [{"name": "cut", "args": {"audio": 1, "start": 2.0, "end": 5.0}}]
    (tmp_path / "one.json").write_text(json.dumps([{"tool_calls": call}, {"content": "Done."}]))
    how = ["-o", "a.flac", "--model", "scripted:one.json", "--json"]
    unheard = {"QWEN_AUDIO_AGENT_CACHE": str(tmp_path / "nothing heard yet")}
    running = commands.start(tmp_path, "edit", "talk.flac", "do it", *how, **unheard)
    running.until_said('"type": "edit"')
    running.send(number)
    assert_stopped_in_one_line(running, running.wait(), expected, kept=0)
    assert "the last cut was still being listened to and is not kept" in running.err
    result = json.loads(running.out.splitlines()[-1])
    assert result["type"] == "result"
    assert result["session"] == "a.session"
    assert f"qwen-audio-agent: {result['error']}" == running.complaints[0]
    with Session.open(tmp_path / "a.session") as session:
        assert session.steps == ()
        assert session.latest == 1


@pytest.mark.parametrize("num_stops", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_stopped_at_any_moment_what_is_kept_goes_on_to_the_same_output(
    commands: Commands, tmp_path: Path, num_stops: int
) -> None:
    first = tmp_path / "undisturbed"
    first.mkdir()
    write_faint(first / "talk.wav", 3)
    began = time.monotonic()
    assert commands.run(first, *edit(first))[0] == 0
    seconds = time.monotonic() - began
    chance = random.Random(SEED)
    for index in range(num_stops):
        number, expected = STOPS[index % len(STOPS)]
        folder = tmp_path / str(index)
        folder.mkdir()
        shutil.copy(first / "talk.wav", folder)
        running = commands.start(folder, *edit(folder))
        running.until_said("ear pocketsphinx")
        time.sleep(chance.uniform(0, 0.9 * seconds))
        running.send(number)
        status = running.wait()
        told = f"seed {SEED}, stop {index}: {running.err}"
        assert status in (0, expected), told
        with Session.open(folder / "a.session") as session:
            if status and (folder / "a.flac").exists():  # stopped after all was done
                assert len(session.steps) == len(CALLS), told
                assert len(running.complaints) == 1, told
            elif status:
                assert_stopped_in_one_line(running, status, expected, len(session.steps))
            for tool, arguments in CALLS[len(session.steps) :]:
                session.call(tool, **arguments)
            session.render(session.latest, folder / "again.flac")
        assert (folder / "again.flac").read_bytes() == (first / "a.flac").read_bytes(), told
        assert hidden(folder) == [], told


@pytest.mark.parametrize("stop", ["listening", "rendering"])
def test_a_command_of_its_own_process_ends_in_one_line(
    tmp_path: Path, interview: Path, stop: str
) -> None:
    """As a person starts it, with Ctrl-C sent to the whole group, as a terminal does."""
    shutil.copy(interview, tmp_path / "talk.flac")
    write_faint(tmp_path / "long.wav", 240, channels=2)
    source, out, more = "long.wav", "a.flac", ["make it 3 dB louder"]
    if stop == "listening":
        source, more = "talk.flac", ['Cut "with the old wooden gate"']
    seen: Callable[[str], bool] = {
        "listening": lambda err: "you      " in err,
        "rendering": lambda err: "agent    Done" in err and bool(hidden(tmp_path)),
    }[stop]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QWEN_AUDIO_AGENT_CACHE": "heard"}
    with (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "qwen_audio_agent", "edit", source, *more, "-o", out],
            cwd=tmp_path, env=environment, stderr=err, start_new_session=True,
        )  # fmt: skip
    while not seen((tmp_path / "err").read_text("utf-8")) and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 130
    printed = (tmp_path / "err").read_text("utf-8")
    assert "Traceback" not in printed
    assert printed.splitlines()[-1].startswith("qwen-audio-agent: stopped; ")
    assert printed.count("stopped") == 1
    assert not (tmp_path / out).exists()
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("said", [b"", b'{"ear": "pocketsphinx", "fi'])
def test_a_listening_process_whose_parent_dies_says_nothing(said: bytes) -> None:
    command = [sys.executable, "-m", "qwen_audio_agent.speech.hearing_worker"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, input=said, capture_output=True, env=environment, check=False)
    assert done.stderr == b""
    assert done.returncode == 0

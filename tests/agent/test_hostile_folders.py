"""A session folder may come from anybody: it reaches for no other file, and opens or is refused."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwen_audio_agent.agent.replay import replay
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.errors import QwenAudioAgentError, SessionError


@pytest.fixture
def edited(start) -> Session:
    """A session with every kind of line, closed."""
    session = start("alpha bravo um charlie", "delta")
    session.call("cut", audio=1, words="bravo")
    session.call("insert", audio=3, other=2, after="alpha")
    session.call("gain", audio=4, db=-3)
    session.undo()
    session.close()
    return session


def records(session: Session) -> list[dict[str, Any]]:
    lines = (session.folder / "journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def rewrite(session: Session, lines: list[Any]) -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (session.folder / "journal.jsonl").write_text(text)


def reopen(session: Session) -> Session:
    return Session.open(session.folder, ear=session.ear, num_workers=1)


@pytest.mark.parametrize(
    "name",
    [
        "lock", "journal.jsonl", "report.html", ".report.html.part", "sources/x.wav", "cache/x.wav",
        "cache/hearing/x.json", "sources", "cache",
    ],
)  # fmt: skip
def test_a_link_in_the_folder_is_refused_before_anything_is_written(edited, tmp_path, name):
    victim, link = tmp_path / "victim", edited.folder / name
    if name in ("sources", "cache"):
        shutil.rmtree(link, ignore_errors=True)
        victim.mkdir()
    else:
        victim.write_text("one line, not ended, as the last one of a journal may be")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
    before = sorted(tmp_path.rglob("*"))
    link.symlink_to(victim)
    with pytest.raises(SessionError, match=r"no ordinary file|holds no session"):
        reopen(edited)
    link.unlink()
    assert sorted(tmp_path.rglob("*")) == before
    if victim.is_file():
        assert victim.read_text().startswith("one line, not ended")


@pytest.mark.parametrize("name", ["lock", "cache/x.wav", "sources/x.wav"])
def test_a_pipe_or_a_socket_in_the_folder_is_refused_not_waited_for(edited, name, monkeypatch):
    path = edited.folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(SessionError, match="no ordinary file"):
        reopen(edited)
    path.unlink()
    monkeypatch.chdir(path.parent)  # because names of sockets are short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)
        with pytest.raises(SessionError, match="no ordinary file"):
            reopen(edited)


@pytest.mark.parametrize(
    "stored",
    [
        "../../etc/passwd", "/etc/passwd", "../secret.wav", "sources/../../secret.wav", "{}",
        ".", "", "sources", "\0", "x" * 5000,
    ],
)  # fmt: skip
def test_a_later_recording_is_taken_from_nowhere_but_the_folder(edited, tmp_path, stored):
    soundfile.write(tmp_path / "secret.wav", [0.5] * 8000, 8000)
    lines = records(edited)
    lines[2]["recording"]["path"] = stored.format(tmp_path / "secret.wav")
    rewrite(edited, lines)
    with pytest.raises(SessionError):
        reopen(edited)


def test_the_first_recording_does_not_climb_out_of_the_folder(edited, tmp_path):
    lines = records(edited)
    lines[1]["recording"]["path"] = "../talk1.wav"
    rewrite(edited, lines)
    with pytest.raises(SessionError, match="outside of it"):
        reopen(edited)


def test_the_same_sound_again_is_the_recording_that_is_known(edited, tmp_path):
    other = Path(shutil.copy(tmp_path / "talk1.wav", tmp_path / "copy.wav"))
    with reopen(edited) as session:
        number = session.add_audio(other)
    other.unlink()
    with reopen(edited) as session:
        assert session.name(number) == "copy.wav"
        assert session.audio(number).num_frames == session.audio(1).num_frames
        assert [recording.name for recording in session.recordings] == ["talk1.wav", "talk2.wav"]


def values() -> st.SearchStrategy[Any]:
    numbers = st.integers() | st.floats() | st.sampled_from([-1, 0, 1, 2**63, 10**30, 1e308])
    plain = st.none() | st.booleans() | numbers | st.text(max_size=20)
    plain |= st.sampled_from(["silence", "bleep", "/etc/passwd", "../x", "HumanMessage", "cut"])
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside JSON data."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@st.composite
def damaged(draw: st.DrawFn, lines: list[dict[str, Any]]) -> list[Any]:
    """The lines of a journal with some values replaced, removed or in other places."""
    lines = copy.deepcopy(lines)
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(list(places(lines))))
        match draw(st.sampled_from(["replace", "remove", "copy"])):
            case "remove":
                del container[key]
            case "copy":
                other, there = draw(st.sampled_from(list(places(lines))))
                container[key] = copy.deepcopy(other[there])
            case _:
                container[key] = draw(values())
    return lines


def opens_or_is_refused(edited: Session, lines: list[Any], out: Path) -> None:
    rewrite(edited, lines)
    with contextlib.suppress(QwenAudioAgentError):
        reopen(edited).close()
        replay(edited.folder, edited.folder.parent / "other.wav", out, ear=edited.ear)


def check_damaged_journals(edited: Session, record: Any, tmp_path: Path, num: int) -> None:
    record("other", "alpha kilo bravo um charlie")
    lines = records(edited)
    (edited.folder / "report.json").unlink(missing_ok=True)

    @settings(
        max_examples=num, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(damaged(lines))
    def check(changed: list[Any]) -> None:
        opens_or_is_refused(edited, changed, tmp_path / "out.wav")

    check()


def test_a_journal_that_says_anything_is_opened_and_replayed_or_refused(edited, record, tmp_path):
    check_damaged_journals(edited, record, tmp_path, 40)


@pytest.mark.slow
def test_a_journal_that_says_anything_in_many_ways(edited, record, tmp_path):
    check_damaged_journals(edited, record, tmp_path, 2000)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000 + b"\n",
        b'{"type":' + b"9" * 10_000 + b"}\n",
        b'{"type":"message","message":' + b'{"a":' * 900 + b"1" + b"}" * 901 + b"\n",
        b"\xff\xfe\n",
        b"\0" * 1000 + b"\n",
    ],
)
def test_a_line_that_is_hard_to_parse_is_refused(edited, line):
    with (edited.folder / "journal.jsonl").open("ab") as file:
        file.write(line + b'{"type":"dream"}\n')
    with pytest.raises(SessionError):
        reopen(edited)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [({"audio": 99}, 1), ({"audio": 3}, 3), ({"audio": "1"}, 1), ({"audio": [1]}, 1), ({}, 1)],
)
def test_a_step_of_audios_that_are_not_there_is_not_replayed(
    edited, record, tmp_path, arguments, given
):
    lines = records(edited)
    lines[3]["step"] |= {"arguments": arguments | {"words": "bravo"}, "given": given}
    rewrite(edited, lines)
    with pytest.raises(QwenAudioAgentError):
        replay(edited.folder, record("x", "alpha bravo"), tmp_path / "out.wav", ear=edited.ear)

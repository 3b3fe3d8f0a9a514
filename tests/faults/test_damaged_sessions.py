"""A session file that holds anything at all: one clear line, no traceback, and nothing cut away."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from qwen_audio_agent.agent.conversation import mend, result
from qwen_audio_agent.agent.report import make_report
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.errors import QwenAudioAgentError, SessionError
from tests.faults.conftest import CALLS, Commands, write_faint


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with two recordings, an effect, an undo and a conversation."""
    folder = tmp_path_factory.mktemp("damaged")
    files = [write_faint(folder / "talk.wav", 3), write_faint(folder / "other.wav", 1, seed=1)]
    with Session.create(folder / "whole", files) as session:
        call = {"name": "cut", "args": {"audio": 1}, "id": "c1"}
        session.say(HumanMessage([{"type": "audio", "file_id": "audio-1"}, "cut it"]))
        session.say(AIMessage("", tool_calls=[call]))
        for tool, arguments in CALLS:
            given = session.latest if session.latest > 2 else 1
            session.call(tool, **{**arguments, "audio": given})
        session.undo()
        session.call("insert", audio=session.latest, other=2)
    return folder / "whole"


@pytest.fixture
def session(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "a.session"))


def drop(name: str, at: int) -> Callable[[bytes], bytes]:
    """The journal without a key of one of its lines."""

    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        record = json.loads(lines[at])
        del record[name]
        lines[at] = json.dumps(record).encode() + b"\n"
        return b"".join(lines)

    return change


def without_line(at: int) -> Callable[[bytes], bytes]:
    return lambda content: b"".join(
        line for number, line in enumerate(content.splitlines(keepends=True)) if number != at
    )


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda _: b"", "journal.jsonl is empty"),
        (lambda _: b"\x93NUMPY\x01\xff\xfe" * 50, "is no journal of a session"),
        (lambda _: b"hello\nworld\n", "line 1 of .*journal.jsonl is damaged"),
        (lambda _: b'{"type":"message"}\n', "is no journal of a session"),
        (lambda _: b'{"type":"session"}\n', "is no journal of a session"),
        (lambda content: content[: len(content) // 2] + b"\n" + content[-99:], "is damaged"),
        (lambda content: content.replace(b"\n", b"", 1), "line 1 of .* is damaged"),
        (swap(b'"format":1', b'"format":0'), "format 0; this program reads format 1"),
        (swap(b'"format":1', b'"format":2'), "format 2; this program reads format 1"),
        (swap(b'"format":1', b'"format":"1"'), "format '1'; this program reads format 1"),
        (drop("recording", 1), "line 2 .* lacks 'recording'"),
        (drop("edit_list", 1), "line 2 .* lacks 'edit_list'"),
        (drop("parent", 5), "line 6 .* lacks 'parent'"),
        (without_line(5), "line 6 .* makes Audio 4 after Audio 2"),
        (without_line(1), "line "),
        (swap(b'"sha256":"', b'"sha256":7,"x":"'), "sha256 of a recording cannot be 7"),
        (swap(b'"duration":', b'"duration":"long","x":'), "duration of a step cannot be 'long'"),
        (swap(b'"repairs":0', b'"repairs":"no"'), "repairs of a step cannot be 'no'"),
        (swap(b'"given":1', b'"given":99'), "works on Audio 99, which is not there"),
        (swap(b'"source":"s', b'"source":"z'), "is made of 'z"),
        (swap(b'"end":', b'"end":1e999,"x":'), "is damaged|cannot be"),
        (swap(b'"type":"human"', b'"type":"alien"'), "line 4 .* cannot be read"),
        (lambda content: content + b"[" * 100_000 + b"\n", "is damaged"),
    ],
)
def test_a_damaged_journal_is_one_line_and_stays_as_it_is(
    session: Path, change: Callable[[bytes], bytes], told: str
) -> None:
    journal = session / "journal.jsonl"
    damaged = change(journal.read_bytes())
    journal.write_bytes(damaged)
    with pytest.raises(SessionError, match=told) as caught:
        Session.open(session)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert journal.read_bytes() == damaged


def test_a_journal_that_is_a_folder_or_missing_is_one_line(
    commands: Commands, session: Path
) -> None:
    (session / "journal.jsonl").unlink()
    for _ in range(2):
        for command in (["undo", "a.session"], ["edit", "go", "-o", "a.wav", "--session", session]):
            status, running = commands.run(session.parent, *command)
            assert status == 2
            (complaint,) = running.err.splitlines()
            assert "a.session holds no session" in complaint
        (session / "journal.jsonl").mkdir(exist_ok=True)


def test_the_command_says_in_one_line_what_is_damaged(commands: Commands, session: Path) -> None:
    journal = session / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"format":1', b'"format":2'))
    status, running = commands.run(session.parent, "undo", "a.session", "--json")
    assert status == 2
    (complaint,) = running.err.splitlines()
    assert "a.session has session format 2; this program reads format 1" in complaint


def use(folder: Path) -> None:
    """All that a person does with a session that opens."""
    with Session.open(folder) as session:
        mend(session)
        for step in session.steps:
            result(step)
        for number in session.numbers:
            audio = session.audio(number)
            if audio.num_frames < 10**6:
                audio.read(Span(0, min(100, audio.num_frames)))
        if session.latest > 0 and session.audio(session.latest).num_frames < 10**6:
            make_report(session, session.latest)
            session.call("gain", audio=session.latest, db=-1.0)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(-3, 10**6), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a JSON value."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    found = [(*path, key) for key, _ in inside]
    return found + [way for key, item in inside for way in places_in(item, (*path, key))]


def with_bytes_changed(data: st.DataObject, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        match data.draw(st.sampled_from(["replace", "insert", "remove"])):
            case "replace":
                changed[at : at + 1] = data.draw(st.binary(min_size=1, max_size=8))
            case "insert":
                changed[at:at] = data.draw(st.binary(min_size=1, max_size=8))
            case _:
                del changed[at : at + data.draw(st.integers(1, 200))]
    return bytes(changed)


def with_values_changed(data: st.DataObject, content: bytes) -> bytes:
    lines = [json.loads(line) for line in content.splitlines()]
    for _ in range(data.draw(st.integers(1, 2))):
        line = data.draw(st.sampled_from(lines))
        *way, last = data.draw(st.sampled_from(places_in(line)))
        inside = line
        with contextlib.suppress(KeyError, IndexError, TypeError):  # changed away before
            for key in way:
                inside = inside[key]
            if data.draw(st.booleans()):
                inside[last] = data.draw(VALUES)
            else:
                del inside[last]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@pytest.mark.parametrize(
    "num_examples", [pytest.param(60), pytest.param(1000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("change", [with_bytes_changed, with_values_changed])
def test_whatever_a_journal_holds_it_opens_or_says_why_not(
    whole: Path,
    tmp_path: Path,
    change: Callable[[st.DataObject, bytes], bytes],
    num_examples: int,
) -> None:
    content = (whole / "journal.jsonl").read_bytes()
    folder = Path(shutil.copytree(whole, tmp_path / "fuzzed"))

    @settings(
        max_examples=num_examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        (folder / "journal.jsonl").write_bytes(change(data, content))
        with contextlib.suppress(QwenAudioAgentError):  # any other error is a traceback
            use(folder)

    fuzz()

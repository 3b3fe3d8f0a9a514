"""A journal loses at most the line that was being written; a lock lets one process in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from qwen_audio_agent.agent.storage import Journal, Lock
from qwen_audio_agent.audio.whole_file import copy_whole, write_whole
from qwen_audio_agent.errors import SessionError

FIRST = {"type": "session"}


def test_what_was_appended_is_there_when_the_journal_is_opened_again(tmp_path):
    journal = Journal(tmp_path / "j", FIRST)
    journal.append({"a": 1, "text": "Zürich \udcff"})
    journal.append({"b": [2.5, None]})
    journal.close()
    again = Journal(tmp_path / "j")
    assert again.records == [FIRST, {"a": 1, "text": "Zürich \udcff"}, {"b": [2.5, None]}]
    again.close()


@pytest.mark.parametrize("torn", [b'{"c": 3', b'{"c"', b"\x00\x00\x00", b"{}"])
def test_a_torn_last_line_is_cut_off_and_writing_goes_on_after_the_last_whole_one(tmp_path, torn):
    path = tmp_path / "j"
    path.write_bytes(b'{"a":1}\n' + torn)
    journal = Journal(path)
    journal.append({"b": 2})
    journal.close()
    assert path.read_bytes() == b'{"a":1}\n{"b":2}\n'


@pytest.mark.parametrize(
    "damaged",
    [b'{"b":\n{"c":3}\n', b"[1]\n", b"garbage\n", b"\x00\n", b"[" * 10**5 + b"\n", b'{"b":NaN}\n'],
)
def test_a_whole_line_that_is_damaged_is_an_error_that_names_it_and_stays(tmp_path, damaged):
    path = tmp_path / "j"
    path.write_bytes(b'{"a":1}\n' + damaged)
    with pytest.raises(SessionError, match=r"line 2 .* is damaged; .* or delete it"):
        Journal(path)
    assert path.read_bytes() == b'{"a":1}\n' + damaged


@pytest.mark.parametrize("content", [b"", b"no lines", b'{"type":"session","form', bytes(99)])
def test_a_file_without_a_first_line_is_refused_and_stays(tmp_path, content):
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(SessionError, match="put it back from a copy"):
        Journal(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == content


def test_numbers_that_json_does_not_have_are_refused_before_anything_is_written(tmp_path):
    journal = Journal(tmp_path / "j", FIRST)
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal.append({"level": float("-inf")})
    journal.close()
    assert (tmp_path / "j").read_bytes() == b'{"type":"session"}\n'


def test_a_second_process_is_kept_out_and_told_who_is_inside(tmp_path):
    code = f"""
import sys
from pathlib import Path
from qwen_audio_agent.agent.storage import Lock
lock = Lock(Path({str(tmp_path)!r}) / "lock")
print("locked", flush=True)
sys.stdin.read()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "locked\n"
    with pytest.raises(SessionError, match=f"in use by process {child.pid}"):
        Lock(tmp_path / "lock")
    child.send_signal(signal.SIGKILL)
    child.communicate()
    Lock(tmp_path / "lock").release()


def test_a_copy_appears_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"sound" * 1000)
    copy_whole(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"sound" * 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_bytes_of_file_names_that_are_no_text_are_written_escaped(tmp_path):
    write_whole(tmp_path / "page", "old")
    write_whole(tmp_path / "page", "new \udcff")
    assert (tmp_path / "page").read_text() == "new \\udcff"
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_a_journal_that_is_killed_again_and_again_always_opens(tmp_path):
    code = f"""
from pathlib import Path
from qwen_audio_agent.agent.storage import Journal
path = Path({str(tmp_path)!r}) / "j"
journal = Journal(path, None if path.exists() else {{"number": 0}})
number = len(journal.records)
print("open", flush=True)
while True:
    journal.append({{"number": number, "text": "x" * (number * 37 % 5000)}})
    number += 1
"""
    known = 0
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(0.03)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        journal = Journal(tmp_path / "j")
        numbers = [record["number"] for record in journal.records]
        journal.close()
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= known
        known = len(numbers)
    assert known > 0

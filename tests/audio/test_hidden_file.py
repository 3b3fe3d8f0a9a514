"""Hidden files: nothing is left of them, whenever a stop comes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from qwen_audio_agent.audio import hidden_file
from qwen_audio_agent.audio.hidden_file import HiddenFile

FILES = (hidden_file.__file__, __file__)


class StopAt:
    """Raises KeyboardInterrupt at one instruction of the files above, as a signal does."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename not in FILES or frame.f_code.co_name == "_remove_own":
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt
        return self


def write_to(folder: Path) -> None:
    with HiddenFile(folder) as hidden:
        hidden.path.write_bytes(b"new")
        hidden.take_name(folder / "a.wav")


# Python itself closes the locked file when the stop comes before there is a variable for it.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_nothing_is_left_when_stopped_at_any_instruction(tmp_path: Path) -> None:
    before = sys.gettrace()
    names = []
    for number in range(10_000):
        (tmp_path / "a.wav").write_bytes(b"old")
        sys.settrace(StopAt(number))
        try:
            write_to(tmp_path)
            break
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        assert [path.name for path in tmp_path.iterdir()] == ["a.wav"], number
        names.append((tmp_path / "a.wav").read_bytes())
    assert len(names) > 100
    assert names == sorted(names, key=(b"old", b"new").index)  # old until it is new
    assert set(names) == {b"old", b"new"}
    if (handles := Path("/proc/self/fd")).exists():  # on Linux
        assert not [handle for handle in handles.iterdir() if is_of(handle, tmp_path)]


def is_of(handle: Path, folder: Path) -> bool:
    """Whether an open handle is that of a hidden file of a folder, be it removed."""
    try:
        link = str(handle.readlink())
    except OSError:
        return False
    return link.startswith(str(folder)) and ".part" in link


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_that_ends_leaves_it_alone(tmp_path: Path) -> None:
    with HiddenFile(tmp_path) as hidden:
        if (child := os.fork()) == 0:
            try:
                del hidden
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert hidden.path.exists()

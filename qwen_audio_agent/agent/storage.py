"""The files of a session: a journal that survives kill -9, a lock, and whole-or-nothing copies."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from qwen_audio_agent.audio.file_lock import HELD, lock
from qwen_audio_agent.audio.hidden_file import disk_error, is_hidden
from qwen_audio_agent.audio.whole_file import written_whole
from qwen_audio_agent.errors import SessionError

Record = dict[str, Any]
"""One line of a journal: plain JSON data with a "type"."""


class Journal:
    """A file of JSON objects, one per line, that only ever grows.

    Each line is on the disk before `append` returns. A process that dies in the middle of a line
    leaves a torn last line, which the next `Journal` of that file cuts off.

    Args:
        path: of the file.
        first: the first line of a new file, with which it appears; None opens one that is there.

    Raises:
        SessionError: it is no journal, a line is damaged, or it cannot be read and written.
        DiskError: a new one cannot be written.
    """

    def __init__(self, path: Path, first: Record | None = None) -> None:
        self._path = path
        if first is not None:
            with written_whole(path) as file:
                file.write(_line(first))
        self.records: list[Record] = []
        try:
            # Without a buffer, so that nothing waits in memory to be written after a failure.
            self._file = path.open("r+b", buffering=0)
        except OSError as error:
            raise SessionError(f"{path} cannot be opened: {error.strerror}") from None
        try:
            self._length = self._read()
            self._file.truncate(self._length)
            self._file.seek(self._length)
        except BaseException:
            self._file.close()
            raise

    def append(self, record: Record) -> None:
        """Add one line to the file and to `records`; if this raises it is in both or in none.

        Raises:
            DiskError: the disk is full, or takes nothing.
        """
        line = _line(record)
        kept, before = json.loads(line), self._length
        after = before + len(line)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
            # Ctrl-C comes between two calls, so not between these two lines.
            self._length = after
            self.records.append(kept)
        except BaseException as error:
            if self._length == before:
                self._take_back()
            if isinstance(error, OSError):
                raise disk_error(self._path, error) from None
            raise

    def close(self) -> None:
        """Close the file; what was appended stays."""
        self._file.close()

    def _take_back(self) -> None:
        """Remove what is there of a line that did not get onto the disk as a whole."""
        try:
            self._file.truncate(self._length)
            self._file.seek(self._length)
        except OSError:
            self._file.close()  # Nothing may follow half a line.

    def _read(self) -> int:
        """Take in the whole lines; returns their length in bytes."""
        content = self._file.readall()
        *lines, torn = content.split(b"\n")
        for number, line in enumerate(lines, start=1):
            record = _parse(line)
            if record is None:
                way_out = "delete it and all behind it" if number > 1 else "begin a new session"
                raise SessionError(
                    f"line {number} of {self._path} is damaged; "
                    f"put the file back from a copy, or {way_out}"
                )
            self.records.append(record)
        if not lines:
            what = "is empty" if not content else "is no journal of a session"
            raise SessionError(f"{self._path} {what}; put it back from a copy")
        return len(content) - len(torn)


class Lock:
    """Keeps a second process out of a folder; the system lets go of it when this process dies.

    Raises:
        SessionError: somebody else holds it, or it cannot be made there.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise SessionError(
                f"session {path.parent} cannot be opened to work in it: {error.strerror}; "
                "choose a folder that can be written"
            ) from None
        try:
            lock(self._file)
        except OSError as error:
            holder = self._holder()
            self._file.close()
            if error.errno not in HELD:
                raise SessionError(f"{path} cannot be locked: {error.strerror}") from None
            raise SessionError(
                f"session {path.parent} is in use by {holder}; "
                "wait until it ends, or use another session folder"
            ) from None
        with contextlib.suppress(OSError):  # On a full disk nobody is told who is here.
            self._file.truncate(0)
            self._file.write(str(os.getpid()).encode())

    def release(self) -> None:
        """Let other processes in."""
        self._file.close()

    def _holder(self) -> str:
        self._file.seek(0)
        number = self._file.read(20).decode("ascii", "replace").strip() or "?"
        return "this program already" if number == str(os.getpid()) else f"process {number}"


def make_folder(folder: Path) -> bool:
    """See that there is a folder for a new session; whether it had to be made.

    Raises:
        SessionError: it holds something already.
        DiskError: it cannot be made.
    """
    if not is_free(folder):
        raise taken(folder)
    if folder.exists():
        return False
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise disk_error(folder, error) from None
    return True


def is_free(folder: Path) -> bool:
    """Whether a session may begin in a folder: it is not there, or empty but for what is left of a
    process that was killed before it began one.
    """
    if not folder.is_dir():
        return not folder.exists()
    return all(item.name == "lock" or is_hidden(item) for item in folder.iterdir())


def taken(folder: Path) -> SessionError:
    """The error that a session cannot begin in a folder."""
    return SessionError(f"{folder} exists already: open that session, or name a new folder")


def refuse_links(folder: Path) -> None:
    """Refuse a folder that reaches out of itself, before anything in it is opened or written.

    A folder that came from somebody else could make this program write over a file elsewhere, or
    read one, under a name of its own.

    Raises:
        SessionError: something in it is a link, a device or a pipe.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                refuse_links(Path(entry.path))
            elif not entry.is_file(follow_symlinks=False):
                raise SessionError(
                    f"{entry.path} is no ordinary file, and a session folder holds nothing else: "
                    "remove it, if you know that this folder is safe"
                )


def _line(record: Record) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # File names may hold bytes that are no text; they come back through "surrogatepass".
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _parse(line: bytes) -> Record | None:
    """The record of a line, or None."""
    try:
        record = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")

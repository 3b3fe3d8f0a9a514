"""The files of a session: a journal that survives kill -9, a lock, and whole-or-nothing copies."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import IO, Any

from qwen_audio_agent.errors import SessionError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

Record = dict[str, Any]
"""One line of a journal: plain JSON data with a "type"."""


class Journal:
    """A file of JSON objects, one per line, that only ever grows.

    Each line is on the disk before `append` returns. A process that dies in the middle of a line
    leaves a torn last line, which the next `Journal` of that file cuts off.

    Raises:
        SessionError: a line before the last is no JSON object.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        is_new = not path.exists()
        self._file = path.open("ab")
        if is_new:
            sync_folder(path.parent)
        try:
            self.records: list[Record] = self._read()
        except SessionError:
            self._file.close()
            raise

    def append(self, record: Record) -> None:
        """Add one line; it is on the disk when this returns."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # File names may hold bytes that are no text; they come back through "surrogatepass".
        self._file.write(line.encode("utf-8", "surrogatepass") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.records.append(json.loads(line))

    def close(self) -> None:
        """Close the file; what was appended stays."""
        self._file.close()

    def _read(self) -> list[Record]:
        records: list[Record] = []
        end = 0
        lines = self._path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            record = _parse(line)
            if record is None and number < len(lines):
                raise SessionError(
                    f"line {number} of {self._path} is damaged; "
                    "put the folder back from a copy, or begin a new session"
                )
            if record is not None:
                records.append(record)
                end += len(line)
        self._file.truncate(end)
        return records


class Lock:
    """Keeps a second process out of a folder; the system lets go of it when this process dies.

    Raises:
        SessionError: another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        try:
            _lock(self._file)
        except OSError:
            self._file.seek(0)
            holder = self._file.read(20).decode("ascii", "replace").strip() or "?"
            self._file.close()
            raise SessionError(
                f"session {path.parent} is in use by process {holder}; "
                "wait until it ends, or use another session folder"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()).encode())
        self._file.flush()

    def release(self) -> None:
        """Let other processes in."""
        self._file.close()


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


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file so that `target` appears complete or not at all."""
    part = target.with_name(f".{target.name}.part")
    with source.open("rb") as read, part.open("wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)
        write.flush()
        os.fsync(write.fileno())
    part.replace(target)
    sync_folder(target.parent)


def write_whole(path: Path, content: str) -> None:
    """Write text so that `path` appears complete or not at all."""
    part = path.with_name(f".{path.name}.part")
    # File names may hold bytes that are no text: "\\udcff", as JSON writes them too.
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the folder's own entries on the disk, where the system can do that."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _parse(line: bytes) -> Record | None:
    """The record of a whole line, or None."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        # Windows locks bytes, not files: one far behind the process number, which others must be
        # able to read.
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

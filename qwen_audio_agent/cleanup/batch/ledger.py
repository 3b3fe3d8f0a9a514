"""The ledger of a batch: one line for each episode that was ended, on the disk before the next.

It lies in the output folder as batch.jsonl and only grows. A line that a killed process left half
written is cut off; one of another form says nothing. In a store of objects, which cannot append,
the file is put anew each time.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from qwen_audio_agent.audio.file_lock import HELD, lock
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.hidden_file import disk_error, sync_folder
from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.places import deliver, fetched, filesystem, is_url, join
from qwen_audio_agent.errors import UsageError

NAME: Final = "batch.jsonl"
_MAX_BYTES: Final = 1 << 30


class Ledger:
    """What was done into an output folder, and what is done now; a context that keeps others out.

    Nothing is made or written before the context is entered.

    Args:
        folder: the output folder, here or at a URL.

    Raises:
        UsageError: there is one that cannot be read.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._place = join(folder, NAME)
        self._lines: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._length = 0
        self.entries: dict[str, Entry] = {}
        self.outputs: set[str] = set()
        self._take_in(self._read())

    def __enter__(self) -> Self:
        """Make the folder, and keep other batches out of it, as far as its filesystem can.

        Raises:
            UsageError: another batch works there, or the folder cannot be written.
            DiskError: the disk is full.
        """
        if is_url(self._folder):
            return self
        path = Path(self._place)
        if path.is_symlink():
            raise UsageError(
                f"{shown(path)} is a link, which nothing is written through: remove it"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise _closed(path.parent, error) from None
        try:
            lock(self._file)
        except OSError as error:
            self._close()
            if error.errno not in HELD:
                raise _closed(path.parent, error) from None
            raise UsageError(
                f"another batch works in {shown(path.parent)}: wait until it ends"
            ) from None
        sync_folder(path.parent)
        self._file.seek(0)
        self._length = self._take_in(self._file.read())
        self._file.truncate(self._length)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def plan(self, outputs: Iterable[str]) -> None:
        """Note which names will be written, so that they are never taken for recordings.

        Raises:
            DiskError: the disk is full, or takes nothing.
        """
        new = sorted(set(outputs) - self.outputs)
        if new:
            self._append({"type": "outputs", "outputs": new})
            self.outputs.update(new)

    def note(self, entry: Entry) -> None:
        """Note what an episode came to.

        Raises:
            DiskError: the disk is full, or takes nothing.
        """
        self._append({"type": "entry", **entry.to_json()})
        self.entries[entry.output] = entry

    def _close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _read(self) -> bytes:
        if not is_url(self._place):
            path = Path(self._place)
            try:
                with path.open("rb") as file:
                    return file.read(_MAX_BYTES)
            except (FileNotFoundError, NotADirectoryError):
                return b""
            except OSError as error:
                raise UsageError(f"{shown(path)} cannot be read: {error.strerror}") from None
        fs, path_there = filesystem(self._place)
        if not fs.exists(path_there):
            return b""
        with tempfile.TemporaryDirectory() as folder:
            return fetched(self._place, Path(folder)).read_bytes()

    def _take_in(self, content: bytes) -> int:
        """Take whole lines in; returns their length in bytes."""
        end = content.rfind(b"\n") + 1
        self._lines = content[:end].splitlines(keepends=True)
        for record in _records(self._lines):
            kind = record.pop("type", None)
            if kind == "outputs" and isinstance(record.get("outputs"), list):
                self.outputs.update(map(str, record["outputs"]))
            elif kind == "entry" and (entry := Entry.from_json(record)):
                self.entries[entry.output] = entry
                self.outputs.add(entry.output)
        return end

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
        if self._file:
            self._write(self._file, line)
            return
        self._lines.append(line)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / NAME
            copy.write_bytes(b"".join(self._lines))
            deliver(copy, self._place)

    def _write(self, file: IO[bytes], line: bytes) -> None:
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except BaseException as error:
            try:
                file.truncate(self._length)
            except OSError:
                self._close()
            if isinstance(error, OSError):
                raise disk_error(Path(self._place), error) from None
            raise
        self._length += len(line)


def _closed(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"{shown(folder)} cannot be written: {error.strerror}; choose another folder")


def _records(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record

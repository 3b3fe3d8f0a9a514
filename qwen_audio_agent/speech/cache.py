"""What was heard, kept by content: a question asked twice is answered at once the second time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any, Final

CACHE_VARIABLE: Final = "QWEN_AUDIO_AGENT_CACHE"
_IN_MEMORY: Final = 1024  # entries; an hour of speech is about 250
_MAX_BYTES: Final = 100_000_000  # about 70 hours of speech
_WRITES_PER_LOOK: Final = 500
_PART: Final = ".part"
_WRITTEN_BY_THEN_S: Final = 3600


def named_cache_folder() -> Path | None:
    """The folder that QWEN_AUDIO_AGENT_CACHE names, if it names one."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else None


def default_cache_folder() -> Path:
    """The folder that QWEN_AUDIO_AGENT_CACHE names, or the one of the platform for caches.

    Source: XDG Base Directory Specification 0.8; Apple's File System Programming Guide; Known
    Folders of Windows.
    """
    if chosen := named_cache_folder():
        return chosen
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "qwen-audio-agent"


def key_of(*parts: Any) -> str:
    """A name for what `parts`, plain data, decide; 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class HeardCache:
    """Plain data by key, in memory and, if there is a folder, on disk; for threads and processes.

    An entry on disk is whole or not there. One that cannot be read or written is passed over: a
    cache may only save work, never fail it. When the folder outgrows `max_bytes` the entries that
    were not asked for the longest time are removed.
    """

    def __init__(self, folder: Path | None, max_bytes: int = _MAX_BYTES) -> None:
        self._folder = folder / "heard" if folder else None
        self._max_bytes = max_bytes
        self._num_writes = 0
        self._recent: OrderedDict[str, Any] = OrderedDict()
        self._remembering = Lock()

    def get(self, key: str) -> Any:
        """What was put under `key`, or None."""
        with self._remembering:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        if not self._folder:
            return None
        path = self._path(self._folder, key)
        try:
            data = json.loads(path.read_bytes())
            os.utime(path)
        except (OSError, ValueError, RecursionError):
            return None
        self._remember(key, data)
        return data

    def put(self, key: str, data: Any, on_disk: bool = True) -> None:
        """Keep `data`, for this process alone unless `on_disk`."""
        self._remember(key, data)
        if not (self._folder and on_disk):
            return
        with contextlib.suppress(OSError):
            self._write(self._path(self._folder, key), json.dumps(data))
            if self._num_writes % _WRITES_PER_LOOK == 0:
                self._make_room(self._folder)
            self._num_writes += 1

    def _remember(self, key: str, data: Any) -> None:
        with self._remembering:
            self._recent[key] = data
            self._recent.move_to_end(key)
            if len(self._recent) > _IN_MEMORY:
                self._recent.popitem(last=False)

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key[2:]}.json"

    @staticmethod
    def _write(path: Path, text: str) -> None:
        # What people say is theirs alone, so nobody else may look into the folder.
        path.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=_PART)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _make_room(self, folder: Path) -> None:
        for part in folder.glob(f"??/*{_PART}"):  # of a process that was killed
            with contextlib.suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _WRITTEN_BY_THEN_S:
                    part.unlink()
        entries = sorted(_entries(folder))
        excess = sum(size for _, size, _ in entries) - self._max_bytes
        if excess <= 0:
            return
        excess += self._max_bytes // 4  # so that there is room for a while
        for _, size, path in entries:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            excess -= size
            if excess <= 0:
                break


def _entries(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """(time of last use in ns, bytes, path) of each file in the cache."""
    for path in folder.glob("??/*"):
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_mtime_ns, found.st_size, path

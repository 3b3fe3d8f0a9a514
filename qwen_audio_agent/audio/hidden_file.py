"""Files that appear under their name when they are complete: hidden until then, beside their place.

a.wav (old)                        a.wav (old)                            a.wav (new)
                    ->   .qwen-audio-agent-1f3a.part (new)     ->
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import weakref
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.errors import DiskError

if sys.platform != "win32":
    import fcntl

_START: Final = ".qwen-audio-agent-"


class HiddenFile:
    """A new, empty, hidden file, which is removed at the end of its `with` block unless it was
    given its name. A stop that falls between its making and the block removes it too.

    It is locked for as long as the block lasts. The system lets go of the lock of a process that
    was killed: that is how its hidden file is known for a remnant, which the next one in the same
    folder removes.

    Args:
        folder: where it will have its name.

    Raises:
        OSError: the folder is missing, cannot be written or is full.
    """

    def __init__(self, folder: Path) -> None:
        clear_remnants(folder)
        while True:
            self.path = folder / f"{_START}{secrets.token_hex(8)}.part"
            # Before there is a file: Ctrl-C may come between any two instructions.
            self._finalizer = weakref.finalize(self, _remove_own, self.path, os.getpid())
            self._lock = _new_locked(self.path)
            if sys.platform == "win32" or self.path.exists():  # no remnant before it was locked
                break
            self._finalizer.detach()
            self._lock.close()

    def take_name(self, target: Path) -> None:
        """Put what was written on the disk, and in the place of what is called `target`.

        Raises:
            OSError: the disk did not take it; `target` is what it was.
        """
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(target)
        sync_folder(target.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.path.unlink(missing_ok=True)
        self._finalizer.detach()
        self._lock.close()


def clear_remnants(folder: Path) -> None:
    """Remove the hidden files that killed processes left in a folder, if it is there."""
    for remnant in folder.glob(f"{_START}*.part"):
        _remove_unlocked(remnant)


def is_hidden(path: Path) -> bool:
    """Whether a file is a `HiddenFile`, or what is left of one."""
    return path.name.startswith(_START)


def sync_folder(folder: Path) -> None:
    """Put the folder's own entries on the disk, where the system can do that."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def disk_error(path: Path, error: Exception) -> DiskError:
    """The error for a person that the disk took nothing, or not all, of what `path` is to hold."""
    if is_full(error):
        reason = "the disk is full"
    else:
        # soundfile reports by an error of its own, or an assertion, that less was written.
        about = getattr(error, "strerror", None)
        reason = about or "the disk is full or takes no more"
    return DiskError(
        f"{shown(path)} cannot be written: {reason}; make room or choose another folder"
    )


def is_full(error: Exception) -> bool:
    """Whether the system says that there is no room."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _new_locked(path: Path) -> FileIO:
    """Make a file; it is locked until this is closed (not where an open file has no new name)."""
    file = path.open("xb", buffering=0)
    if sys.platform == "win32":
        file.close()
    else:
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _remove_own(path: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a process that was forked meanwhile
        with contextlib.suppress(OSError):  # it could not be made, so there is none
            path.unlink()


def _remove_unlocked(remnant: Path) -> None:
    if sys.platform == "win32":
        return
    # An error: it is locked, so in use; or gone by now; or another person's.
    with contextlib.suppress(OSError), remnant.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remnant.unlink()

"""Locks on open files, which the system lets go of when their process ends, however it ends."""

from __future__ import annotations

import errno
import sys
from typing import IO, Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HELD: Final = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
"""The numbers of the errors that say that another holds the lock."""

_FAR_BEHIND: Final = 1 << 30


def lock(file: IO[bytes]) -> None:
    """Lock an open file until it is closed, without waiting.

    Raises:
        OSError: another holds the lock, see `HELD`, or the filesystem has no locks.
    """
    if sys.platform == "win32":
        # Windows locks bytes, not files: one far behind the content, which others may read.
        file.seek(_FAR_BEHIND)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

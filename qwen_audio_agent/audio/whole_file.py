"""Files that are no sound, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.hidden_file import HiddenFile, disk_error, is_full
from qwen_audio_agent.errors import UsageError


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file so that `target` appears complete or not at all.

    Raises:
        DiskError: it cannot be written.
        OSError: `source` cannot be read.
    """
    with source.open("rb") as read, written_whole(target) as write:
        shutil.copyfileobj(read, write, 1 << 20)


def write_whole(path: Path, content: str) -> None:
    """Write text so that `path` appears complete or not at all.

    Raises:
        DiskError: it cannot be written.
    """
    # File names may hold bytes that are no text: "\\udcff", as JSON writes them too.
    with written_whole(path) as file:
        file.write(content.encode("utf-8", "backslashreplace"))


def check_writable(path: Path) -> None:
    """Refuse a name that cannot be written, before hours of work go into what it is to hold.

    Raises:
        UsageError: it is a folder, or its folder is missing or cannot be written.
        DiskError: the disk is full.
    """
    if path.is_dir():
        raise UsageError(f"{shown(path)} is a folder: give another name")
    try:
        # Asking for the permission would not see a read-only disk; trying does.
        with HiddenFile(path.parent):
            pass
    except OSError as error:
        if is_full(error):
            raise disk_error(path, error) from None
        reason = f"{shown(path)} cannot be written: {error.strerror}"
        raise UsageError(f"{reason}; choose another folder") from None


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which appears as `path` when the `with` block ends well.

    Raises:
        DiskError: it cannot be written.
    """
    try:
        with HiddenFile(path.parent) as hidden:
            with hidden.path.open("wb") as file:
                yield file
            hidden.take_name(path)
    except OSError as error:
        raise disk_error(path, error) from None

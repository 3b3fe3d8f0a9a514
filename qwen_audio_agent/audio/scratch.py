"""Folders for sound on the way, which are gone after a kill as well: the next one removes them.

.qwen-audio-agent-1f3a.part      locked while its process lives
.qwen-audio-agent-1f3a.part.d    the folder; without the file beside it, it is a remnant
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_audio_agent.audio.hidden_file import HiddenFile, clear_remnants, disk_error

_PATTERN = ".qwen-audio-agent-*.part.d"


class Scratch:
    """A folder of this process, made where `tempfile` makes its own; TMPDIR says where that is.

    Nothing happens to it in a process that is forked meanwhile, unless that closes it.

    Raises:
        DiskError: it cannot be made.
    """

    def __init__(self) -> None:
        clear_scratch()
        root = Path(tempfile.gettempdir())
        try:
            self._hidden = HiddenFile(root)
        except OSError as error:
            raise disk_error(root, error) from None
        self.path = root / f"{self._hidden.path.name}.d"
        try:
            self.path.mkdir(mode=0o700)
        except OSError as error:
            self._hidden.__exit__(None, None, None)
            raise disk_error(self.path, error) from None

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._hidden.__exit__(None, None, None)


@contextmanager
def scratch_folder(*, takes_all: bool = False) -> Iterator[Path]:
    """A folder that is there while the block lasts.

    Args:
        takes_all: whether all temporary files of this process, be they of other threads, lie in it.

    Raises:
        DiskError: it cannot be made.
    """
    before = tempfile.tempdir
    scratch = Scratch()
    try:
        if takes_all:
            tempfile.tempdir = str(scratch.path)
        yield scratch.path
    finally:
        if takes_all:
            tempfile.tempdir = before
        scratch.close()


def clear_scratch() -> None:
    """Remove the folders of processes that were killed."""
    root = Path(tempfile.gettempdir())
    clear_remnants(root)
    for folder in root.glob(_PATTERN):
        if not folder.with_suffix("").exists() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)

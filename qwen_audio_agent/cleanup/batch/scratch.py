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
from qwen_audio_agent.errors import DiskError

_PATTERN = ".qwen-audio-agent-*.part.d"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of this process, in which all temporary files lie while the block lasts.

    It is made where `tempfile` makes its folders; TMPDIR says where that is.

    Raises:
        DiskError: it cannot be made.
    """
    before = tempfile.tempdir
    root = Path(tempfile.gettempdir())
    clear_scratch()
    try:
        hidden = HiddenFile(root)
    except OSError as error:
        raise disk_error(root, error) from None
    with hidden:
        folder = hidden.path.with_name(f"{hidden.path.name}.d")
        try:
            folder.mkdir(mode=0o700)
            tempfile.tempdir = str(folder)
            yield folder
        except FileExistsError as error:
            raise DiskError(f"{folder} is in the way: remove it") from error
        finally:
            tempfile.tempdir = before
            shutil.rmtree(folder, ignore_errors=True)


def clear_scratch() -> None:
    """Remove the folders of processes that were killed."""
    root = Path(tempfile.gettempdir())
    clear_remnants(root)
    for folder in root.glob(_PATTERN):
        if not folder.with_suffix("").exists() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)

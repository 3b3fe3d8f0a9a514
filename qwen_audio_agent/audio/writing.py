"""Writing recordings: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import soundfile

from qwen_audio_agent.audio.encoding import SoundFileSink
from qwen_audio_agent.audio.formats import (
    Coding,
    Numbers,
    container_for,
    shown,
    to_dtype,
    usual_subtype,
)
from qwen_audio_agent.audio.media import MediaSink, import_av
from qwen_audio_agent.errors import AudioFileError

if sys.platform != "win32":
    import fcntl

_HIDDEN_START: Final = ".qwen-audio-agent-"


class AudioWriter:
    """Writes a recording block by block; it appears under its name when it is complete.

    The sound goes into a hidden file in the same folder. It takes the name `path` when the `with`
    block ends well, and is removed when the block ends with an exception: what was under that name
    before is then untouched.

    Args:
        path: file to write; an existing file is replaced at the end.
        sample_rate: frames per second, in Hz.
        num_channels: 1 or more.
        container: "WAV", "FLAC", "OGG", "MP3", ...; None takes it from the suffix of `path`.
        subtype: "PCM_16", "PCM_24", "FLOAT", "VORBIS", ...; None takes the usual one.
        tags: title, artist, album, ...; those that the container has no place for are left out.

    Raises:
        AudioFileError: on entry, an unknown suffix, a folder that cannot be written, or a format
            that does not hold such sound; on exit, no sound was written or not all of it fitted.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        num_channels: int,
        container: str | None = None,
        subtype: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._path = Path(path)
        container = container or container_for(self._path)
        subtype = subtype or usual_subtype(self._path, container)
        self._coding = Coding(container, subtype, sample_rate, num_channels, dict(tags or {}))
        self._num_frames = 0

    def __enter__(self) -> Self:
        try:
            self._target = _target_of(self._path)
            self._temporary, self._lock = _new_hidden(self._target.parent)
        except (OSError, ValueError, RuntimeError) as error:
            raise _failure(self._path, error) from None
        try:
            self._sink: SoundFileSink | MediaSink
            if self._coding.container == "MP4":
                import_av(self._path)
                self._sink = MediaSink(self._temporary, self._coding)
            else:
                self._sink = SoundFileSink(self._temporary, self._coding)
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, samples: Numbers) -> None:
        """Append a block.

        Args:
            samples: (channels, frames) float32 or float64 in [-1, 1], rounded and clipped to the
                numbers of the file, or the file's own numbers, which are written as they are.

        Raises:
            AudioFileError: the disk is full or the file too large for its format.
            ValueError: another number of channels or another type, or not finite.
        """
        if samples.ndim != 2 or samples.shape[0] != self._coding.num_channels:
            raise ValueError(
                f"a block is ({self._coding.num_channels}, frames), not {samples.shape}"
            )
        try:
            self._sink.write(to_dtype(samples, self._coding.subtype))
        except (OSError, AssertionError, soundfile.LibsndfileError) as error:
            raise _failure(self._path, error) from None
        self._num_frames += samples.shape[1]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._sink.close()
            if kind is None:
                self._finish()
        except (OSError, AssertionError, soundfile.LibsndfileError) as failure:
            if kind is None:
                raise _failure(self._path, failure) from None
        finally:
            self._discard()

    def _discard(self) -> None:
        self._temporary.unlink(missing_ok=True)
        os.close(self._lock)

    def _finish(self) -> None:
        if self._num_frames == 0:
            raise AudioFileError(f"{shown(self._path)} is not written: there is no sound to write")
        with self._temporary.open("rb+") as file:
            os.fsync(file.fileno())
        self._temporary.replace(self._target)
        if os.name == "posix":
            folder = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def check_output(path: Path) -> None:
    """Refuse a name that cannot be written, before hours of work go into what it is to hold.

    Raises:
        AudioFileError: an unknown suffix, one whose encoder is not installed, something that is not
            a file, or a folder that is missing or cannot be written.
    """
    if container_for(path) == "MP4":
        import_av(path)
    try:
        folder = _target_of(path).parent
        # Asking for the permission would not see a read-only disk; trying does.
        trial, lock = _new_hidden(folder)
        trial.unlink()
        os.close(lock)
    except (OSError, ValueError, RuntimeError) as error:
        raise _failure(path, error) from None


def _target_of(path: Path) -> Path:
    """The file behind a symbolic link, which is written in place of the link."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise AudioFileError(f"{shown(path)} is not a file; choose another name")
    return target


def _new_hidden(folder: Path) -> tuple[Path, int]:
    """A new hidden file in `folder`, locked as long as the returned handle is open.

    The system lets go of the lock of a process that was killed: that is how its hidden file is
    known for a remnant, which is removed here.
    """
    for remnant in folder.glob(f"{_HIDDEN_START}*.part"):
        _remove_unlocked(remnant)
    while True:
        path = folder / f"{_HIDDEN_START}{secrets.token_hex(8)}.part"
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if sys.platform != "win32":
            fcntl.flock(handle, fcntl.LOCK_EX)
        if path.exists():  # not taken for a remnant before it was locked
            return path, handle
        os.close(handle)


def _remove_unlocked(remnant: Path) -> None:
    if sys.platform == "win32":
        return
    # An error: it is locked, so in use; or gone by now; or another person's.
    with contextlib.suppress(OSError), remnant.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remnant.unlink()


def _failure(path: Path, error: Exception) -> AudioFileError:
    if isinstance(error, AssertionError | soundfile.LibsndfileError):
        # This is how soundfile reports that less was written than it asked for.
        reason = "the disk is full or takes no more"
    else:
        reason = getattr(error, "strerror", None) or str(error)
    return AudioFileError(
        f"{shown(path)} cannot be written: {reason}; make room or choose another folder"
    )

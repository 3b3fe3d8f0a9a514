"""The one place where libsndfile is opened to read, with errors for people."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.formats import Numbers, native_dtype, shown
from qwen_audio_agent.errors import AudioFileError

# A damaged file is read up to the block with the damage, so blocks are short: 0.1 s at 44.1 kHz.
_BLOCK_FRAMES: Final = 4096
_YIELDED_FRAMES: Final = 16 * _BLOCK_FRAMES
_ENDLESS: Final = 1 << 40
_HEAD_BYTES: Final = 1 << 16
# How libsndfile calls content that its decoder of mp3 refuses: that there is no such file.
_REFUSED_CONTENT: Final = 7  # SFE_BAD_FILE
_NO_SOUND: Final = "what is in it is no sound"
_SOFTWARE_SUFFIX: Final = " (libsndfile-"


class SoundStream(soundfile.SoundFile):  # type: ignore[misc]
    """A `soundfile.SoundFile` that stays where it is.

    After every read and write of a seekable file soundfile seeks to the place where it already is.
    That restarts the decoder of an mp3 at each block border, and the first milliseconds after a
    restart are wrong. It does not do so for a file that says that it cannot be sought; `seek`
    works nevertheless.
    """

    def seekable(self) -> bool:
        """False, see above."""
        return False


class _Endless(io.FileIO):
    """The rest of a file from a place on, which claims to be huge, with zeros at its far end.

    libsndfile computes the length of an mp3 without a header from the bit rate of its first frame,
    which at a variable bit rate is several times wrong, and stops there. Told of a huge file it
    reads on until nothing comes. (The zeros answer the look for a tag at the end of the file.)
    """

    def __init__(self, path: Path, start: int) -> None:
        super().__init__(path)
        self._start = start
        self.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            return super().seek(offset, whence) - self._start
        origin = self._start + (_ENDLESS if whence == os.SEEK_END else 0)
        return super().seek(origin + offset) - self._start

    def tell(self) -> int:
        return super().tell() - self._start

    def readinto(self, buffer: Any) -> int:
        num_bytes = super().readinto(buffer) or 0
        if num_bytes == 0 and self.tell() > _ENDLESS // 2:
            buffer[:] = bytes(len(buffer))
            return len(buffer)
        return num_bytes


def check_regular(path: Path) -> None:
    """Refuse what is not an ordinary file that may be read, before anything waits on it.

    Raises:
        AudioFileError: missing, a folder, a device, a pipe, empty, or not allowed to be read.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AudioFileError(f"{shown(path)} is a folder; name a sound file in it")
        if not stat.S_ISREG(status.st_mode):
            raise AudioFileError(f"{shown(path)} is a device or a pipe; save it to a file first")
        if status.st_size == 0:
            raise AudioFileError(f"{shown(path)} is empty (0 bytes); record or copy it again")
        path.open("rb").close()
    except FileNotFoundError:
        raise AudioFileError(f"there is no file {shown(path)}; check its name") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise AudioFileError(f"{shown(path)} cannot be read: {reason}") from None
    except ValueError as error:
        raise AudioFileError(f"{shown(path)} is no file name: {error}") from None


def open_stream(path: Path) -> SoundStream:
    """Open `path` with libsndfile; the caller closes it.

    Raises:
        AudioFileError: libsndfile cannot read it.
    """
    # A text called a.mp3 comes to a decoder that complains on stderr, whoever that belongs to.
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if b"\0" not in head and b"\xff" not in head:  # one of which all sound files have
        raise _unreadable(path, _NO_SOUND)
    # An absolute name, because libsndfile takes a bare "-" for standard input; as bytes where names
    # are bytes, because such a name need not be text.
    name = str(path.absolute())
    return _opened(path, name if os.name == "nt" else os.fsencode(name))


@contextmanager
def open_endless(path: Path, start: int) -> Iterator[SoundStream]:
    """Open an mp3 from byte `start` on, to be read to its true end.

    Raises:
        AudioFileError: libsndfile cannot read it from there.
    """
    with _Endless(path, start) as endless, _opened(path, endless) as stream:
        yield stream


def _opened(path: Path, file: str | bytes | io.FileIO) -> SoundStream:
    try:
        return SoundStream(file)
    except (soundfile.LibsndfileError, TypeError) as error:
        reason = getattr(error, "error_string", str(error)).strip().rstrip(".")
        is_refused = getattr(error, "code", None) == _REFUSED_CONTENT
        raise _unreadable(path, _NO_SOUND if is_refused else reason) from None


def _unreadable(path: Path, reason: str) -> AudioFileError:
    return AudioFileError(
        f"{shown(path)} cannot be read as sound ({reason}); "
        "give a wav, flac, ogg, opus, mp3 or another sound file"
    )


def describe_stream(path: Path, stream: SoundStream) -> AudioFile:
    """What an open file says about itself; `num_frames` is what it claims."""
    tags = stream.copy_metadata()
    if "software" in tags:
        # libsndfile appends its own name on every writing.
        tags["software"] = tags["software"].split(_SOFTWARE_SUFFIX)[0]
    return AudioFile(
        path,
        stream.samplerate,
        stream.channels,
        stream.frames,
        stream.format,
        stream.subtype,
        {name: text for name, text in tags.items() if text},
    )


def blocks_of(stream: SoundStream) -> Iterator[Numbers]:
    """(channels, frames) blocks in the stream's own numbers, up to its end or its first damage."""
    is_going_on = True
    while is_going_on:
        block = np.empty((_YIELDED_FRAMES, stream.channels), native_dtype(stream.subtype))
        filled = 0
        while is_going_on and filled < len(block):
            try:
                num_read = len(stream.read(out=block[filled : filled + _BLOCK_FRAMES]))
            except soundfile.LibsndfileError:
                num_read = 0
            filled += num_read
            is_going_on = num_read > 0
        if filled:
            yield block[:filled].T

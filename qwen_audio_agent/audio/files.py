"""Recordings on disk: what they are, and any stretch of them, without holding them in memory.

Files that libsndfile can enter exactly at any frame (wav, aiff, flac and their like) are read in
place. All others, mp3, ogg, opus and what only FFmpeg can open, are decoded once, from front to
back, into a wav copy in a cache folder, and read from there. For seeking in them lands on other
samples than reading up to the same place, some state a length that is not theirs, and an editor
reads the same places many times.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from qwen_audio_agent.audio import media
from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.decoding import decode, decode_to, is_entered_anywhere, only_sound
from qwen_audio_agent.audio.formats import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    Numbers,
    refuse_no_sound,
    shown,
    to_float32,
)
from qwen_audio_agent.audio.hidden_file import disk_error
from qwen_audio_agent.audio.riff_chunks import stated_share
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.audio.scratch import Scratch
from qwen_audio_agent.audio.sound_stream import (
    SoundStream,
    blocks_of,
    check_regular,
    describe_stream,
    open_stream,
)
from qwen_audio_agent.audio.writing import AudioWriter
from qwen_audio_agent.errors import AudioFileError

__all__ = [
    "AudioFile",
    "AudioWriter",
    "SampleReader",
    "blocks",
    "content_hash",
    "decoded_once",
    "open_reader",
    "probe",
    "read",
    "same_file",
]

_Decoder = Callable[[AudioFile], Iterator[Numbers]]

_HASH_BYTES: Final = 1 << 20
_MISSED_SECONDS: Final = 0.1  # less may be an error of whoever counted
_CLOCK_TICK_NS: Final = 50_000_000


def probe(
    path: Path,
    cache_folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> AudioFile:
    """Find out what a recording is; the length is what can be read, not what the header claims.

    An mp3, ogg, opus, m4a or video is decoded here, unless the cache folder has its copy already.

    Args:
        path: the recording.
        cache_folder: where decoded copies are kept, by content; None keeps them in a temporary
            folder until the program ends.
        progress: is called with the fraction decoded, 0 to 1, where decoding is needed.

    Raises:
        AudioFileError: it is missing, not a file, not sound, empty, or broken.
    """
    path = Path(path)
    check_regular(path)
    file, decoder = _described(path)
    if decoder is not None:
        decoded = _decoded_copy(file, decoder, cache_folder, progress)
        with open_stream(decoded) as stream:
            file = replace(file, num_frames=stream.frames, decoded=decoded)
    if file.num_frames == 0:
        raise AudioFileError(f"{shown(path)} holds no sound (0 frames); record or copy it again")
    return file


def decoded_once(path: Path) -> tuple[AudioFile, Iterator[Numbers]]:
    """A recording to be read from front to back only: nothing is copied, whatever its format.

    Returns:
        What the file says about itself, whose `num_frames` may be a guess; and all of its sound in
        blocks, (channels, frames) in its own numbers, which raise as below.

    Raises:
        AudioFileError: it is missing, not a file, not sound, empty, or broken.
    """
    check_regular(path)
    file, decoder = _described(path)
    return file, only_sound((decoder or decode)(file), file)


class SampleReader:
    """Reads stretches of an open recording, in any order; made by `open_reader`."""

    def __init__(self, file: AudioFile, stream: SoundStream) -> None:
        self._file = file
        self._stream = stream
        self._position = 0

    def read(self, span: Span, dtype: np.dtype[Any] | None = None) -> Numbers:
        """The frames of `span`.

        Args:
            span: frames inside the recording.
            dtype: None for float32 in [-1, 1], or the file's own `dtype` for its own numbers.

        Returns:
            (channels, frames), as a view whose transpose is contiguous.

        Raises:
            AudioFileError: the sound there is damaged, or not finite numbers.
            ValueError: a span that is not inside the recording, or another type.
        """
        if span.end > self._file.num_frames:
            raise ValueError(f"{span} is not inside the {self._file.num_frames} frames of the file")
        if dtype not in (None, np.float32, self._file.dtype):
            raise ValueError(f"samples are read as float32 or {self._file.dtype}, not {dtype}")
        numbers = self._numbers(span)
        refuse_no_sound(numbers, self._file.path, span.start, self._file.sample_rate)
        return numbers if dtype is not None and dtype == self._file.dtype else to_float32(numbers)

    def _numbers(self, span: Span) -> Numbers:
        try:
            if span.start != self._position:
                self._stream.seek(span.start)
            numbers: Numbers = self._stream.read(
                span.num_frames, dtype=self._file.dtype.name, always_2d=True
            ).T
        except soundfile.LibsndfileError:
            numbers = np.empty((self._file.num_channels, 0))
        if numbers.shape[1] != span.num_frames:
            self._position = -1
            raise AudioFileError(
                f"{shown(self._file.path)} is damaged or has changed between frame {span.start} "
                f"and {span.end}; copy it again"
            )
        self._position = span.end
        return numbers


@contextmanager
def open_reader(file: AudioFile) -> Iterator[SampleReader]:
    """Open a recording to read many stretches of it.

    Raises:
        AudioFileError: it is gone, or no longer what it was.
    """
    path = file.decoded or file.path
    check_regular(path)
    with open_stream(path) as stream:
        if (stream.samplerate, stream.channels) != (file.sample_rate, file.num_channels):
            raise AudioFileError(f"{shown(path)} is not the recording that it was; open it anew")
        yield SampleReader(file, stream)


def read(file: AudioFile, span: Span | None = None) -> Audio:
    """A stretch of a recording, or all of it, in memory.

    Raises:
        AudioFileError: as `SampleReader.read` does.
    """
    with open_reader(file) as reader:
        samples = reader.read(span or Span(0, file.num_frames))
    return Audio(samples, file.sample_rate)


def blocks(file: AudioFile, span: Span | None = None, block_frames: int = 65536) -> Iterator[Audio]:
    """A stretch of a recording, or all of it, in blocks of at most `block_frames`.

    Raises:
        AudioFileError: as `SampleReader.read` does.
    """
    span = span or Span(0, file.num_frames)
    with open_reader(file) as reader:
        for start in range(span.start, span.end, block_frames):
            block = Span(start, min(start + block_frames, span.end))
            yield Audio(reader.read(block), file.sample_rate)


def content_hash(path: Path) -> str:
    """SHA-256 of the bytes of a file, as hexadecimal digits; read again only when it was touched.

    Raises:
        AudioFileError: it cannot be read, or is being written.
    """
    path = path.absolute()
    check_regular(path)
    state = _state(path)
    # Another writing may follow so soon that the clock of the disk does not show it.
    is_settled = min(abs(time.time_ns() - changed) for changed in state[:2]) > _CLOCK_TICK_NS
    digest = _hash(path, state) if is_settled else _hash.__wrapped__(path, state)
    if _state(path) != state:
        raise AudioFileError(f"{shown(path)} is being written; wait until it is complete")
    return digest


@functools.lru_cache(maxsize=1024)
def _hash(path: Path, state: tuple[int, ...]) -> str:  # noqa: ARG001 - a part of the key
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _state(path: Path) -> tuple[int, ...]:
    """What changes whenever a file is written or replaced; the two times of change come first."""
    try:
        status = path.stat()
    except OSError as error:
        raise AudioFileError(f"{shown(path)} cannot be read: {error.strerror}") from None
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)


def same_file(a: Path, b: Path) -> bool:
    """Whether two names, links included, stand for one file; False if one does not exist.

    Names are resolved as they are for writing: "none/../a.wav" is "a.wav", folder or not.
    """
    try:
        return a.resolve().samefile(b.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _described(path: Path) -> tuple[AudioFile, _Decoder | None]:
    """What a file says about itself, and how to decode it if it must be."""
    try:
        stream = open_stream(path)
    except AudioFileError as unknown:
        file = _described_media(path, unknown)
        _check_header(file)
        return file, media.decode
    with stream:
        file = describe_stream(path, stream)
        _check_header(file)
        if is_entered_anywhere(file):
            num_frames = _num_readable(stream, file.num_frames)
            return replace(file, num_frames=num_frames, notes=_cut_off(file, num_frames)), None
    return file, decode


def _described_media(path: Path, unknown: AudioFileError) -> AudioFile:
    try:
        return media.describe(path)
    except AudioFileError:
        # PyAV is worth its advice only where the name promises what PyAV reads.
        if path.suffix.lower() in media.SUFFIXES:
            raise
        raise unknown from None


def _check_header(file: AudioFile) -> None:
    """Refuse what no recording has, before memory is reserved for it."""
    if not 1 <= file.num_channels <= MAX_CHANNELS:
        raise AudioFileError(
            f"{shown(file.path)} has {file.num_channels} channels; 1 to {MAX_CHANNELS} can be read"
        )
    if not MIN_SAMPLE_RATE <= file.sample_rate <= MAX_SAMPLE_RATE:
        raise AudioFileError(
            f"{shown(file.path)} has a sample rate of {file.sample_rate} Hz; "
            f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz can be read"
        )


def _num_readable(stream: SoundStream, claimed: int) -> int:
    """How many frames there are, which in a file that was cut off are fewer than it claims."""
    if claimed == 0:
        return 0
    try:
        stream.seek(claimed - 1)
        if len(stream.read(1, dtype="float32")) == 1:
            return claimed
    except soundfile.LibsndfileError:
        pass
    with open_stream(Path(os.fsdecode(stream.name))) as again:
        return sum(block.shape[1] for block in blocks_of(again))


def _cut_off(file: AudioFile, num_frames: int) -> tuple[str, ...]:
    """A note for a person if a file says that it holds more than the frames that can be read."""
    # libsndfile believes the size of a wav file that was cut off, and not what it says.
    claimed = max(file.num_frames, num_frames * stated_share(file.path))
    if (claimed - num_frames) / file.sample_rate < _MISSED_SECONDS:
        return ()
    there, whole = num_frames / file.sample_rate, claimed / file.sample_rate
    return (f"it is cut off: {there:.1f} s of {whole:.1f} s are there",)


def _decoded_copy(
    file: AudioFile,
    decoder: _Decoder,
    cache_folder: Path | None,
    progress: Callable[[float], None] | None,
) -> Path:
    folder = _temporary_folder() if cache_folder is None else cache_folder
    sha256 = content_hash(file.path)
    copy = folder / f"{sha256}.wav"
    if not copy.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(folder, error) from None
        decode_to(copy, file, _unchanged(file.path, sha256, decoder(file)), progress)
    return copy


def _unchanged(path: Path, sha256: str, blocks: Iterator[Numbers]) -> Iterator[Numbers]:
    """The blocks that are decoded from a file, if it stays what it was until the last of them.

    Raises:
        AudioFileError: it did not, so that its copy would have another's name.
    """
    yield from blocks
    if content_hash(path) != sha256:
        raise AudioFileError(f"{shown(path)} changed while it was decoded; wait and open it again")


@functools.cache
def _temporary_folder() -> Path:
    """A folder of this process alone that is removed when it ends."""
    scratch = Scratch()
    owner = os.getpid()

    def remove() -> None:
        # A forked child inherits this duty, but not the folder.
        if os.getpid() == owner:
            scratch.close()

    atexit.register(remove)
    return scratch.path

"""Writing recordings: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

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
from qwen_audio_agent.audio.hidden_file import HiddenFile, disk_error, is_full
from qwen_audio_agent.audio.media import MediaSink, import_av
from qwen_audio_agent.audio.mp3_sink import Mp3Sink
from qwen_audio_agent.audio.tags.files import write_tags
from qwen_audio_agent.audio.tags.values import DAMAGED, Tags
from qwen_audio_agent.errors import AudioFileError, QwenAudioAgentError


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
        tags: what the file says about its sound, with times in its own frames; or texts by name
            (title, artist, album, ...). What the container has no place for is left out.
        bit_rate: bits per second of mp3, AAC, Vorbis or Opus; None is the encoder's choice.
        check: is given the hidden file when it is complete; what it raises keeps the file from
            appearing.

    Raises:
        AudioFileError: on entry, an unknown suffix, a folder that cannot be written, or a format
            that does not hold such sound; on exit, no sound was written, or tags that cannot be.
        DiskError: on entry, no room at all; on exit, not all of it fitted.
    """

    def __init__(  # noqa: PLR0913 - all that a file can be asked to be
        self,
        path: Path,
        sample_rate: int,
        num_channels: int,
        container: str | None = None,
        subtype: str | None = None,
        tags: Tags | Mapping[str, str] | None = None,
        check: Callable[[Path], None] | None = None,
        bit_rate: int | None = None,
    ) -> None:
        self._path = Path(path)
        self._check = check
        container = container or container_for(self._path)
        subtype = subtype or usual_subtype(self._path, container)
        if not isinstance(tags, Tags):
            tags = Tags.of(tags or {})
        if tags.sample_rate != sample_rate and (tags.chapters or tags.timed):
            raise ValueError(
                f"times of tags are frames at {sample_rate} Hz, not {tags.sample_rate}"
            )
        tags = replace(tags, sample_rate=sample_rate)
        self._coding = Coding(container, subtype, sample_rate, num_channels, tags, bit_rate)
        self._num_frames = 0

    def __enter__(self) -> Self:
        try:
            self._target = _target_of(self._path)
            self._hidden = HiddenFile(self._target.parent)
        except (OSError, ValueError, RuntimeError) as error:
            raise _refusal(self._path, error) from None
        with ExitStack() as stack:
            stack.enter_context(self._hidden)
            try:
                if self._coding.container == "MP4":
                    import_av(self._path)
                self._sink = _open_sink(self._hidden.path, self._coding)
            except OSError as error:
                raise disk_error(self._path, error) from None
            self._stack = stack.pop_all()
        return self

    def write(self, samples: Numbers) -> None:
        """Append a block.

        Args:
            samples: (channels, frames) float32 or float64 in [-1, 1], rounded and clipped to the
                numbers of the file, or the file's own numbers, which are written as they are.

        Raises:
            DiskError: the disk is full, or takes no more.
            AudioFileError: the file is too large for its format.
            ValueError: another number of channels or another type, or not finite.
        """
        if samples.ndim != 2 or samples.shape[0] != self._coding.num_channels:
            raise ValueError(
                f"a block is ({self._coding.num_channels}, frames), not {samples.shape}"
            )
        try:
            self._sink.write(to_dtype(samples, self._coding.subtype))
        except (OSError, AssertionError, soundfile.LibsndfileError) as error:
            raise disk_error(self._path, error) from None
        self._num_frames += samples.shape[1]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            try:
                self._sink.close()
                if kind is None:
                    self._finish()
            except (OSError, AssertionError, soundfile.LibsndfileError) as failure:
                if kind is None:
                    raise disk_error(self._path, failure) from None

    def _finish(self) -> None:
        if self._num_frames == 0:
            raise AudioFileError(f"{shown(self._path)} is not written: there is no sound to write")
        if self._check:
            self._check(self._hidden.path)
        if self._coding.tags:
            try:
                write_tags(self._hidden.path, self._coding, self._num_frames)
            except DAMAGED as error:
                raise AudioFileError(
                    f"the tags of {shown(self._path)} cannot be written "
                    f"({' '.join(str(error).split())[:100]}); write it with other tags, or none"
                ) from error
        self._hidden.take_name(self._target)


def check_output(path: Path, coding: Coding | None = None) -> None:
    """Refuse a file that cannot be written, before hours of work go into what it is to hold.

    Args:
        path: its name.
        coding: how its sound would be coded; None where that is not known yet.

    Raises:
        AudioFileError: an unknown suffix, one whose encoder is not installed, something that is not
            a file, a folder that is missing or cannot be written, or a format that does not hold
            such sound.
        DiskError: the disk is full.
    """
    if container_for(path) == "MP4":
        import_av(path)
    try:
        # Asking for the permission would not see a read-only disk; trying does. So it is with what
        # a format holds, which only its encoder knows.
        with HiddenFile(_target_of(path).parent) as hidden:
            if coding:
                _open_sink(hidden.path, coding).close()
    except (OSError, ValueError, RuntimeError) as error:
        raise _refusal(path, error) from None


def _open_sink(path: Path, coding: Coding) -> SoundFileSink | Mp3Sink | MediaSink:
    if coding.container == "MP4":
        return MediaSink(path, coding)
    return Mp3Sink(path, coding) if coding.container == "MP3" else SoundFileSink(path, coding)


def _target_of(path: Path) -> Path:
    """The file behind a symbolic link, which is written in place of the link."""
    target = path.resolve()
    try:
        path.parent.stat()  # "none/../a.wav" is resolved even where there is no folder "none"
    except OSError as error:
        raise _refusal(path, error) from None
    if target.exists() and not target.is_file():
        raise AudioFileError(f"{shown(path)} is not a file; choose another name")
    return target


def _refusal(path: Path, error: Exception) -> QwenAudioAgentError:
    """The error that a file cannot be begun: for want of room, or because of its name."""
    if is_full(error):
        return disk_error(path, error)
    reason = getattr(error, "strerror", None) or str(error)
    return AudioFileError(f"{shown(path)} cannot be written: {reason}; choose another folder")

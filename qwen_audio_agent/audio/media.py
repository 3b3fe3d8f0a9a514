"""m4a, aac, webm, mp4 and other files that only FFmpeg reads, through PyAV where it is installed.

PyAV is an optional part, imported when the first such file comes. Time 0 is the first sound of the
track: the samples that an encoder puts before the sound to start up, and those that fill its last
packet, are left out where the file says how many they are, as m4a, mp4, webm and mka do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.formats import TAGS, Coding, Numbers, shown
from qwen_audio_agent.audio.tags.mp4 import chapters_for_ffmpeg, chapters_of_ffmpeg
from qwen_audio_agent.audio.tags.values import Chapter
from qwen_audio_agent.errors import AudioFileError

if TYPE_CHECKING:
    import av

SUFFIXES: Final = frozenset(
    f".{name}"
    for names in (
        ("m4a", "m4b", "mp4", "m4v", "mov", "3gp", "aac", "ac3", "amr", "ape", "wv"),
        ("webm", "mkv", "mka", "avi", "flv", "wma", "wmv", "asf", "ts", "mpg", "mpeg"),
    )
    for name in names
)
"""Names of files that are worth the advice to install PyAV."""

# Containers that hold their sound themselves: a playlist could name other files and addresses.
_FORMATS: Final = (
    "mov,matroska,aac,asf,amr,ac3,eac3,mpegts,mpeg,mp3,avi,flv,ape,wv,tta,tak,dsf,ogg,wav,w64,"
    "aiff,au,caf,flac,voc"
)
_NAMES: Final = {"mov,mp4,m4a,3gp,3g2,mj2": "MP4", "matroska,webm": "MATROSKA"}
_FRAMES_PER_BLOCK: Final = 64
_AAC_FRAME: Final = 1024
_BITS_PER_SECOND_AND_CHANNEL: Final = 96_000
# A lower average is of much silence, or of a better encoder.
_LEAST_FOR_CHANNEL: Final = 32_000
_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1"}


def describe(path: Path) -> AudioFile:
    """What a file says about its best audio track; `num_frames` is at least 1 and a guess.

    Raises:
        AudioFileError: PyAV is not installed, or FFmpeg finds no sound in the file.
    """
    with _opened(path) as (container, stream):
        first = next(_decoded(container, stream), None)
        if first is None:
            raise AudioFileError(f"{shown(path)} holds no sound that can be decoded")
        # The first frame knows the rate; the header of an HE-AAC file states half of it.
        claimed = float(container.duration or 0) / 1e6 * first.sample_rate
        return AudioFile(
            path,
            first.sample_rate,
            len(first.layout.channels),
            max(1, round(claimed)),
            _NAMES.get(container.format.name, container.format.name.upper()),
            _subtype(stream.codec_context, first),
            _tags(container.metadata),
        )


def read_chapters(file: AudioFile) -> list[Chapter]:
    """The chapters of a file, in its frames, as they are there; none where FFmpeg finds none.

    Raises:
        AudioFileError: as `describe`.
    """
    with _opened(file.path) as (container, _):
        return list(chapters_of_ffmpeg(container.chapters(), file.sample_rate))


def bit_rate_of_aac(file: AudioFile) -> int | None:
    """Bits per second of a track, on average.

    Returns:
        None where the file does not say, and for HE-AAC, which makes more of fewer bits than what
        is written here.

    Raises:
        AudioFileError: as `describe`.
    """
    with _opened(file.path) as (_, stream):
        context = stream.codec_context
        is_he = "HE" in (context.profile or "") or context.sample_rate != file.sample_rate
        return None if is_he else stream.bit_rate or None


def is_video(file: AudioFile) -> bool:
    """Whether a file has a moving picture beside its sound; a cover is none.

    Raises:
        AudioFileError: as `describe`.
    """
    from av.stream import Disposition

    stills = Disposition.attached_pic | Disposition.timed_thumbnails
    with _opened(file.path) as (container, _):
        return any(not stream.disposition & stills for stream in container.streams.video)


def decode(file: AudioFile) -> Iterator[Numbers]:
    """The whole track in blocks, (channels, frames) in the file's own numbers.

    Raises:
        AudioFileError: the rate or the number of channels changes on the way.
    """
    with _opened(file.path) as (container, stream):
        left = _num_frames(file, stream)
        frames: list[Numbers] = []
        for frame in _decoded(container, stream):
            if (frame.sample_rate, len(frame.layout.channels)) != (
                file.sample_rate,
                file.num_channels,
            ):
                raise AudioFileError(
                    f"{shown(file.path)} changes its sample rate or its channels on the way; "
                    "convert it to wav first"
                )
            frames.append(_numbers(frame, file)[:, :left])
            left -= frames[-1].shape[1]
            if len(frames) == _FRAMES_PER_BLOCK:
                yield np.concatenate(frames, axis=1)
                frames.clear()
        if frames:
            yield np.concatenate(frames, axis=1)


class MediaSink:
    """Takes float32 blocks and codes them as AAC into an m4a or mp4 file.

    Raises:
        AudioFileError: PyAV is not installed, or AAC cannot hold such sound.
    """

    def __init__(self, path: Path, coding: Coding) -> None:
        av = import_av(path)
        if coding.num_channels not in _LAYOUTS:
            raise AudioFileError(
                f"an m4a file is written with 1 to 6 channels, not {coding.num_channels}"
            )
        self._coding = coding
        self._frame = av.AudioFrame
        self._container: Any = av.open(str(path.absolute()), "w", format="ipod")
        if coding.tags.chapters:
            self._container.set_chapters(chapters_for_ffmpeg(coding.tags))
        self._stream = self._container.add_stream(
            "aac", rate=coding.sample_rate, layout=_LAYOUTS[coding.num_channels]
        )
        for_channel = _BITS_PER_SECOND_AND_CHANNEL
        if coding.bit_rate is not None:
            for_channel = max(coding.bit_rate // coding.num_channels, _LEAST_FOR_CHANNEL)
        self._stream.bit_rate = for_channel * coding.num_channels
        try:
            self._stream.codec_context.open()
        except av.FFmpegError:
            self._container.close()
            raise AudioFileError(
                f"AAC does not hold {coding.sample_rate} Hz; write 8, 16, 22.05, 24, 32, 44.1, 48 "
                "or 96 kHz, or another format"
            ) from None
        self._rest: Numbers = np.zeros((coding.num_channels, 0), np.float32)
        self._num_frames = 0

    def write(self, numbers: Numbers) -> None:
        """Append (channels, frames) float32.

        Raises:
            OSError: the disk is full.
        """
        pending = np.concatenate([self._rest, numbers], axis=1)
        whole = pending.shape[1] // _AAC_FRAME * _AAC_FRAME
        for start in range(0, whole, _AAC_FRAME):
            self._encode(pending[:, start : start + _AAC_FRAME])
        self._rest = pending[:, whole:]

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: the disk is full.
        """
        try:
            if self._rest.shape[1]:
                self._encode(self._rest)
            if self._num_frames:
                self._mux(None)
        finally:
            with _as_os_error():
                self._container.close()

    def _encode(self, numbers: Numbers) -> None:
        frame = self._frame.from_ndarray(
            np.ascontiguousarray(numbers), "fltp", _LAYOUTS[self._coding.num_channels]
        )
        frame.sample_rate = self._coding.sample_rate
        frame.pts = self._num_frames
        self._num_frames += numbers.shape[1]
        self._mux(frame)

    def _mux(self, frame: av.AudioFrame | None) -> None:
        with _as_os_error():
            self._container.mux(self._stream.encode(frame))


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Tell a failed writing as what it is: FFmpeg's errors are of a dozen kinds."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror) from None


def import_av(path: Path) -> ModuleType:
    """PyAV, which reads and writes `path`.

    Raises:
        AudioFileError: it is not installed.
    """
    try:
        import av
    except ImportError:
        raise AudioFileError(
            f"{shown(path)} needs PyAV, which is not installed; "
            "for m4a, aac, webm, mp4 and video run: pip install 'qwen-audio-agent[media]'"
        ) from None
    return av


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.AudioStream]]:
    av = import_av(path)
    try:
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
        # Tags of old programs, and of damaged files, are in any encoding.
        name = f"file:{path.absolute()}"
        with av.open(name, options=options, metadata_errors="replace") as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise AudioFileError(f"{shown(path)} holds no audio track; give a sound file")
            yield container, stream
    except av.FFmpegError as error:
        raise AudioFileError(
            f"{shown(path)} cannot be read as sound ({error.strerror}); "
            "give a wav, flac, ogg, opus, mp3, m4a or another sound file"
        ) from None


def _decoded(
    container: av.container.InputContainer, stream: av.AudioStream
) -> Iterator[av.AudioFrame]:
    """The frames up to the end or the first damage."""
    import av

    try:
        yield from container.decode(stream)
    except (av.FFmpegError, IndexError):  # the latter where damage looks like one more track
        return


def _num_frames(file: AudioFile, stream: av.AudioStream) -> int:
    """Where the sound ends inside the last packet: mp4 states it to the frame, others do not."""
    if file.container == "MP4" and stream.duration is not None and stream.time_base is not None:
        return round(stream.duration * stream.time_base * file.sample_rate)
    return 2**62


def _subtype(codec_context: av.AudioCodecContext, frame: av.AudioFrame) -> str:
    codec = codec_context.codec
    if not codec.lossless or codec.lossy:
        return str(codec.canonical_name).upper()
    if frame.format.name.startswith(("flt", "dbl")):
        return "FLOAT" if frame.format.name.startswith("flt") else "DOUBLE"
    return "PCM_16" if frame.format.bits <= 16 else "PCM_32"


def _numbers(frame: av.AudioFrame, file: AudioFile) -> Numbers:
    """A frame as (channels, frames) in the dtype of the file."""
    numbers: Numbers = frame.to_ndarray()
    if not frame.format.is_planar:
        numbers = numbers.reshape(-1, file.num_channels).T
    if numbers.dtype == np.uint8:
        numbers = (numbers.astype(np.int16) - 128) << 8
    if numbers.dtype.kind == "i" and file.dtype.kind == "f":
        return (numbers / 2.0 ** (8 * numbers.dtype.itemsize - 1)).astype(file.dtype)
    return numbers.astype(file.dtype, copy=False)


def _tags(metadata: dict[str, str]) -> dict[str, str]:
    lower = {name.lower(): text for name, text in metadata.items()}
    lower["tracknumber"] = lower.get("track", "")
    return {name: lower[name] for name in TAGS if lower.get(name)}

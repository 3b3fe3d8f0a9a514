"""What containers hold: their names, the numbers inside, and exact conversion between numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.audio.tags.values import Tags
from qwen_audio_agent.errors import AudioFileError

Numbers = NDArray[Any]
"""(channels, frames) in the numbers of a file: int16, int32, float32 or float64.

Integers fill their type from the top: 24 bits lie in the upper three bytes of an int32.
"""

TAGS: Final = (
    "title",
    "artist",
    "album",
    "tracknumber",
    "date",
    "genre",
    "comment",
    "copyright",
    "license",
    "software",
)
"""The tags that are carried from file to file, where the containers have a place for them."""

MAX_CHANNELS: Final = 64
MIN_SAMPLE_RATE: Final = 4_000
MAX_SAMPLE_RATE: Final = 768_000

# Floats are full scale at 1, in a few programs at 2 ** 31; beyond is damage, whose squares would
# overflow in every measurement.
_LOUDEST: Final = 2.0**32

_BITS: Final = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "ULAW": 16,
    "ALAW": 16,
    "ALAC_16": 16,
    "ALAC_20": 20,
    "ALAC_24": 24,
    "ALAC_32": 32,
}
_COMPANDED: Final = ("ULAW", "ALAW")
_BY_SUFFIX: Final = {
    ".wav": ("WAV", "PCM_16"),
    ".wave": ("WAV", "PCM_16"),
    ".rf64": ("RF64", "PCM_16"),
    ".w64": ("W64", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".oga": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aif": ("AIFF", "PCM_16"),
    ".aiff": ("AIFF", "PCM_16"),
    ".au": ("AU", "PCM_16"),
    ".caf": ("CAF", "PCM_16"),
    ".m4a": ("MP4", "AAC"),
    ".mp4": ("MP4", "AAC"),
}
SUFFIXES: Final = frozenset(_BY_SUFFIX)
"""How the names of files end that can be written."""
_USUAL_SUBTYPE: Final = {
    "OGG": "VORBIS",
    "MP3": "MPEG_LAYER_III",
    "MP4": "AAC",
}


def shown(path: Path) -> str:
    """A file name for a message: quoted, on one line, whatever characters it has."""
    return repr(str(path))


@dataclass(frozen=True, slots=True)
class Coding:
    """How a new file codes its sound.

    Attributes:
        container: "WAV", "FLAC", "OGG", "MP3", "MP4", ...
        subtype: "PCM_16", "PCM_24", "FLOAT", "VORBIS", "AAC", ...
        sample_rate: frames per second, in Hz.
        num_channels: 1 or more.
        tags: with times in frames of the new file.
        bit_rate: bits per second of mp3, AAC, Vorbis or Opus; None is the encoder's choice.
    """

    container: str
    subtype: str
    sample_rate: int
    num_channels: int
    tags: Tags = field(default_factory=Tags)
    bit_rate: int | None = None


def container_for(path: Path) -> str:
    """The container that the suffix of `path` stands for.

    Raises:
        AudioFileError: it stands for none.
    """
    if path.suffix.lower() not in _BY_SUFFIX:
        raise AudioFileError(
            f"{shown(path)} does not say what kind of file to write; "
            f"end its name in one of {' '.join(_BY_SUFFIX)}"
        )
    return _BY_SUFFIX[path.suffix.lower()][0]


def usual_subtype(path: Path, container: str) -> str:
    """The subtype that a file of this name and container has if nobody asks for another."""
    by_suffix = _BY_SUFFIX.get(path.suffix.lower())
    if by_suffix is not None and by_suffix[0] == container:
        return by_suffix[1]
    return _USUAL_SUBTYPE.get(container, "PCM_16")


def native_dtype(subtype: str) -> np.dtype[Any]:
    """The smallest type that holds the numbers of a file unchanged; float32 for lossy codecs."""
    if subtype in _BITS:
        return np.dtype(np.int16 if _BITS[subtype] <= 16 else np.int32)
    return np.dtype(np.float64 if subtype == "DOUBLE" else np.float32)


def num_bits(subtype: str) -> int | None:
    """Significant bits of an integer subtype; None where the numbers are floats."""
    return _BITS.get(subtype)


def keeps_numbers(subtype: str) -> bool:
    """Whether a file gives back the numbers that `to_dtype` makes for it, to 24 bits at least.

    Not so with codecs, companding, and fewer bits than the type has.
    """
    if subtype in ("FLOAT", "DOUBLE"):
        return True
    return num_bits(subtype) in (16, 24, 32) and subtype not in _COMPANDED


def to_float32(numbers: Numbers) -> Samples:
    """Scale integers to [-1, 1); exact up to 24 bits, so that `from_float` gives them back."""
    if numbers.dtype.kind == "i":
        full_scale = np.float32(2.0 ** (8 * numbers.dtype.itemsize - 1))
        scaled: Samples = numbers.astype(np.float32) / full_scale
        return scaled
    return numbers.astype(np.float32, copy=False)


def from_float(samples: Numbers, bits: int) -> Numbers:
    """Round floats to integers of `bits` bits; what lies beyond full scale is clipped.

    The scale is 2 ** (bits - 1), the inverse of `to_float32`, so integers survive the way through
    float32 up to 24 bits. No dither is added, which would change sound that nobody edited.

    Args:
        samples: float32 or float64 (channels, frames).
        bits: 1 to 32; up to 16 give int16, more give int32, filled from the top.
    """
    full_scale = 2.0 ** (bits - 1)
    # float32 cannot hold the largest integer of more than 24 bits, the upper limit of the clipping.
    wide = samples.astype(np.float64) if bits > 24 else samples
    scaled = np.rint(wide * wide.dtype.type(full_scale))
    clipped = np.clip(scaled, -full_scale, full_scale - 1)
    if bits <= 16:
        return clipped.astype(np.int16) << (16 - bits)
    return clipped.astype(np.int32) << (32 - bits)


def to_dtype(numbers: Numbers, subtype: str) -> Numbers:
    """Bring numbers of any supported type to those that a file of `subtype` holds.

    Widening is exact; narrowing rounds to the nearest and clips.

    Raises:
        ValueError: not int16, int32, float32 or float64, or not finite.
    """
    if numbers.dtype not in (np.int16, np.int32, np.float32, np.float64):
        raise ValueError(f"samples are int16, int32, float32 or float64, not {numbers.dtype}")
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise ValueError("samples to be written must be finite numbers, and these are not")
    target, bits = native_dtype(subtype), num_bits(subtype)
    if numbers.dtype == target:
        return numbers
    if numbers.dtype.kind == "i":
        if target == np.int32:
            return numbers.astype(np.int32) << 16
        floats = numbers / 2.0 ** (8 * numbers.dtype.itemsize - 1)
        return floats.astype(target) if bits is None else from_float(floats, bits)
    return numbers.astype(target) if bits is None else from_float(numbers, bits)


def refuse_no_sound(numbers: Numbers, path: Path, start: int, sample_rate: int) -> None:
    """Refuse floats that are no sound: they would spread through every filter after them.

    Args:
        numbers: (channels, frames) read from `path`, beginning at frame `start`.
        path: named in the message.
        start: frame of the first column.
        sample_rate: frames per second, in Hz.

    Raises:
        AudioFileError: one of them is infinite, not a number or absurdly large; it says where.
    """
    if numbers.dtype.kind != "f":
        return
    # Not `>`: a comparison with what is not a number is false.
    is_sound = np.abs(numbers) <= _LOUDEST
    if not is_sound.all():
        column = int(np.argmin(is_sound.all(axis=0)))
        frame = start + column
        raise AudioFileError(
            f"{shown(path)} holds {np.abs(numbers[:, column]).max():g} at frame {frame} "
            f"({frame / sample_rate:.3f} s), which is no sound; "
            "repair it or cut that place out in another program"
        )

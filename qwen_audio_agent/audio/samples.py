"""Sound in memory: float samples with their rate, and spans of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""float32 (channels, frames), nominally in [-1, 1]."""

_BLOCK_FRAMES: Final = 65536
# Channels cancel each other where their mean has less than this of their power for so long.
_CANCELLED: Final = 0.1
_CANCELLED_S: Final = 0.05
_EVERY: Final = 8  # frame tells enough of the power


def frame_at(seconds: float, sample_rate: int) -> int:
    """Turn a time into the nearest frame; the only place where seconds become frames.

    Args:
        seconds: time from the start, >= 0.
        sample_rate: frames per second, in Hz.

    Raises:
        ValueError: a negative or non-finite time.
    """
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"a time is a finite number of seconds >= 0, not {seconds!r}")
    return round(Fraction(seconds) * sample_rate)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Frames [start, end): the end is not inside."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, not [{self.start}, {self.end})")

    @classmethod
    def from_seconds(cls, start: float, end: float, sample_rate: int) -> Span:
        """Frames from `start` to `end`, both in seconds."""
        return cls(frame_at(start, sample_rate), frame_at(end, sample_rate))

    @property
    def num_frames(self) -> int:
        return self.end - self.start

    def seconds(self, sample_rate: int) -> tuple[float, float]:
        """Start and end in seconds at `sample_rate` Hz."""
        return self.start / sample_rate, self.end / sample_rate


def united(spans: Iterable[Span]) -> list[Span]:
    """The same frames as spans in order of time that neither touch nor overlap."""
    apart: list[Span] = []
    for span in sorted(spans):
        if apart and span.start <= apart[-1].end:
            apart[-1] = Span(apart[-1].start, max(span.end, apart[-1].end))
        else:
            apart.append(span)
    return apart


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A stretch of sound in memory.

    Attributes:
        samples: float32 (channels, frames), nominally in [-1, 1]; read-only.
        sample_rate: frames per second, in Hz.
    """

    samples: Samples
    sample_rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise ValueError(
                "samples are float32 (channels, frames), not "
                f"{self.samples.dtype} {self.samples.shape}"
            )
        if self.sample_rate < 1:
            raise ValueError(f"a sample rate is at least 1 Hz, not {self.sample_rate}")
        view = self.samples.view()
        view.flags.writeable = False
        object.__setattr__(self, "samples", view)

    @property
    def num_channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def num_frames(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.sample_rate

    def slice(self, span: Span) -> Audio:
        """The frames of `span`, as a view."""
        return Audio(self.samples[:, span.start : span.end], self.sample_rate)

    def to_mono(self) -> Audio:
        """The mean of the channels, (1, frames)."""
        if self.num_channels == 1:
            return self
        return Audio(to_mono(self.samples), self.sample_rate)

    def audible_mono(self) -> Audio:
        """One channel for an ear, (1, frames): nothing is lost that a channel has.

        It is the mean of the channels, but where they cancel each other, as in front of a wire that
        is swapped, the loudest of them.
        """
        if self.num_channels == 1:
            return self
        mono = to_mono(self.samples)
        step = max(1, round(_CANCELLED_S * self.sample_rate / _EVERY)) * _EVERY
        starts = np.arange(0, self.num_frames, step)
        if len(starts):
            some = (x[::_EVERY] for x in (*self.samples, mono[0]))
            *energies, mean = (np.add.reduceat(np.square(x), starts // _EVERY) for x in some)
            channels = np.array(energies)
            for i in np.flatnonzero(mean < _CANCELLED * channels.mean(axis=0)):
                part = slice(starts[i], starts[i] + step)
                mono[0, part] = self.samples[channels[:, i].argmax(), part]
        return Audio(mono, self.sample_rate)


def in_blocks(sound: Audio | Iterable[Audio]) -> Iterator[Audio]:
    """The consecutive blocks of a sound; one in memory is cut into some."""
    if not isinstance(sound, Audio):
        yield from sound
        return
    for start in range(0, sound.num_frames, _BLOCK_FRAMES):
        yield sound.slice(Span(start, start + _BLOCK_FRAMES))


def to_mono(samples: Samples) -> Samples:
    """The mean of the channels, (1, frames).

    Taken channel by channel: samples read from a file lie frame by frame, and there numpy's own
    mean takes twenty times as long.
    """
    mean: Samples = reduce(np.add, samples)[np.newaxis] / np.float32(len(samples))
    return mean

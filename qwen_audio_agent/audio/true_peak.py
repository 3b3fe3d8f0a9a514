"""Peaks between the samples, looked for only where there can be any.

    between two samples   |y| <= the higher of the two + `BEND` x the largest second difference near

Speech bends little between its samples, so all but some thousandths of it need no other points.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from qwen_audio_agent.audio.resampling import resample
from qwen_audio_agent.audio.samples import Audio, Samples, Span

CELL: Final = 64
"""Frames whose points between samples are looked at together, or not at all."""

BEND: Final = 0.8
"""How far a point can stand above its two samples, in second differences of the samples around it.

What an interpolating filter adds to the line between two samples is a sum of second differences;
their weights, absolute, add up to 0.55 for soxr's and to 0.77 for those of the limiter.
"""

_CONTEXT: Final = 2 * CELL  # soxr's filter is no longer to either side
_NEAR: Final = 4 * _CONTEXT  # two resamplings cost more than the sound between them


def cells_above(samples: Samples, level: float, reach: int) -> NDArray[np.bool_]:
    """Which cells may have a point above a level, between their samples or beside them.

    Args:
        samples: (channels, frames), one frame or more. Beyond them silence is assumed, which in
            the middle of a sound flags cells at the ends that need not be.
        level: 1 is full scale.
        reach: frames to either side that a point between samples is computed from.

    Returns:
        (cells,), each of `CELL` frames, of which the last may have fewer.
    """
    num_frames = samples.shape[1]
    starts = np.arange(0, num_frames, CELL)
    steps = np.empty((len(samples), num_frames + 1), np.float32)
    steps[:, 0], steps[:, -1] = samples[:, 0], -samples[:, -1]
    np.subtract(samples[:, 1:], samples[:, :-1], out=steps[:, 1:-1])
    bends = steps[:, 1:] - steps[:, :-1]
    # What bends between the silence and the ends.
    ends = max(np.abs(steps[:, 0]).max(), np.abs(steps[:, -1]).max())
    peaks = np.maximum.reduceat(reduce(np.maximum, np.abs(samples)), starts)
    bent = np.maximum.reduceat(reduce(np.maximum, np.abs(bends, out=bends)), starts)
    bent[[0, -1]] = np.maximum(bent[[0, -1]], ends)
    around = 2 * -(-(reach + 1) // CELL) + 1
    highest = maximum_filter1d(peaks, 3) + BEND * maximum_filter1d(bent, around)
    above: NDArray[np.bool_] = highest > level
    return above


class TruePeakMeter:
    """Measures the highest peak of blocks as they pass, between the samples too.

    Points are looked at for four times the rate below 96 kHz, for twice the rate below 192 kHz.

    Args:
        sample_rate: in Hz.
        num_channels: of every block.

    Source: ITU-R BS.1770-4, annex 2.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._rate = sample_rate
        self._factor = 4 if sample_rate < 96_000 else 2 if sample_rate < 192_000 else 1
        # What is still to be looked at, behind as much context, which is silence at first.
        self._pending: Samples = np.zeros((num_channels, _CONTEXT), np.float32)
        self._highest = 0.0

    def push(self, samples: Samples) -> None:
        """Take the next (channels, frames) float32."""
        # The samples themselves count too, which the filter may just miss.
        self._highest = max(self._highest, samples.max(initial=0), -samples.min(initial=0))
        self._pending = np.concatenate([self._pending, samples], axis=1)
        if self._pending.shape[1] > 2 * _CONTEXT:
            self._highest = self._highest_of(self._pending)
            self._pending = self._pending[:, -2 * _CONTEXT :].copy()

    @property
    def peak(self) -> float:
        """The highest so far; 1 is full scale."""
        ending = np.pad(self._pending, ((0, 0), (0, _CONTEXT)))
        return float(self._highest_of(ending))

    def _highest_of(self, window: Samples) -> float:
        """The highest of what passed and a window, of which the ends are context only."""
        highest, length = self._highest, window.shape[1]
        if self._factor == 1:
            return highest
        cells = np.flatnonzero(cells_above(window, highest, _CONTEXT))
        for span in _runs(cells, Span(_CONTEXT, length - _CONTEXT)):
            around = window[:, span.start - _CONTEXT : span.end + _CONTEXT]
            points = resample(Audio(around, self._rate), self._factor * self._rate).samples
            inside = points[:, _CONTEXT * self._factor : -_CONTEXT * self._factor]
            highest = max(highest, inside.max(initial=0), -inside.min(initial=0))
        return highest


def _runs(cells: NDArray[np.intp], inside: Span) -> Iterator[Span]:
    """The frames of cells, and of what lies between near ones, as far as they are inside."""
    if not len(cells):
        return
    breaks = np.flatnonzero(np.diff(cells) > math.ceil(_NEAR / CELL))
    firsts, lasts = cells[np.append(0, breaks + 1)], cells[np.append(breaks, len(cells) - 1)]
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        start, end = max(first * CELL, inside.start), min((last + 1) * CELL, inside.end)
        if start < end:
            yield Span(start, end)

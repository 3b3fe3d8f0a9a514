"""Limiter: no peak, between the samples too, stands above a ceiling."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from qwen_audio_agent.audio.levels import ratio
from qwen_audio_agent.audio.samples import Samples, Span
from qwen_audio_agent.audio.true_peak import CELL, cells_above
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import Effect, OpenBlocks, setting, with_context

OVERSAMPLING = 8
"""Points looked at for each sample. ITU-R BS.1770-4, annex 2, asks for 4; a meter that looks at
other points than these reads at most 0.04 dB more below half of Nyquist, 0.17 dB at Nyquist."""

TAPS = 256
"""Samples that a point between them is computed from."""

EDGES = (1.0, 0.956)
"""Where the interpolating filters end, relative to Nyquist. Meters differ by up to 1 dB by whether
theirs keeps the edge of the spectrum; what stays below the ceiling here does so in either."""

STANDARD_TAPS = (
    (0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875,
     0.1373291015625, 0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250,
     0.0148925781250, -0.0083007812500),
    (-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500,
     0.4650878906250, 0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625,
     0.0330810546875, -0.0189208984375),
)  # fmt: skip
"""The filter of many meters; the other two of its four points are the mirror of these. Source:
ITU-R BS.1770-4, annex 2."""

FEW_TAPS = 16
FEW_POINTS = 4
LIKELY = 0.7
"""Only where a coarse filter sees so much of the ceiling the fine ones look too."""

STEADY = 1.002
"""How high a point can stand on a level that does not change: so much the standard filter adds."""

REACH_MS = 5.0
"""The gain falls over this time before a peak and rises over the same time after it."""

ROUNDS = 3
"""A gain that moves makes new peaks between samples; the further rounds are for them."""

HEADROOM = ratio(-0.1)
"""What the limiter stays below the ceiling: for what is between its points, and for the rounding to
16 bits."""


@dataclass(frozen=True, slots=True)
class Limiter(Effect):
    r"""Lower the gain around each peak above the ceiling; everything else stays bit for bit.

        ---------- ceiling        ----------
        _/|\__/\__          ->    _/'\__/\__

    All channels get the same gain. It falls before a peak and rises after it within 2 x `REACH_MS`.

    Attributes:
        true_peak_db: ceiling of the peaks, between samples too, in dBTP.
    """

    name: ClassVar[EffectName] = "limiter"
    true_peak_db: float = setting(-1.0, -20, 0, "dBTP")

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        return limited(open_blocks(), ratio(self.true_peak_db), sample_rate, num_channels)


def limited(
    blocks: Iterator[Samples],
    ceiling: float,
    sample_rate: int,
    num_channels: int,
    gain: float = 1.0,
) -> Iterator[Samples]:
    """Stream blocks, first multiplied by `gain`, with no peak above `ceiling` (1 is full scale)."""
    reach = max(1, round(REACH_MS / 1000 * sample_rate))
    context = 2 * ROUNDS * (reach + TAPS)
    for window in with_context(blocks, sample_rate, context, num_channels):
        # A copy: the two ends belong to the neighbours too, who read them as they are here.
        louder = window * np.float32(gain)
        for _ in range(ROUNDS):
            if not limit(louder, ceiling * HEADROOM, reach):
                break
        yield louder[:, context : louder.shape[1] - context]


def highest_peak(
    blocks: Iterator[Samples], ceiling: float, sample_rate: int, num_channels: int
) -> float:
    """The highest peak, between samples too, if it stands above `ceiling`; else 0."""
    highest = 0.0
    for window in with_context(blocks, sample_rate, TAPS, num_channels):
        needed = needed_gains(window, ceiling)[1]
        highest = max(highest, ceiling / needed.min(initial=math.inf))
    return highest


def limit(samples: Samples, ceiling: float, reach: int) -> bool:
    """Bring peaks down to `ceiling`, in place; whether there were any."""
    at, needed = needed_gains(samples, ceiling)
    for span in _spans_around(at, 2 * reach, samples.shape[1]):
        inside = slice(*np.searchsorted(at, (span.start, span.end)))
        gain = np.ones(span.num_frames)
        gain[at[inside] - span.start] = needed[inside]
        # The lowest gain around, held so long that the smoothing below never rises above it.
        held = minimum_filter1d(gain, 2 * reach + 1)
        lowered = 1 - held
        for size in _box_sizes(2 * reach + 1):
            lowered = uniform_filter1d(lowered, size, mode="constant")
        samples[:, span.start : span.end] *= (1 - np.maximum(lowered, 0)).astype(np.float32)
    return bool(len(at))


def needed_gains(samples: Samples, ceiling: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The frames beside which a peak stands above `ceiling`, in order, and the gains they need."""
    at = _likely(samples, ceiling)
    if not len(at):
        return at, np.empty(0)
    half = TAPS // 2
    padded = np.pad(samples, ((0, 0), (half, half)))
    highest = np.zeros(len(at), np.float32)
    for channel in padded:
        # The points between frame k - 1 and frame k, both included.
        points = _interpolators() @ sliding_window_view(channel, TAPS)[at].T
        np.maximum(highest, points.max(axis=0), out=highest)
        np.maximum(highest, -points.min(axis=0), out=highest)
    high = highest > ceiling
    needed = np.ones(samples.shape[1] + 1)
    needed[at[high]] = ceiling / highest[high]
    needed = np.minimum(needed[:-1], needed[1:])
    frames = np.flatnonzero(needed < 1)
    return frames, needed[frames]


def _likely(samples: Samples, ceiling: float) -> NDArray[np.intp]:
    """Every k with a peak near the ceiling, or above it, between frames k - 1 and k; in order."""
    num_frames = samples.shape[1]
    loud = np.flatnonzero(cells_above(samples, ceiling / STEADY, TAPS // 2))
    if not len(loud):
        return np.empty(0, np.intp)
    before = FEW_TAPS // 2
    padded = np.pad(samples, ((0, 0), (before, before + CELL)))
    around = sliding_window_view(padded, CELL + FEW_TAPS - 1, axis=1)[:, loud * CELL]
    points = around.reshape(-1, around.shape[2]) @ _coarse_interpolators()
    points = points.reshape(len(samples), len(loud), FEW_POINTS - 1, CELL)
    # Two comparisons are cheaper than absolute values.
    limit = np.float32(ceiling * LIKELY)
    above = (points.max(axis=2) > limit) | (points.min(axis=2) < -limit)
    # The points at both ends are the samples themselves.
    high = np.abs(around[:, :, before - 1 : before + CELL]) > limit
    found = np.logical_or.reduce(above | high[..., :-1] | high[..., 1:])
    at = (loud[:, None] * CELL + np.arange(CELL))[found]
    inside: NDArray[np.intp] = at[at <= num_frames]
    return inside


@cache
def _interpolators() -> NDArray[np.float32]:
    standard = np.array(STANDARD_TAPS, np.float32)
    around = ((TAPS - standard.shape[1]) // 2,) * 2
    short = np.pad(np.vstack([standard, standard[:, ::-1]]), ((0, 0), around))
    return np.vstack([*(_sincs(TAPS, OVERSAMPLING, edge) for edge in EDGES), short])


@cache
def _coarse_interpolators() -> NDArray[np.float32]:
    """Weights of the samples around a cell for all points in it that lie between samples.

    (samples, points x frames): one large product is faster than a copy of the samples for each.
    """
    between = _sincs(FEW_TAPS, FEW_POINTS, 1.0)[1:-1]
    weights = np.zeros((CELL + FEW_TAPS - 1, len(between), CELL), np.float32)
    for frame in range(CELL):
        weights[frame : frame + FEW_TAPS, :, frame] = between.T
    return weights.reshape(len(weights), -1)


def _sincs(num_taps: int, num_points: int, edge: float) -> NDArray[np.float32]:
    """Weights of samples for every point from one of the middle two to the other, (points, taps).

    `edge` is where the spectrum ends, relative to Nyquist.
    """
    points = np.arange(num_points + 1) / num_points
    away = np.arange(num_taps) - (num_taps // 2 - 1) - points[:, None]
    taper = np.i0(8.0 * np.sqrt(np.maximum(1 - (away / (num_taps // 2)) ** 2, 0))) / np.i0(8.0)
    weights: NDArray[np.float64] = edge * np.sinc(edge * away) * taper
    return weights.astype(np.float32)


def _spans_around(at: NDArray[np.intp], reach: int, num_frames: int) -> list[Span]:
    """The frames within `reach` of `at`, as spans that do not touch."""
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > 2 * reach + 1)
    starts = at[np.append(0, breaks + 1)] - reach
    ends = at[np.append(breaks, len(at) - 1)] + reach + 1
    pairs = zip(np.maximum(starts, 0).tolist(), np.minimum(ends, num_frames).tolist(), strict=True)
    return [Span(start, end) for start, end in pairs]


def _box_sizes(total: int) -> tuple[int, int, int]:
    """Odd lengths of three running means that together reach as far as one of length `total`."""
    third = ((total + 2) // 3 - 1) // 2 * 2 + 1
    return third, third, total + 2 - 2 * third

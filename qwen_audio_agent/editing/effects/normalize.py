"""Loudness normalisation: one gain for the whole programme, and a limiter for its peaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import resample

from qwen_audio_agent.audio.levels import ratio
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import (
    Effect,
    OpenBlocks,
    programme_lufs,
    recut,
    setting,
    with_context,
)

OVERSAMPLING = 4
"""Points between samples at which peaks are looked for. Source: ITU-R BS.1770-4, annex 2."""

LOOK_AHEAD_MS = 5.0
"""The limiter closes over this time before a peak and opens over the same time after it."""

HEADROOM = 10 ** (-0.1 / 20)
"""What the limiter stays below the ceiling, for peaks between the points that it looks at."""

ROUNDS = 3
"""How often the gain is raised for the loudness that the limiter took."""

TOLERANCE_LU = 0.1


@dataclass(frozen=True, slots=True)
class Normalize(Effect):
    r"""Bring the programme to a loudness; the gain is linear wherever the peaks allow it.

        before  -31 LUFS  _/\\__/\\/\\__        after  -16 LUFS  _/  \\__/ \\/ \\__

    The loudness of the whole is measured first, then every sample gets the same gain. Only within
    `LOOK_AHEAD_MS` of a peak above the ceiling is the gain lower, and it gets there smoothly. A
    silent programme stays as it is.

    Attributes:
        lufs: integrated loudness to reach. Source: ITU-R BS.1770-4.
        true_peak_db: ceiling of the peaks between samples, in dBTP.
    """

    name: ClassVar[EffectName] = "normalize"
    lufs: float = setting(-16.0, -70, 0, "LUFS")
    true_peak_db: float = setting(-1.0, -20, 0, "dBTP")

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        gain_db = self.lufs - programme_lufs(open_blocks(), sample_rate, num_channels)
        if not math.isfinite(gain_db):
            yield from recut(open_blocks(), sample_rate, num_channels)
            return
        for _ in range(ROUNDS):
            limited = self._limited(gain_db, open_blocks, sample_rate, num_channels)
            missing_db = self.lufs - programme_lufs(limited, sample_rate, num_channels)
            if missing_db < TOLERANCE_LU:
                break
            gain_db += missing_db
        yield from self._limited(gain_db, open_blocks, sample_rate, num_channels)

    def _limited(
        self, gain_db: float, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        ceiling = ratio(self.true_peak_db) * HEADROOM
        reach = max(1, round(LOOK_AHEAD_MS / 1000 * sample_rate))
        context = 4 * reach
        for window in with_context(open_blocks(), sample_rate, context, num_channels):
            louder = window * np.float32(ratio(gain_db))
            # Peaks between samples are less than twice as high as the samples.
            if np.abs(louder).max() > ceiling / 2:
                # A gain that moves makes new peaks between samples; the second round is for them.
                louder = louder * limiter_gain(louder, ceiling, reach)
                louder = louder * limiter_gain(louder, ceiling, reach)
            yield louder[:, context : louder.shape[1] - context]


def limiter_gain(samples: Samples, ceiling: float, reach: int) -> NDArray[np.float32]:
    """Gain, (frames,), that keeps true peaks at or below `ceiling` and changes over `reach` frames.

    Exactly 1 wherever no peak above the ceiling is within 2 x `reach` frames.
    """
    # Meters differ by up to 1 dB, by whether their filter keeps the edge of the spectrum.
    kept = resample(samples, OVERSAMPLING * samples.shape[1], axis=1)
    filtered = soxr.resample(samples.T, 1, OVERSAMPLING).T
    between = np.maximum(np.abs(kept), np.abs(filtered)).max(axis=0)
    peaks = maximum_filter1d(between, 2 * OVERSAMPLING - 1)[::OVERSAMPLING]
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, ceiling))
    # The lowest gain around, held long enough that the smoothing below never rises above it.
    held = minimum_filter1d(needed, 2 * reach + 1)
    fade = np.hanning(2 * reach + 3)[1:-1]
    lowered = np.convolve(1.0 - held, fade / fade.sum(), mode="same")
    return (1.0 - lowered).astype(np.float32)

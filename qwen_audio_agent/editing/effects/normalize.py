"""Loudness normalisation: one gain for the whole programme, and a limiter for its peaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import resample_poly

from qwen_audio_agent.audio.levels import loudness_lufs, ratio
from qwen_audio_agent.audio.samples import Audio, Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import Effect, OpenBlocks, setting, with_context

OVERSAMPLING = 4
"""Points between samples at which peaks are looked for. Source: ITU-R BS.1770-4, annex 2."""

LOOK_AHEAD_MS = 5.0
"""The limiter closes over this time before a peak and opens over the same time after it."""

HEADROOM = 10 ** (-0.05 / 20)
"""What the limiter stays below the ceiling, for peaks between the points that it looks at."""


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
        loudness = loudness_lufs(Audio(block, sample_rate) for block in open_blocks())
        gain = ratio(self.lufs - loudness) if math.isfinite(loudness) else 1.0
        ceiling = ratio(self.true_peak_db) * HEADROOM
        reach = max(1, round(LOOK_AHEAD_MS / 1000 * sample_rate))
        context = 2 * reach + 16
        for window in with_context(open_blocks(), sample_rate, context, num_channels):
            louder = window * np.float32(gain)
            if math.isfinite(loudness) and np.abs(louder).max() > ceiling / 2:
                louder = louder * limiter_gain(louder, ceiling, reach)
            yield louder[:, context:-context]


def limiter_gain(samples: Samples, ceiling: float, reach: int) -> NDArray[np.float32]:
    """Gain, (frames,), that keeps true peaks at or below `ceiling` and changes over `reach` frames.

    Exactly 1 wherever no peak above the ceiling is within 2 x `reach` frames.
    """
    between = np.abs(resample_poly(samples, OVERSAMPLING, 1, axis=1)).max(axis=0)
    peaks = maximum_filter1d(between, 2 * OVERSAMPLING - 1)[::OVERSAMPLING]
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, ceiling))
    # The lowest gain around, held long enough that the smoothing below never rises above it.
    held = minimum_filter1d(needed, 2 * reach + 1)
    fade = np.hanning(2 * reach + 3)[1:-1]
    lowered = np.convolve(1.0 - held, fade / fade.sum(), mode="same")
    return (1.0 - lowered).astype(np.float32)

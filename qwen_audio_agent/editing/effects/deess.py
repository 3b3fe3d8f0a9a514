"""De-esser: takes the edge off s, sh and z without touching the rest of the voice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import firwin, oaconvolve

from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.compress import (
    STEPS_PER_SECOND,
    follow,
    ratio_curve,
    step_levels_db,
)
from qwen_audio_agent.editing.effects.effect import (
    Effect,
    OpenBlocks,
    programme_lufs,
    recut,
    setting,
    with_context,
)

ATTACK_MS = 1.0
RELEASE_MS = 30.0

SLOPE_MS = 2.0
"""Half the length of the crossover filter; it is symmetric, so that the bands stay in step."""


@dataclass(frozen=True, slots=True)
class Deess(Effect):
    r"""Turn down the band of sibilants while it is too loud for the voice.

        above crossover  __/####\\__  ->  __/''''\\__      below: as it was

    The band above the crossover is measured against the loudness of the whole programme, so the
    same settings fit a quiet and a loud recording. What is taken away is the band's own sound,
    cut out by a symmetric filter: everything below the crossover stays untouched.

    Attributes:
        crossover_hz: where the band of sibilants starts; a recording without sound above it stays
            as it is.
        threshold_db: peaks of the band above the programme's loudness (dB re LUFS) that are left.
        reduction_db: the most that the band is turned down; 0 changes nothing.
        lufs: loudness of the programme where it is known already; None measures it first.
    """

    name: ClassVar[EffectName] = "deess"
    crossover_hz: float = setting(5000.0, 2000, 12000, "Hz")
    threshold_db: float = setting(4.0, -40, 40, "dB")
    reduction_db: float = setting(9.0, 0, 30, "dB")
    lufs: float | None = setting(None, -70, 0, "LUFS")

    @property
    def reads_twice(self) -> bool:
        """See `Effect.reads_twice`."""
        return self.reduction_db > 0 and self.lufs is None

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        step = max(1, round(sample_rate / STEPS_PER_SECOND))
        length = step * STEPS_PER_SECOND
        loudness = -math.inf
        if self.reads_twice:
            loudness = programme_lufs(open_blocks(), sample_rate, num_channels)
        elif self.reduction_db > 0 and self.lufs is not None:
            loudness = self.lufs
        if not self._applies(loudness, sample_rate):
            yield from recut(open_blocks(), length, num_channels)
            return
        reach = round(SLOPE_MS / 1000 * sample_rate)
        taps = firwin(2 * reach + 1, self.crossover_hz, pass_zero=False, fs=sample_rate)
        taps = taps[None].astype(np.float32)
        last = 0.0
        for window in with_context(open_blocks(), length, reach, num_channels):
            block = window[:, reach : window.shape[1] - reach]
            band: Samples = oaconvolve(window, taps, mode="valid", axes=1).astype(
                np.float32, copy=False
            )
            over = step_levels_db(band, step) - (loudness + self.threshold_db)
            target = -np.clip(over, 0, self.reduction_db)
            gains = follow(target, last, ATTACK_MS, RELEASE_MS)
            gain = ratio_curve(gains, last, step, block.shape[1])
            last = float(gains[-1])
            if gain is not None:
                band *= gain - 1
                yield block + band
            else:
                yield block

    def _applies(self, loudness: float, sample_rate: int) -> bool:
        below_nyquist = self.crossover_hz < 0.48 * sample_rate
        return math.isfinite(loudness) and below_nyquist

"""High-pass: takes away rumble, handling noise and a constant offset below the voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import Effect, OpenBlocks, recut, setting

ORDER = 4
"""24 dB per octave: one octave below the cutoff is gone, one above is untouched (-0.02 dB)."""


@dataclass(frozen=True, slots=True)
class Highpass(Effect):
    """Butterworth high-pass of order 4.

        level  ___________          level    ________
              |  |  |     |   ->           /
              50 80 160  Hz            50 80 160  Hz

    The filter is causal and of minimum phase: it adds no delay, only the phase that goes with its
    slope (under 0.2 ms above 500 Hz), and smears no sound to before its onset.

    Attributes:
        cutoff_hz: where the level is down by 3 dB.
    """

    name: ClassVar[EffectName] = "highpass"
    cutoff_hz: float = setting(80.0, 10, 1000, "Hz")

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        sections = butter(ORDER, self.cutoff_hz, "highpass", fs=sample_rate, output="sos")
        state = None
        for block in recut(open_blocks(), sample_rate, num_channels):
            if state is None:
                # As if the first sample had always been there: an offset starts without a thump.
                state = sosfilt_zi(sections)[:, None, :] * block[None, :, :1].astype(np.float64)
            filtered, state = sosfilt(sections, block, axis=1, zi=state)
            yield filtered.astype(np.float32)

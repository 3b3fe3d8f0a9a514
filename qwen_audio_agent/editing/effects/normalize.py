"""Loudness normalisation: one gain for the whole programme, and a limiter for its peaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from qwen_audio_agent.audio.levels import LoudnessMeter, ratio
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import (
    Effect,
    OpenBlocks,
    programme_lufs,
    recut,
    setting,
)
from qwen_audio_agent.editing.effects.limiter import limited

MONO_LUFS = -19.0
STEREO_LUFS = -16.0
"""Usual loudness of podcasts: one channel comes from two loudspeakers, 3 dB louder."""

CELLS = 20
"""Parts of a step of 0.1 s for which the work of the limiter is foretold."""

ROUNDS = 4
"""How often the gain is corrected for the loudness that the limiter took."""

MOST_RAISED_DB = 20.0
"""Beyond that a loudness cannot be reached at all."""

TOLERANCE_LU = 0.05


@dataclass(frozen=True, slots=True)
class Normalize(Effect):
    r"""Bring the programme to a loudness; the gain is linear wherever the peaks allow it.

        before  -31 LUFS  _/\\__/\\/\\__        after  -16 LUFS  _/  \\__/ \\/ \\__

    The loudness of the whole is measured first, then every sample gets the same gain. Only around a
    peak above the ceiling is the gain lower (see `Limiter`), and for what that takes the gain of
    the whole is higher. A silent programme stays as it is.

    Attributes:
        lufs: integrated loudness to reach; None is -16 for two channels and more, -19 for one.
            Source: ITU-R BS.1770-4.
        true_peak_db: ceiling of the peaks between samples, in dBTP.
    """

    name: ClassVar[EffectName] = "normalize"
    lufs: float | None = setting(None, -70, 0, "LUFS")
    true_peak_db: float = setting(-1.0, -20, 0, "dBTP")

    @property
    def reads_twice(self) -> bool:
        """See `Effect.reads_twice`."""
        return True

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        usual = MONO_LUFS if num_channels == 1 else STEREO_LUFS
        wanted = usual if self.lufs is None else self.lufs
        measured = _Measured(open_blocks(), sample_rate, num_channels)
        loudness = measured.lufs_at(0.0, math.inf)
        if not math.isfinite(loudness):
            yield from recut(open_blocks(), sample_rate, num_channels)
            return

        def louder(gain_db: float) -> Iterator[Samples]:
            ceiling = ratio(self.true_peak_db)
            return limited(open_blocks(), ceiling, sample_rate, num_channels, ratio(gain_db))

        aim = wanted
        for _ in range(ROUNDS):
            gain_db = measured.gain_for(aim, ratio(self.true_peak_db))
            # Where the limiter has little to do, what is foretold is exact; else it is heard.
            if gain_db < wanted - loudness + TOLERANCE_LU:
                break
            missing = wanted - programme_lufs(louder(gain_db), sample_rate, num_channels)
            if abs(missing) < TOLERANCE_LU:
                break
            aim += missing
        yield from louder(gain_db)


class _Measured:
    """Loudness and peaks of a programme, in cells of about 5 ms: enough to foretell a limiter."""

    def __init__(self, blocks: Iterator[Samples], sample_rate: int, num_channels: int) -> None:
        self._meter = LoudnessMeter(sample_rate, num_channels, CELLS)
        cell = self._meter.cell_frames
        peaks = [np.empty(0, np.float32)]
        for block in recut(blocks, cell * CELLS * 10, num_channels):
            self._meter.push(block)
            starts = np.arange(0, block.shape[1] // cell * cell, cell)
            if len(starts):
                whole = block[:, : len(starts) * cell]
                highest = np.maximum.reduceat(whole, starts, axis=1).max(axis=0)
                lowest = np.minimum.reduceat(whole, starts, axis=1).min(axis=0)
                peaks.append(np.maximum(highest, -lowest))
        self._peaks: NDArray[np.float64] = np.concatenate(peaks).astype(np.float64)
        self._powers = self._meter.powers

    def lufs_at(self, gain_db: float, ceiling: float) -> float:
        """Loudness after a gain and a limiter."""
        powers = self._powers * ratio(2 * gain_db)
        if math.isfinite(ceiling):
            peaks = self._peaks * ratio(gain_db)
            needed = np.minimum(1, ceiling / np.maximum(peaks, ceiling))
            powers = powers * uniform_filter1d(minimum_filter1d(needed, 3), 3) ** 2
        return self._meter.lufs_of(powers)

    def gain_for(self, lufs: float, ceiling: float) -> float:
        """The gain in dB with which the limited programme has this loudness, or nearly has it."""
        low = lufs - self.lufs_at(0.0, math.inf)
        high = low + MOST_RAISED_DB
        if lufs - self.lufs_at(low, ceiling) < 1e-3:
            return low
        while high - low > 0.01:
            middle = (low + high) / 2
            if self.lufs_at(middle, ceiling) < lufs:
                low = middle
            else:
                high = middle
        return high

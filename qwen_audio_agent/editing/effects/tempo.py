"""Tempo: faster or slower speech at its own pitch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import correlate

from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import Effect, OpenBlocks, recut, setting

HOP_MS = 10.0
"""Half the window: two neighbouring windows always overlap by this time."""

SEARCH_MS = 8.0
"""How far a window may move to fit; half a period of the deepest voices (62 Hz)."""


@dataclass(frozen=True, slots=True)
class Tempo(Effect):
    """Play at `factor` times the speed; pitch and timbre stay.

        | a | b | c | d |  -- factor 2 -->  | a'| c'|

    Waveform-similarity overlap-add: windows are taken from the input `factor` times as far apart as
    they are laid down, each moved by up to `SEARCH_MS` to continue the one before it best. Frame n
    of the output therefore sounds within 15 ms of frame n x `factor` of the input, all along.
    Source: Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA)
    for high quality time-scale modification of speech", ICASSP 1993.

    Attributes:
        factor: 0.5 is half as fast and twice as long; 1 changes nothing.
    """

    name: ClassVar[EffectName] = "tempo"
    factor: float = setting(1.0, 0.5, 2.0)

    def num_frames(self, num_frames: int) -> int:
        """See `Effect.num_frames`."""
        return round(num_frames / self.factor)

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        if self.factor == 1:
            yield from recut(open_blocks(), sample_rate, num_channels)
            return
        stretcher = _Stretcher(self.factor, sample_rate, num_channels)
        num_read = num_laid = 0
        for block in recut(open_blocks(), sample_rate, num_channels):
            laid = stretcher.push(block)
            num_read += block.shape[1]
            num_laid += laid.shape[1]
            yield laid
        missing = self.num_frames(num_read) - num_laid
        silence = math.ceil(missing * self.factor) + 4 * stretcher.reach
        yield stretcher.push(np.zeros((num_channels, silence), np.float32))[:, :missing]


class _Stretcher:
    """Lays windows of the input down one `hop` apart; `held` is the input that is still needed."""

    def __init__(self, factor: float, sample_rate: int, num_channels: int) -> None:
        self.factor = factor
        self.hop = max(2, round(HOP_MS / 1000 * sample_rate))
        self.search = max(1, round(SEARCH_MS / 1000 * sample_rate))
        self.reach = self.hop + self.search
        self.window = np.hanning(2 * self.hop + 1)[:-1].astype(np.float32)
        # Silence before the first frame, so that the first window can be centred on it.
        self.held = np.zeros((num_channels, self.reach), np.float32)
        self.held_start = -self.reach
        self.num_windows = 0
        self.last_centre = 0
        self.fading = np.zeros((num_channels, self.hop), np.float32)

    def push(self, block: Samples) -> Samples:
        """Take more input and return the output that it completes."""
        self.held = np.concatenate([self.held, block], axis=1)
        end = self.held_start + self.held.shape[1]
        laid = [self.fading[:, :0]]
        while True:
            centre = round(self.num_windows * self.hop * self.factor)
            if max(centre + self.reach, self.last_centre + 2 * self.hop) > end:
                break
            laid.append(self._lay(centre))
        done = min(centre - self.reach, self.last_centre) - self.held_start
        self.held, self.held_start = self.held[:, done:], self.held_start + done
        return np.concatenate(laid, axis=1)

    def _lay(self, centre: int) -> Samples:
        """Add the window that fits best around `centre`; return the hop before its middle."""
        first = centre - self.reach - self.held_start
        around = self.held[:, first : first + 2 * self.reach]
        move = self.search
        if self.num_windows:
            after = self.last_centre - self.held_start
            move = best_fit(around, self.held[:, after : after + 2 * self.hop])
        chosen = around[:, move : move + 2 * self.hop] * self.window
        laid = self.fading + chosen[:, : self.hop]
        self.fading = chosen[:, self.hop :]
        self.last_centre = centre + move - self.search
        self.num_windows += 1
        # The first hop lies before the first frame.
        return laid if self.num_windows > 1 else laid[:, :0]


def best_fit(around: Samples, pattern: Samples) -> int:
    """Where in `around` a stretch resembles `pattern` most, by normalised cross-correlation."""
    searched, wanted = (part.mean(axis=0, dtype=np.float64) for part in (around, pattern))
    likeness = correlate(searched, wanted, mode="valid", method="fft")
    energy = np.cumsum(np.append(0.0, searched**2))
    energy = energy[len(wanted) :] - energy[: -len(wanted)]
    return int(np.argmax(likeness / np.sqrt(np.maximum(energy, 1e-9))))

"""Hum: the tone of the mains and its harmonics go, voices stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, percentile_filter

from qwen_audio_agent.audio.hum import HIGHEST_HZ, MAX_HARMONICS, find_hum
from qwen_audio_agent.audio.samples import Audio, Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import (
    Effect,
    OpenBlocks,
    recut,
    setting,
    with_context,
)

STEPS_PER_SECOND: Final = 50
"""How often the amplitude of each tone is measured, through a window of two such steps."""

FOLLOWED_STEPS: Final = (50, 200)
"""The amplitude of the hum is the mean over 1 s, or where a voice covers that, over 4 s."""

FALLBACK: Final = 0.05
"""Weight of the longer mean beside the shorter one."""

POOLED: Final = 10
LEVEL_POOLS: Final = 41
LEVEL_PERCENTILE: Final = 20
"""The hum is as loud as a tone is in the quietest fifth of 8 s, measured in stretches of 0.2 s."""

MOST_OVER: Final = 1.5
"""What exceeds that amplitude so many times is a voice, and says nothing about the hum."""

CONTEXT_STEPS: Final = 300
CHUNK_STEPS: Final = 800


@dataclass(frozen=True, slots=True)
class Dehum(Effect):
    """Take the hum of the mains out; a recording without it stays bit for bit.

        before  ~~~~|speech|~~~~        after  ____|speech|____

    The amplitude and phase of each tone are followed in the gaps of the voice, over about a second
    before and after, and the tones that follow from them are taken away. That is a notch of 2 Hz
    that is symmetric in time, and that a voice which comes through it hardly moves.

    Attributes:
        frequency_hz: of the mains; None finds it in the programme (see `audio.hum.find_hum`).
        num_harmonics: tones that are taken out, those above 1 kHz excepted; used where a frequency
            is given.
    """

    name: ClassVar[EffectName] = "hum"
    frequency_hz: float | None = setting(None, 45, 65, "Hz")
    num_harmonics: float = setting(10.0, 1, MAX_HARMONICS)

    @property
    def reads_twice(self) -> bool:
        """See `Effect.reads_twice`."""
        return self.frequency_hz is None

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        frequency, count = self.frequency_hz, int(self.num_harmonics)
        if frequency is None:
            blocks = recut(open_blocks(), sample_rate, num_channels)
            hum = find_hum(Audio(block, sample_rate) for block in blocks)
            frequency, count = (hum.frequency_hz, hum.num_harmonics) if hum else (0.0, 0)
        highest = min(HIGHEST_HZ, 0.45 * sample_rate)
        tones = frequency * np.arange(1, count + 1)
        tones = tones[tones <= highest]
        if not len(tones):
            yield from recut(open_blocks(), sample_rate, num_channels)
            return
        step = max(2, sample_rate // STEPS_PER_SECOND)
        context, chunk = CONTEXT_STEPS * step, CHUNK_STEPS * step
        follower = _Follower(tones / sample_rate, step)
        start = 0
        for window in with_context(open_blocks(), chunk, context, num_channels):
            middle = window[:, context : window.shape[1] - context]
            hums = [follower.hum(channel, start)[context:] for channel in window]
            yield middle - np.stack(hums)[:, : middle.shape[1]]
            start += middle.shape[1]


class _Follower:
    """Finds tones of known frequency in windows of a recording.

    Args:
        cycles: per frame, of each tone.
        step: frames from one measurement to the next.
    """

    def __init__(self, cycles: NDArray[np.float64], step: int) -> None:
        self._cycles = cycles
        self._step = step
        phase = 2 * np.pi * np.outer(np.arange(-step, step), cycles)
        taper = np.hanning(2 * step + 1)[:-1, None]
        waves = np.hstack([np.cos(phase), -np.sin(phase)])
        self._analysis = (taper * waves * (2 / step)).astype(np.float32)
        self._synthesis = np.ascontiguousarray((taper * waves).T, np.float32)

    def hum(self, channel: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """The tones in a window whose first frame is number `start` of all windows' frames."""
        step = self._step
        padded = np.pad(channel, (step, -len(channel) % step + step))
        framed = sliding_window_view(padded, 2 * step)[::step]
        parts = framed @ self._analysis
        sounding: NDArray[np.bool_] = np.any(framed, axis=1)
        centres = start + step * np.arange(len(framed))
        turned = np.exp(-2j * np.pi * (np.outer(centres, self._cycles) % 1.0))
        cosines, sines = np.hsplit(parts.astype(np.float64), 2)
        steady = self._steady((cosines + 1j * sines) * turned, sounding) * turned.conj()
        # Digital silence has no hum.
        steady[~sounding] = 0
        frames = np.hstack([steady.real, steady.imag]).astype(np.float32) @ self._synthesis
        summed = np.zeros((len(frames) + 1, step), np.float32)
        summed[:-1] = frames[:, :step]
        summed[1:] += frames[:, step:]
        return summed.reshape(-1)[step:][: len(channel)]

    def _steady(
        self, amplitudes: NDArray[np.complex128], sounding: NDArray[np.bool_]
    ) -> NDArray[np.complex128]:
        """Means of complex amplitudes (steps, tones) over time, without what a voice adds."""
        size = np.abs(amplitudes)
        filled = np.pad(size, ((0, -len(size) % POOLED), (0, 0)), mode="edge")
        pools = filled.reshape(-1, POOLED, size.shape[1]).mean(axis=1)
        # Silence, also that beyond the ends, does not make the hum quiet.
        pools[pools < 1e-9] = np.inf
        level = percentile_filter(pools, LEVEL_PERCENTILE, (LEVEL_POOLS, 1), mode="nearest")
        level = np.repeat(np.where(np.isfinite(level), level, 0), POOLED, axis=0)[: len(size)]
        weights = np.minimum(1, MOST_OVER * level / np.maximum(size, 1e-12)) ** 4
        weights *= sounding[:, None]
        weighted, total = np.zeros_like(amplitudes), np.full_like(weights, 1e-12)
        for num_steps, share in zip(FOLLOWED_STEPS, (1.0, FALLBACK), strict=True):
            near = np.hanning(num_steps + 1)
            near *= share / near.sum()
            product = weights * amplitudes
            weighted += convolve1d(product.real, near, axis=0, mode="constant")
            weighted += 1j * convolve1d(product.imag, near, axis=0, mode="constant")
            total += convolve1d(weights, near, axis=0, mode="constant")
        means: NDArray[np.complex128] = weighted / total
        return means

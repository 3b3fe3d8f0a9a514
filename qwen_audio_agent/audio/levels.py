"""How loud sound is: peak, RMS, true peak, loudness, noise floor.

Every measure takes a sound in memory or its consecutive blocks, and needs constant memory for any
length, but for 8 bytes per 0.1 s (loudness) or 0.05 s (noise floor). 0 dBFS is full scale, for RMS
that of a square wave: a sine that touches full scale has -3.01 dBFS.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from qwen_audio_agent.audio.samples import Audio, Samples, in_blocks
from qwen_audio_agent.audio.true_peak import TruePeakMeter

LOUDNESS_STEP: Final = 0.1
"""Seconds from one measure of loudness to the next."""
Sound = Audio | Iterable[Audio]
"""A sound in memory, or its consecutive blocks, all of one rate and number of channels."""

_NOISE_WINDOW: Final = 0.05
_NOISE_PERCENTILE: Final = 10.0
_STEPS_PER_GATING_BLOCK: Final = 4
_STEPS_PER_SHORT_TERM: Final = 30
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0
_LOUDNESS_OFFSET: Final = -0.691
_CHANNEL_WEIGHTS: Final = {
    4: (1.0, 1.0, 1.41, 1.41),
    5: (1.0, 1.0, 1.0, 1.41, 1.41),
    6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41),
}
"""Left, right, centre, LFE, surround in the order of wav and flac; all others weigh 1.

Source: ITU-R BS.1770-4, annex 1, table 3.
"""
_TABLE_RATE: Final = 48_000
_K_WEIGHTING: Final = (
    # b0, b1, b2, then a0, a1, a2
    (1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585),
    (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621),
)
"""The shelf and the high-pass at 48 kHz. Source: ITU-R BS.1770-4, annex 1, tables 1 and 2."""
_SWAP_Z_AND_W: Final = np.array([[1, 1, 1], [2, 0, -2], [1, -1, 1]])
"""Coefficients in falling powers of z to rising powers of w = (z - 1) / (z + 1), and back."""


def decibels(ratio: float) -> float:
    """20 log10 of a ratio of amplitudes; -inf for 0."""
    return 20 * math.log10(ratio) if ratio > 0 else -math.inf


def ratio(decibels: float) -> float:
    """The ratio of amplitudes of so many decibels, the inverse of `decibels`."""
    return float(10 ** (decibels / 20))


def peak_dbfs(sound: Sound) -> float:
    """The largest sample of any channel; -inf for silence."""
    return decibels(max((_peak(block) for block in in_blocks(sound)), default=0.0))


def rms_dbfs(sound: Sound) -> float:
    """The root mean square over all channels; -inf for silence."""
    energy, count = 0.0, 0
    for block in in_blocks(sound):
        energy += float(np.square(block.samples, dtype=np.float64).sum())
        count += block.samples.size
    return decibels(math.sqrt(energy / count)) if count else -math.inf


def true_peak_dbtp(sound: Sound) -> float:
    """The largest value, between the samples too (dBTP); -inf for silence.

    See `TruePeakMeter`. Source: ITU-R BS.1770-4, annex 2.
    """
    sample_rate, blocks = _with_rate(sound)
    meter: TruePeakMeter | None = None
    for block in blocks:
        meter = meter or TruePeakMeter(sample_rate, block.num_channels)
        meter.push(block.samples)
    return decibels(meter.peak) if meter else -math.inf


def loudness_lufs(sound: Sound) -> float:
    """Integrated, gated loudness at any rate; -inf for silence and for less than 0.4 s.

    Source: ITU-R BS.1770-4, annex 1: K-weighting, blocks of 0.4 s every 0.1 s, gates at -70 LUFS
    and at 10 LU below the mean of what passes the first.
    """
    return integrated_lufs(loudness_steps(sound))


def loudness_steps(sound: Sound) -> NDArray[np.float64]:
    """The power of each 0.1 s after K-weighting, channels weighted: what loudness is made of."""
    sample_rate, blocks = _with_rate(sound)
    meter: LoudnessMeter | None = None
    for block in blocks:
        meter = meter or LoudnessMeter(sample_rate, block.num_channels)
        meter.push(block.samples)
    return meter.powers if meter else np.zeros(0)


def integrated_lufs(steps: NDArray[np.float64]) -> float:
    """The loudness of the whole, as `loudness_lufs` gives it, from its `loudness_steps`."""
    power = _sliding_mean(steps, _STEPS_PER_GATING_BLOCK)
    power = power[power > 10 ** ((_ABSOLUTE_GATE_LUFS - _LOUDNESS_OFFSET) / 10)]
    if not len(power):
        return -math.inf
    gate = power.mean() * 10 ** (_RELATIVE_GATE_LU / 10)
    return _LOUDNESS_OFFSET + 10 * math.log10(power[power > gate].mean())


class LoudnessMeter:
    """Measures the loudness of blocks as they pass; see `loudness_lufs`.

    Args:
        sample_rate: in Hz.
        num_channels: of every block.
        cells: parts that each step of 0.1 s is measured in, as far as its frames can be divided.
    """

    def __init__(self, sample_rate: int, num_channels: int, cells: int = 1) -> None:
        step = round(LOUDNESS_STEP * sample_rate)
        self.cells_per_step = next(n for n in range(min(cells, step), 0, -1) if step % n == 0)
        self.cell_frames = step // self.cells_per_step
        self._sections = _k_weighting(sample_rate)
        self._weights = _CHANNEL_WEIGHTS.get(num_channels, (1.0,) * num_channels)
        self._state = np.zeros((len(self._sections), num_channels, 2))
        self._begun_frames, self._begun_energy = 0, np.zeros(num_channels)
        self._powers = array("d")

    def push(self, samples: NDArray[np.floating[Any]]) -> None:
        """Take the next (channels, frames)."""
        # In float64, for the state is.
        filtered, self._state = sosfilt(self._sections, samples, zi=self._state)
        cell, num_frames = self.cell_frames, filtered.shape[1]
        # The end of the cell that was begun, whole cells, and the beginning of another.
        first = min(cell - self._begun_frames, num_frames) if self._begun_frames else 0
        last = first + (num_frames - first) // cell * cell
        if first:
            self._begin(filtered[:, :first])
        cells = filtered[:, first:last].reshape(len(filtered), -1, cell)
        self._add(np.einsum("cnf,cnf->cn", cells, cells))
        if last < num_frames:
            self._begin(filtered[:, last:])

    def _begin(self, filtered: NDArray[np.float64]) -> None:
        self._begun_frames += filtered.shape[1]
        self._begun_energy += np.einsum("cf,cf->c", filtered, filtered)
        if self._begun_frames == self.cell_frames:
            self._add(self._begun_energy[:, None])
            self._begun_frames, self._begun_energy = 0, np.zeros(len(filtered))

    def _add(self, energy: NDArray[np.float64]) -> None:
        self._powers.extend(self._weights @ energy / self.cell_frames)

    @property
    def powers(self) -> NDArray[np.float64]:
        """K-weighted mean square of all channels together, of every cell so far."""
        return np.array(self._powers)

    @property
    def lufs(self) -> float:
        """Integrated loudness so far."""
        return self.lufs_of(self.powers)

    def lufs_of(self, powers: NDArray[np.float64]) -> float:
        """Integrated loudness of a sound with such `powers`."""
        num_steps = len(powers) // self.cells_per_step
        cells = powers[: num_steps * self.cells_per_step].reshape(num_steps, self.cells_per_step)
        return integrated_lufs(cells.mean(axis=1))


class Meter(Protocol):
    """Measures a sound while its blocks pass."""

    def push(self, samples: Samples) -> None:
        """Take the next (channels, frames)."""


def measured(sound: Iterable[Audio], *meters: Meter) -> Iterator[Audio]:
    """The blocks of a sound as they are, each shown to all meters when it passes."""
    for block in sound:
        for meter in meters:
            meter.push(block.samples)
        yield block


def short_term_lufs(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loudness of each 3 s, every 0.1 s, from `loudness_steps`; -inf for silence.

    Value i lies in the 3 s that begin 0.1 i s after the start; a sound of less than 3 s has none.

    Source: EBU Tech 3341, section 2.2.
    """
    with np.errstate(divide="ignore"):
        return _LOUDNESS_OFFSET + 10 * np.log10(_sliding_mean(steps, _STEPS_PER_SHORT_TERM))


def noise_floor_dbfs(sound: Sound) -> float:
    """How loud it is where nobody speaks; -inf for digital silence.

    The 10th percentile of the RMS of windows of 50 ms, all channels together. Windows that are
    exactly zero were put there by a program, and do not count unless there is nothing else.
    """
    sample_rate, blocks = _with_rate(sound)
    meter = NoiseFloorMeter(sample_rate)
    for block in blocks:
        meter.push(block.samples)
    return meter.dbfs


class NoiseFloorMeter:
    """Measures the noise floor of blocks as they pass; see `noise_floor_dbfs`.

    Args:
        sample_rate: in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._width = round(_NOISE_WINDOW * sample_rate)
        self._rest: Samples | None = None
        self._powers = array("d")

    def push(self, samples: Samples) -> None:
        """Take the next (channels, frames)."""
        pending = samples if self._rest is None else np.concatenate([self._rest, samples], axis=1)
        whole = pending.shape[1] // self._width * self._width
        self._rest = pending[:, whole:].copy()  # a view would keep the block as well
        for_windows = pending[:, :whole].reshape(len(pending), -1, self._width)
        self._powers.extend(np.square(for_windows, dtype=np.float64).mean(axis=(0, 2)))

    @property
    def dbfs(self) -> float:
        """The noise floor so far; -inf for digital silence."""
        power = np.frombuffer(self._powers)
        power = power[power > 0]
        if not len(power):
            return -math.inf
        return 10 * math.log10(np.percentile(power, _NOISE_PERCENTILE))


def _sliding_mean(steps: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    if len(steps) < width:
        return np.zeros(0)
    # Not a running sum, whose rounding would show in silence behind loud sound.
    return np.convolve(steps, np.full(width, 1 / width), "valid")


@cache
def _k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """The two filters of K-weighting at any rate, as second-order sections."""
    return np.array([_at_rate(np.array(table), sample_rate) for table in _K_WEIGHTING])


def _at_rate(section: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """A second-order section for 48 kHz, moved to another rate with its corner in place.

    With z = (1 + w) / (1 - w) the section becomes a ratio of polynomials in w, the analogue filter
    of the bilinear transform. Stretching w moves the corner to where the other rate needs it.
    """
    numerator, denominator = _SWAP_Z_AND_W @ section[:3], _SWAP_Z_AND_W @ section[3:]
    corner = math.sqrt(denominator[0] / denominator[2])
    moved_corner = math.tan(math.atan(corner) * _TABLE_RATE / sample_rate)
    stretch = (corner / moved_corner) ** np.arange(3)
    moved = np.concatenate(
        [_SWAP_Z_AND_W @ (numerator * stretch), _SWAP_Z_AND_W @ (denominator * stretch)]
    )
    normalised: NDArray[np.float64] = moved / moved[3]
    return normalised


def _peak(block: Audio) -> float:
    return float(np.abs(block.samples).max(initial=0.0))


def _with_rate(sound: Sound) -> tuple[int, Iterator[Audio]]:
    """The sample rate, which only a first block knows, and all blocks."""
    blocks = in_blocks(sound)
    first = next(blocks, None)
    if first is None:
        return _TABLE_RATE, blocks
    return first.sample_rate, chain([first], blocks)

"""Denoise: background noise goes down, speech stays where and how it is.

A log-spectral amplitude estimator that, unlike one for telephones, may look ahead:

1. The noise is the mean power of the places in time and frequency that hold no speech, before and
   after. A minimum over time starts the search for them, the probability of speech of Gerkmann and
   Hendriks refines it ("Unbiased MMSE-based noise power estimation with low complexity and low
   tracking delay", IEEE TASLP 20(4), 2012; minimum: Martin, IEEE TSAP 9(5), 2001).
2. The a-priori SNR is tracked by the decision-directed rule forwards and backwards in time; their
   geometric mean opens the gain before an onset as it does after it, and lets musical noise through
   only where both agree (Ephraim and Malah, IEEE ASSP 33(2), 1985; idea of a non-causal a-priori
   SNR: Cohen, IEEE TASLP 13(5), 2005).
3. The gain is theirs, with a floor, and caution where the recording is good already: the higher the
   local SNR, the less noise is assumed and the higher the floor. Clean speech is hardly touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.special import exp1

from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import (
    Effect,
    OpenBlocks,
    recut,
    setting,
    with_context,
)
from qwen_audio_agent.editing.effects.short_time import (
    OVERLAP,
    fast_hop,
    overlap_add,
    parts,
    power_of,
    spectra,
)

Power = NDArray[np.float32]
"""float32 (frames of the short-time spectrum, frequencies), >= 0."""

HOP = 0.012
"""Windows of 48 ms (4 hops of 12 ms): long enough to see between the harmonics of a voice."""

CHUNK_FRAMES = 1_000_000
CONTEXT = 2.4
"""The programme is worked on in chunks of 16 s, shorter ones above 62 kHz, each seen with so many
seconds before and after it."""

MEMORY = 80
"""Frames for which gains are found before and after a chunk: so many forget where they began."""

POOLED = 2
"""Speech is told from noise for so many frames at once."""

STEP = 5
"""The noise is estimated at every fifth pool, 0.12 s apart, and goes in straight lines between."""

WINDOW = 1.5
"""The noise is assumed to hold for about this time, in seconds."""

SHORTEST_PAUSE = 10
MINIMUM_BIAS = 2.0
"""Mean over the minimum of the power of noise, smoothed over `SHORTEST_PAUSE` pools, in 2 x
`WINDOW`."""

SPEECH_SNR = 10**1.5
"""SNR that speech is expected to have where it is present. Source: Gerkmann and Hendriks, III-B."""

EVIDENCE = 3.0
"""Independent values that one pooled and smoothed power is worth."""

ROUNDS = 3
"""How often the estimate of the noise tells speech from noise anew."""

SMOOTHING = 0.94
"""Weight of the neighbouring frame in the decision-directed SNR."""

LEAST_SNR = 10**-2.5
LARGEST_RATIO = 1000.0
"""Limits of the SNR before and after the sound is looked at."""

SNR_DB = (5.0, 20.0)
"""Long-term power over noise, in dB: a bad recording and a good one."""

NOISE_FACTOR = (1.2, 0.1)
"""What the estimate of the noise is multiplied by in a bad recording and in a good one."""

FLOOR_DB = (-24.0, -8.0)
"""The lowest gain in a bad recording and in a good one."""

SOUNDING = 1e-10
"""Mean square (-100 dBFS) below which a window is empty and says nothing about the noise."""

TINY = np.float32(1e-12)


@dataclass(frozen=True, slots=True)
class Denoise(Effect):
    """Take the background noise out; all channels get the same gains, so the image stands still.

        before  ::::|speech|::::|speech|:::       after  ....|speech|....|speech|...

    Attributes:
        strength: 0 changes nothing, 1 is the full effect; between them the two are mixed.
    """

    name: ClassVar[EffectName] = "denoise"
    strength: float = setting(1.0, 0, 1)

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        if self.strength == 0:
            yield from recut(open_blocks(), sample_rate, num_channels)
            return
        hop = fast_hop(HOP, sample_rate)
        context = round(CONTEXT * sample_rate / hop) * hop
        chunk = min(CHUNK_FRAMES, 16 * sample_rate) // hop * hop
        for window in with_context(open_blocks(), chunk, context, num_channels):
            clean = window[:, context : window.shape[1] - context]
            if clean.any():
                clean = self._clean(window, context, hop, hop / sample_rate)
            yield clean

    def _clean(self, window: Samples, context: int, hop: int, step: float) -> Samples:
        """The middle of a window, without `context` frames on either side."""
        # Spectra of more than two channels are made twice, so that memory does not grow with them.
        kept = [spectra(channel, hop) for channel in window[:2]]
        power = power_of(kept[0])
        for short_time in kept[1:]:
            power += power_of(short_time)
        for channel in window[2:]:
            power += power_of(spectra(channel, hop))
        power *= np.float32(1 / len(window))
        # All windows that reach into the middle, and as many as are forgotten beside them.
        outer = slice(context // hop - MEMORY, len(power) - context // hop + MEMORY)
        gain = gain_of(power, step, outer)[MEMORY - OVERLAP : OVERLAP - MEMORY]
        inner = slice(outer.start + MEMORY - OVERLAP, outer.stop - MEMORY + OVERLAP)
        if self.strength < 1:
            gain *= np.float32(self.strength)
            gain += np.float32(1 - self.strength)
        num_frames = window.shape[1] - 2 * context
        clean = np.empty((len(window), num_frames), np.float32)
        for index, channel in enumerate(window):
            short_time = kept[index] if index < len(kept) else spectra(channel, hop)
            sound = overlap_add(short_time[inner], gain, hop)
            clean[index] = sound[OVERLAP * hop :][:num_frames]
        return clean


def gain_of(power: Power, step: float, wanted: slice) -> Power:
    """Gain at some frames of a stretch whose frames are `step` seconds apart, 0 to 1."""
    noise, floor = noise_and_floor(power, sounding_frames(power), step)
    return speech_gain(power, noise, floor, wanted)


def sounding_frames(power: Power) -> NDArray[np.float32]:
    """1 for frames that lie in sound as a whole, 0 for those that touch digital silence."""
    length = 2 * (power.shape[1] - 1)
    # The taper halves the power; half of the spectrum is not stored.
    mean_square = power.sum(axis=1) * (4 / length**2)
    return minimum_filter1d((mean_square > SOUNDING).astype(np.float32), 2 * OVERLAP - 1)


def noise_and_floor(
    power: Power, sounding_frames: NDArray[np.float32], step: float
) -> tuple[Power, Power]:
    """The noise and the lowest gain, at every `POOLED` x `STEP`-th frame of a stretch.

    Row k is for the middle of the k-th group of frames. The better the recording is around a place,
    the less noise is assumed there, and the higher is the lowest gain.
    """
    pooled = _grouped(power, POOLED).mean(axis=1)
    sounding = _grouped(sounding_frames[:, None], POOLED).min(axis=1)
    num_steps = -(-len(pooled) // STEP)
    around = _triangle(num_steps, WINDOW / (step * POOLED * STEP))

    def sum_around(values: Power) -> Power:
        sums: Power = around @ _grouped(values, STEP, mode="constant").sum(axis=1)
        return sums

    noise = _lowest(pooled, sounding, step * POOLED * STEP)
    for _ in range(ROUNDS):
        idle = speech_probability(pooled / between(noise, STEP, len(pooled)))
        np.subtract(1, idle, out=idle)
        idle *= sounding
        idle += np.float32(1e-3)
        # Where speech leaves no gap at all, the estimate so far holds.
        held = np.float32(0.01)
        noise *= held
        weights = sum_around(idle) + held
        idle *= pooled
        noise += sum_around(idle)
        noise /= weights
    loud = sum_around(sounding * pooled) / np.maximum(sum_around(sounding), np.float32(0.01))
    snr_db = uniform_filter1d(10 * np.log10(np.maximum(loud / noise, 1)), 5, axis=1)
    bad, good = SNR_DB
    goodness = np.clip((snr_db - bad) / (good - bad), 0, 1).astype(np.float32)
    few, many = NOISE_FACTOR
    low, high = FLOOR_DB
    assumed = noise * np.exp(math.log(few) + math.log(many / few) * goodness)
    return assumed, np.exp((low + (high - low) * goodness) * (math.log(10) / 20))


def speech_probability(ratio: Power) -> Power:
    """Probability of speech by the power over the noise there and in the places beside it."""
    near = ratio.copy()
    near[:, 1:-1] *= 2
    near[:, 1:-1] += ratio[:, :-2]
    near[:, 1:-1] += ratio[:, 2:]
    near[:, 1:-1] *= np.float32(0.25)
    for_noise = near
    for_noise *= np.float32(-EVIDENCE * SPEECH_SNR / (1 + SPEECH_SNR))
    for_noise += np.float32(EVIDENCE * math.log1p(SPEECH_SNR))
    np.clip(for_noise, -20, 20, out=for_noise)
    present = np.exp(for_noise, out=for_noise)
    present += 1
    np.reciprocal(present, out=present)
    # Speech does not come and go within one frame.
    around = present.copy()
    around[1:] += present[:-1]
    around[:-1] += present[1:]
    around *= np.float32(1 / 3)
    return np.maximum(present, around, out=around)


def speech_gain(power: Power, noise: Power, floor: Power, wanted: slice) -> Power:
    """Gain at some frames, at most 1; `noise` and `floor` as `noise_and_floor` gives them."""
    ratio = power[wanted] / between(noise, POOLED * STEP, len(power))[wanted]
    # With both limits it is far faster than a minimum or a maximum.
    np.clip(ratio, 0, LARGEST_RATIO, out=ratio)
    lowest = between(floor, POOLED * STEP, len(power))[wanted]
    gain = tracked_snr(ratio)
    for part in parts(len(gain)):
        wiener, seen = gain[part], ratio[part]
        wiener /= wiener + 1
        seen *= wiener
        wiener *= loudness_correction(seen)
        np.maximum(wiener, lowest[part], out=wiener)
        np.clip(wiener, 0, 1, out=wiener)
    return gain


def tracked_snr(ratio: Power) -> Power:
    """Decision-directed a-priori SNR, frame after frame, from both ends; their geometric mean."""
    weight, one = np.float32(SMOOTHING), np.float32(1)
    both = np.empty((len(ratio), 2, ratio.shape[1]), np.float32)
    speech = np.maximum(ratio[[0, -1]] * weight - weight, 0)
    least = np.full_like(speech, LEAST_SNR)
    for part in parts(len(ratio)):
        powers = np.stack([ratio[part], ratio[::-1][part]], axis=1) * weight
        snr = np.subtract(powers, weight, out=both[part])
        np.clip(snr, 0, LARGEST_RATIO, out=snr)
        snr *= np.float32((1 - SMOOTHING) / SMOOTHING)
        for now, frame in zip(powers, snr, strict=True):
            np.add(frame, speech, out=frame)
            np.maximum(frame, least, out=frame)
            np.add(frame, one, out=speech)
            np.divide(frame, speech, out=speech)
            np.multiply(speech, speech, out=speech)
            np.multiply(speech, now, out=speech)
    tracked: Power = both[:, 0] * both[::-1, 1]
    np.sqrt(tracked, out=tracked)
    return tracked


def loudness_correction(seen: Power) -> Power:
    """exp(E1(x) / 2), by which the log-spectral gain exceeds Wiener's; within 0.01 dB."""
    # The upper bits of a float are its logarithm in steps: 128 values for each octave.
    places = seen.view(np.int32) >> _TABLE_SHIFT
    places -= _TABLE_FIRST
    return _correction_table().take(places, mode="clip")


_TABLE_SHIFT = 16
_TABLE_RANGE = (1e-4, 20.0)
_TABLE_FIRST, _TABLE_LAST = (
    int(limit >> _TABLE_SHIFT) for limit in np.array(_TABLE_RANGE, np.float32).view(np.int32)
)


@cache
def _correction_table() -> NDArray[np.float32]:
    middles = (np.arange(_TABLE_FIRST, _TABLE_LAST + 1) << _TABLE_SHIFT) + (1 << _TABLE_SHIFT - 1)
    values: NDArray[np.float32] = np.exp(exp1(middles.astype(np.int32).view(np.float32)) / 2)
    return values


def between(rows: Power, group: int, num_frames: int) -> Power:
    """Values for `num_frames` frames, by straight lines from the middle of each group of frames."""
    share = ((np.arange(group) + 0.5) / group - 0.5).astype(np.float32)[:, None]
    edged = np.concatenate([rows[:1], rows, rows[-1:]])
    steps = np.diff(edged, axis=0)
    lines = np.empty((len(rows), group, rows.shape[1]), np.float32)
    half = int((share < 0).sum())
    np.multiply(steps[:-1, None], share[:half], out=lines[:, :half])
    np.multiply(steps[1:, None], share[half:], out=lines[:, half:])
    lines += rows[:, None]
    return lines.reshape(-1, rows.shape[1])[:num_frames]


def _lowest(pooled: Power, sounding: Power, step: float) -> Power:
    """Noise by the minimum over time of the power over the shortest pause, at every step."""
    share, power = (
        _moving_mean(values, SHORTEST_PAUSE) for values in (sounding, pooled * sounding)
    )
    power /= np.maximum(share, np.float32(0.5))
    means = np.where(share > 0.5, power, np.float32(np.inf))
    means = _grouped(means, STEP).min(axis=1)
    lowest = minimum_filter1d(means, round(2 * WINDOW / step), axis=0)
    # Nothing is known of the noise in the middle of a long digital silence; there is none.
    known = np.where(np.isfinite(lowest), np.float32(MINIMUM_BIAS) * lowest, 0)
    return known.astype(np.float32) + TINY


def _moving_mean(values: Power, size: int) -> Power:
    """Mean of the `size` rows around every row; beyond the ends are zeros."""
    padded = np.pad(values, ((size // 2, (size - 1) // 2), (0, 0)))
    # Sums of 1, 2, 4 ... rows; those that the size is made of are put one behind the other.
    sums, total, summed = padded, np.zeros_like(values), 0
    for bit in range(size.bit_length()):
        rows = 1 << bit
        if size & rows:
            total += sums[summed : summed + len(values)]
            summed += rows
        sums = sums[:-rows] + sums[rows:] if len(sums) > rows else sums
    total *= np.float32(1 / size)
    return total


def _grouped(values: Power, size: int, mode: Literal["edge", "constant"] = "edge") -> Power:
    """Groups of `size` frames, (groups, frames, frequencies); the last one is filled up."""
    padded = np.pad(values, ((0, -len(values) % size), (0, 0)), mode=mode)
    return padded.reshape(-1, size, values.shape[1])


def _triangle(num_steps: int, width: float) -> Power:
    """Matrix of weights by the distance between steps, which falls to 0 over `width` / 2 steps."""
    away = np.abs(np.subtract.outer(np.arange(num_steps), np.arange(num_steps)))
    half = width / 2
    weights = np.maximum(1 - away / half, 0) / (half * STEP)
    falling: Power = weights.astype(np.float32)
    return falling

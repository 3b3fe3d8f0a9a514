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
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft
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

Power = NDArray[np.float32]
"""float32 (frames of the short-time spectrum, frequencies), >= 0."""

HOP = 0.012
OVERLAP = 4
"""Windows of 48 ms (4 hops of 12 ms): long enough to see between the harmonics of a voice."""

CHUNK_FRAMES = 1_000_000
CONTEXT = 2.4
"""The programme is worked on in chunks of 16 s, shorter ones above 62 kHz, each seen with so many
seconds before and after it."""

POOLED = 2
"""The noise is estimated for so many frames at once."""

WINDOW = 1.5
"""The noise is assumed to hold for about this time, in seconds."""

SHORTEST_PAUSE = 0.25
MINIMUM_BIAS = 2.0
"""Mean over the minimum of the power of noise, smoothed over `SHORTEST_PAUSE`, in 2 x `WINDOW`."""

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

BAND = 384
BAND_MARGIN = 8
"""Frequencies that are worked on at once, and those beside them that may have a say."""

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
        hop = max(8, round(HOP * sample_rate))
        if self.strength == 0:
            yield from recut(open_blocks(), sample_rate, num_channels)
            return
        context = round(CONTEXT / HOP) * hop
        chunk = min(CHUNK_FRAMES, 16 * sample_rate) // hop * hop
        for window in with_context(open_blocks(), chunk, context, num_channels):
            # One channel at a time, and its spectrum twice: memory does not grow with the channels.
            power = sum_of_powers(window, hop) / np.float32(num_channels)
            gain = gain_of(power, hop / sample_rate)
            gain = 1 - np.float32(self.strength) * (1 - gain)
            clean = [overlap_add(spectra(channel, hop) * gain, hop) for channel in window]
            yield np.stack(clean)[:, context : window.shape[1] - context]


def sum_of_powers(samples: Samples, hop: int) -> Power:
    """Power of all channels together."""
    power = np.square(np.abs(spectra(samples[0], hop)))
    for channel in samples[1:]:
        power += np.square(np.abs(spectra(channel, hop)))
    return power


def spectra(channel: NDArray[np.float32], hop: int) -> NDArray[np.complex64]:
    """Spectra (frames, frequencies) of windows of 4 hops; silence fills the last one."""
    length = OVERLAP * hop
    padded = np.pad(channel, (0, -len(channel) % hop + length))
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    short_time: NDArray[np.complex64] = fft.rfft(windows * _taper(length), axis=1)
    return short_time


def overlap_add(short_time: NDArray[np.complex64], hop: int) -> NDArray[np.float32]:
    """The sound of spectra; exact but for the first and last window, which nothing overlaps."""
    length = OVERLAP * hop
    windows = fft.irfft(short_time, length, axis=1) * (_taper(length) * np.float32(2 / OVERLAP))
    summed = np.zeros((len(windows) + OVERLAP - 1, hop), np.float32)
    for part in range(OVERLAP):
        summed[part : part + len(windows)] += windows[:, part * hop : (part + 1) * hop]
    return summed.reshape(-1)


def _taper(length: int) -> NDArray[np.float32]:
    return np.sqrt(np.hanning(length + 1)[:-1]).astype(np.float32)


def gain_of(power: Power, step: float) -> Power:
    """Gain at every place of a stretch whose frames are `step` seconds apart, 0 to 1."""
    sounding = sounding_frames(power)
    gain = np.empty_like(power)
    # Band by band, to save memory: a place is judged with no more than its neighbours.
    for low in range(0, power.shape[1], BAND):
        first = max(0, low - BAND_MARGIN)
        band = power[:, first : low + BAND + BAND_MARGIN]
        judged = speech_gain(band, *noise_power(band, sounding, step))
        gain[:, low : low + BAND] = judged[:, low - first : low - first + BAND]
    return gain


def sounding_frames(power: Power) -> NDArray[np.float32]:
    """1 for frames that lie in sound as a whole, 0 for those that touch digital silence."""
    length = 2 * (power.shape[1] - 1)
    # The taper halves the power; half of the spectrum is not stored.
    mean_square = power.sum(axis=1) * (4 / length**2)
    return minimum_filter1d((mean_square > SOUNDING).astype(np.float32), 2 * OVERLAP - 1)


def noise_power(
    power: Power, sounding_frames: NDArray[np.float32], step: float
) -> tuple[Power, Power]:
    """The noise at every place, and how good the recording is around it, from 0 (bad) to 1."""
    pooled = _pooled(power).mean(axis=1)
    sounding = _pooled(sounding_frames[:, None]).min(axis=1)
    step *= POOLED
    box = round(WINDOW / step / 2)

    def sum_around(values: Power) -> Power:
        # Two boxes make a triangle. Running sums may end a trace below zero.
        twice = uniform_filter1d(uniform_filter1d(values, box, axis=0), box, axis=0)
        return np.maximum(twice, 0)

    noise = _lowest(pooled, sounding, step)
    for _ in range(ROUNDS):
        idle = sounding * (1 - speech_probability(pooled / noise)) + np.float32(1e-3)
        # Where speech leaves no gap at all, the estimate so far holds.
        held = np.float32(0.01)
        noise = (sum_around(idle * pooled) + held * noise) / (sum_around(idle) + held)
    loud = sum_around(sounding * pooled) / np.maximum(sum_around(sounding), np.float32(0.01))
    snr_db = uniform_filter1d(10 * np.log10(np.maximum(loud / noise, 1)), 5, axis=1)
    bad, good = SNR_DB
    goodness = np.clip((snr_db - bad) / (good - bad), 0, 1).astype(np.float32)
    return _unpooled(noise, len(power)), _unpooled(goodness, len(power))


def speech_probability(ratio: Power) -> Power:
    """Probability of speech by the power over the noise there and in the places beside it."""
    near = ratio.copy()
    near[:, 1:-1] = ratio[:, 1:-1] / 2 + (ratio[:, :-2] + ratio[:, 2:]) / 4
    for_noise = EVIDENCE * (math.log1p(SPEECH_SNR) - near * (SPEECH_SNR / (1 + SPEECH_SNR)))
    present: Power = 1 / (1 + np.exp(np.clip(for_noise, -20, 20)))
    # Speech does not come and go within one frame.
    around: Power = uniform_filter1d(present, 3, axis=0)
    return np.maximum(present, around)


def speech_gain(power: Power, noise: Power, goodness: Power) -> Power:
    """Gain at every place, at most 1."""
    few, many = NOISE_FACTOR
    ratio = np.minimum(power / (noise * (few * (many / few) ** goodness)), LARGEST_RATIO)
    snr = np.sqrt(tracked_snr(ratio) * tracked_snr(ratio[::-1])[::-1])
    wiener = snr / (1 + snr)
    gain = wiener * np.exp(exp1(np.maximum(wiener * ratio, 1e-4)) / 2)
    low, high = FLOOR_DB
    floor = np.exp((low + (high - low) * goodness) * (math.log(10) / 20))
    clipped: Power = np.clip(gain, floor, 1)
    return clipped


def tracked_snr(ratio: Power) -> Power:
    """Decision-directed a-priori SNR, frame after frame."""
    fresh = np.maximum(ratio - 1, 0) * np.float32(1 - SMOOTHING)
    snr = np.empty_like(ratio)
    speech = fresh[0] / np.float32(1 - SMOOTHING)
    for frame, now in enumerate(ratio):
        np.maximum(fresh[frame] + np.float32(SMOOTHING) * speech, LEAST_SNR, out=snr[frame])
        wiener = snr[frame] / (1 + snr[frame])
        speech = wiener * wiener * now
    return snr


def _lowest(pooled: Power, sounding: Power, step: float) -> Power:
    """Noise by the minimum over time of the power over the shortest pause."""
    pause = max(1, round(SHORTEST_PAUSE / step))
    share = uniform_filter1d(sounding, pause, axis=0)
    mean = uniform_filter1d(pooled * sounding, pause, axis=0) / np.maximum(share, np.float32(0.5))
    lowest = minimum_filter1d(np.where(share > 0.5, mean, np.inf), round(2 * WINDOW / step), axis=0)
    # Nothing is known of the noise in the middle of a long digital silence; there is none.
    known = np.where(np.isfinite(lowest), MINIMUM_BIAS * np.maximum(lowest, 0), 0)
    return known.astype(np.float32) + TINY


def _pooled(values: Power) -> Power:
    """Groups of `POOLED` frames, (groups, frames, frequencies)."""
    padded = np.pad(values, ((0, -len(values) % POOLED), (0, 0)), mode="edge")
    return padded.reshape(-1, POOLED, values.shape[1])


def _unpooled(pooled: Power, num_frames: int) -> Power:
    """Values between the middles of the pools, by straight lines."""
    place = np.clip((np.arange(num_frames) - (POOLED - 1) / 2) / POOLED, 0, len(pooled) - 1)
    before = place.astype(np.intp)
    after = np.minimum(before + 1, len(pooled) - 1)
    share = (place - before).astype(np.float32)[:, None]
    values: Power = pooled[before] * (1 - share) + pooled[after] * share
    return values

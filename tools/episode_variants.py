"""The same speech as another throat, microphone, room and line would give it, to fit on more."""

from __future__ import annotations

import numpy as np
import soxr
from episode_sounds import Generator, Sound
from noises import harmonics, shaped
from scipy.signal import fftconvolve, firwin2

_FASTER = 0.16  # of pitch, formants and pace together, as a logarithm
_NUM_POINTS = 7  # of a curve that is drawn
_TILT_DB = 5.0
_UNEVEN_DB = 2.5
_CHANCES = {"narrow": 0.3, "room": 0.3, "noise": 0.75, "hum": 0.3}
_NARROW = (0.42, 0.9)  # of half the rate
_REVERBERATION_S = (0.15, 0.45)
_ROOM_DB = (-12.0, -3.0)
_NOISE_DB = (-34.0, -10.0)  # below the loud parts
_HUM_DB = (-35.0, -15.0)


def another_way(random: Generator, sound: Sound, rate: int) -> tuple[Sound, float]:
    """Speech as it might have been recorded from somebody else, elsewhere.

    Args:
        random: decides all.
        sound: (frames,).
        rate: in Hz.

    Returns:
        The sound, not louder than 1, and what its times are to be multiplied by.
    """
    factor = float(np.exp(random.uniform(-_FASTER, _FASTER)))
    told = _colour(random, np.asarray(soxr.resample(sound, rate * factor, rate)))
    loud = np.abs(told) > np.percentile(np.abs(told), 70)
    level = float(np.sqrt((told[loud] ** 2).mean()))
    if random.uniform() < _CHANCES["room"]:
        told = _in_room(random, told, rate)
    if random.uniform() < _CHANCES["noise"]:
        curve = [(50, 0.0), (rate // 2, -random.uniform(0, 12) * np.log2(rate / 100) / 3)]
        noise = shaped(random, len(told), rate, curve)
        told = told + _gain(random, _NOISE_DB) * level * noise
        if random.uniform() < _CHANCES["hum"]:
            hum = harmonics(random, len(told), rate, float(random.choice([50.0, 60.0])), 8)
            told = told + _gain(random, _HUM_DB) * level * hum
    return told / max(1.0, float(np.abs(told).max())), 1 / factor


def _gain(random: Generator, decibels: tuple[float, float]) -> float:
    return float(10 ** (random.uniform(*decibels) / 20))


def _colour(random: Generator, sound: Sound) -> Sound:
    """Through a microphone that is not even, and maybe through a narrow line."""
    hertz = np.linspace(0, 1, 65)
    uneven = np.interp(
        hertz, np.linspace(0, 1, _NUM_POINTS), random.normal(0, _UNEVEN_DB, _NUM_POINTS)
    )
    decibels = uneven + 2 * random.uniform(-_TILT_DB, _TILT_DB) * (hertz - 0.3)
    if random.uniform() < _CHANCES["narrow"]:
        decibels -= 40.0 * (hertz > random.uniform(*_NARROW))
    return np.asarray(fftconvolve(sound, firwin2(257, hertz, 10 ** (decibels / 20)), "same"))


def _in_room(random: Generator, sound: Sound, rate: int) -> Sound:
    """With a decay of noise behind it."""
    time = np.arange(round(0.4 * rate)) / rate
    decay = random.standard_normal(len(time)) * 10 ** (
        -3 * time / random.uniform(*_REVERBERATION_S)
    )
    decay *= _gain(random, _ROOM_DB) / np.sqrt((decay**2).sum())
    decay[0] = 1.0
    return np.asarray(fftconvolve(sound, decay)[: len(sound)])

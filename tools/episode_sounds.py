"""The sounds of made episodes that are no speech: room, hum, breaths, clicks, music.

Everything is mono float64 at any rate, and made from random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from noises import shaped
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Sound = NDArray[np.float64]
Generator = np.random.Generator


@dataclass
class Room:
    """A room that goes on from block to block: noise falling with frequency, and hum.

    Attributes:
        random: where the noise comes from.
        rate: in Hz.
        num_channels: each has a noise of its own, the hum is the same.
        level_dbfs: RMS of the noise.
        hum_hz: of the mains; 0 for none.
        hum_dbfs: RMS of the hum.
    """

    random: Generator
    rate: int
    num_channels: int
    level_dbfs: float
    hum_hz: float = 0.0
    hum_dbfs: float = -60.0
    at: int = 0
    _state: Sound | None = field(default=None, repr=False)

    def block(self, num_frames: int) -> Sound:
        """The next frames, (frames, channels)."""
        white = self.random.standard_normal((num_frames, self.num_channels))
        sections = butter(1, 400, fs=self.rate, output="sos")
        if self._state is None:
            self._state = np.zeros((len(sections), 2, self.num_channels))
        noise, self._state = sosfilt(sections, white, axis=0, zi=self._state)
        # A low-pass of the first order leaves white noise this RMS.
        gain = 10 ** (self.level_dbfs / 20) / np.sqrt(np.pi * 400 / self.rate)
        sound = gain * np.asarray(noise)
        if self.hum_hz:
            time = (self.at + np.arange(num_frames)) / self.rate
            tone = sum(np.sin(2 * np.pi * self.hum_hz * k * time + k) / k for k in (1, 2, 3, 5))
            sound += (10 ** (self.hum_dbfs / 20) * np.asarray(tone))[:, None]
        self.at += num_frames
        return np.asarray(sound)


def breath(random: Generator, rate: int, level: float) -> Sound:
    """An intake of breath of 0.2 to 0.5 s: hiss with the colour of a throat."""
    num_frames = round(random.uniform(0.2, 0.5) * rate)
    centre = random.uniform(1200, 2200)
    curve = [(100, -25), (500, -12), (round(centre), 0), (5000, -6), (9000, -14), (16000, -30)]
    hiss = shaped(random, num_frames, rate, curve)
    peak = random.uniform(0.4, 0.7)
    place = np.linspace(0, 1, num_frames)
    envelope = np.where(place < peak, place / peak, (1 - place) / (1 - peak))
    return np.asarray(level * hiss * np.sin(envelope * np.pi / 2) ** 2)


def click(random: Generator, rate: int, level: float) -> Sound:
    """A smack of the mouth: one or two short rings within 25 ms."""
    num_frames = round(0.025 * rate)
    sound = np.zeros(num_frames)
    for at in random.uniform(0, 0.012, size=random.integers(1, 3)):
        time = np.arange(num_frames) / rate - at
        ring = np.sin(2 * np.pi * random.uniform(1500, 4500) * time)
        decayed = np.exp(-np.maximum(time, 0) / random.uniform(0.001, 0.003))
        sound += np.where(time >= 0, ring * decayed, 0)
    return np.asarray(level * sound / np.abs(sound).max())


def music(random: Generator, rate: int, seconds: float, level: float) -> Sound:
    """A plain tune: chords of a second, plucked and fading in and out as a whole."""
    num_frames = round(seconds * rate)
    time = np.arange(num_frames) / rate
    sound = np.zeros(num_frames)
    for number in range(int(seconds) + 1):
        root = 220 * 2 ** (random.choice([0, 3, 5, 7]) / 12)
        local = time - number
        ringing = np.where(local >= 0, np.exp(-np.maximum(local, 0) / 0.7), 0)
        for ratio in (1.0, 1.2599, 1.4983):
            sound += ringing * np.sin(2 * np.pi * root * ratio * time)
    fade = np.minimum(1, np.minimum(time, time[::-1]) / min(0.5, seconds / 4))
    return np.asarray(level * sound * fade / max(np.abs(sound).max(), 1e-9))


def varied(random: Generator, sound: Sound) -> Sound:
    """The same sound as a second try of a person: other pitch, speed and level, by up to 4 %."""
    factor = random.uniform(0.96, 1.04)
    place = np.arange(0, len(sound) - 1, factor)
    stretched = np.interp(place, np.arange(len(sound)), sound)
    return np.asarray(stretched * 10 ** (random.uniform(-2, 2) / 20))

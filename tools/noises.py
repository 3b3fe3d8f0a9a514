"""Background noises made from random numbers and other people's speech, for `benchmark.py denoise`.

None is a recording: each imitates the spectrum, the lines and the slow changes of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

Sound = NDArray[np.float64]
"""(frames,), any level."""

Generator = np.random.Generator


def shaped(rng: Generator, num_frames: int, rate: int, curve: Sequence[tuple[int, int]]) -> Sound:
    """Gaussian noise whose spectrum follows points of (Hz, dB), of RMS 1."""
    hz = np.fft.rfftfreq(num_frames, 1 / rate)
    points_hz, points_db = zip(*curve, strict=True)
    level_db = np.interp(np.log(np.maximum(hz, 1)), np.log(points_hz), points_db)
    noise = np.fft.irfft(
        np.fft.rfft(rng.standard_normal(num_frames)) * 10 ** (level_db / 20), num_frames
    )
    return np.asarray(noise / noise.std())


def drift(rng: Generator, num_frames: int, rate: int, hz: float, depth_db: float) -> Sound:
    """A gain that wanders about `hz` times per second by about `depth_db`."""
    points = rng.standard_normal(int(num_frames / rate * hz * 2) + 4)
    place = np.linspace(0, len(points) - 1, num_frames)
    return np.asarray(10 ** (depth_db * np.interp(place, np.arange(len(points)), points) / 20))


def harmonics(rng: Generator, num_frames: int, rate: int, hz: float, count: int) -> Sound:
    """A steady tone with falling overtones, of RMS 1."""
    time = np.arange(num_frames) / rate
    tone = np.zeros(num_frames)
    for k in range(1, min(count, int(0.45 * rate / hz)) + 1):
        tone += np.sin(2 * np.pi * hz * k * time + rng.uniform(0, 6)) * k ** -rng.uniform(0.6, 1.1)
    return np.asarray(tone / tone.std())


def clinks(rng: Generator, num_frames: int, rate: int, per_second: float) -> Sound:
    """Struck glass and china: short sums of decaying tones."""
    sound = np.zeros(num_frames + rate)
    for _ in range(1 + rng.poisson(per_second * num_frames / rate)):
        start, length = rng.integers(num_frames), int(rng.uniform(0.03, 0.25) * rate)
        time = np.arange(length) / rate
        for hz in rng.uniform(900, min(9000, 0.45 * rate), 6):
            ring = np.sin(2 * np.pi * hz * time) * np.exp(-time * rng.uniform(20, 120))
            sound[start : start + length] += rng.uniform(0.2, 1.5) * ring
    return np.asarray(sound[:num_frames] / sound[:num_frames].std())


def crowd(rng: Generator, num_frames: int, rate: int, voices: Sequence[Sound], count: int) -> Sound:
    """`count` people speaking at once in a room."""
    sound = np.zeros(num_frames)
    for _ in range(count):
        voice = voices[int(rng.integers(len(voices)))]
        turned = np.roll(voice, rng.integers(len(voice)))
        sound += np.resize(turned, num_frames) / voice.std() * rng.uniform(0.6, 1.4)
    time = np.arange(int(0.4 * rate)) / rate
    room = rng.standard_normal(len(time)) * np.exp(-time / 0.08)
    room[0] = 5.0
    echoed = np.asarray(fftconvolve(sound, room)[:num_frames])
    return np.asarray(echoed / echoed.std())


def make_noises(
    rng: Generator, num_frames: int, rate: int, voices: Sequence[Sound]
) -> dict[str, Callable[[], Sound]]:
    """Makers of the nine kinds of noise; `voices` are other speakers at the same rate."""

    def of(curve: Sequence[tuple[int, int]]) -> Sound:
        return shaped(rng, num_frames, rate, curve)

    def moving(hz: float, depth_db: float) -> Sound:
        return drift(rng, num_frames, rate, hz, depth_db)

    def tone(hz: float, count: int) -> Sound:
        return harmonics(rng, num_frames, rate, hz, count)

    def room() -> Sound:
        return of([(60, 5), (100, 0), (300, -12), (1000, -22), (4000, -30), (8000, -36)])

    def ring(per_second: float) -> Sound:
        return clinks(rng, num_frames, rate, per_second)

    def talk(count: int) -> Sound:
        return crowd(rng, num_frames, rate, voices, count)

    air = [(20, -10), (80, 0), (500, 0), (1500, -6), (4000, -16), (8000, -26)]
    road = [(60, 5), (120, 0), (300, -14), (1000, -26), (2500, -34), (8000, -46)]
    tyres = [(20, -30), (500, 0), (1500, 0), (4000, -10), (8000, -22)]
    traffic = [(60, 3), (200, 0), (800, -6), (1500, -8), (3000, -16), (8000, -28)]
    return {
        "white": lambda: rng.standard_normal(num_frames),
        "hum": lambda: tone(50, 30) + 0.03 * of([(20, 0), (20000, -30)]),
        "room": lambda: room() * moving(0.5, 0.7),
        "fan": lambda: of(air) + 0.35 * tone(75, 5),
        "car": lambda: (of(road) + 0.12 * of(tyres) + 0.4 * tone(31, 8)) * moving(1, 1.5),
        "street": lambda: of(traffic) * moving(0.4, 4),
        "cafe": lambda: talk(16) + 0.5 * room() + 0.3 * ring(0.8),
        "babble": lambda: talk(7),
        "dishes": lambda: ring(4) + 0.15 * room(),
    }

"""Peaks below the ceiling, and nothing else touched."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.audio.levels import true_peak_dbtp
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.audio.true_peak import BEND, CELL
from qwen_audio_agent.editing.effects import limiter
from qwen_audio_agent.editing.effects.limiter import (
    STANDARD_TAPS,
    STEADY,
    Limiter,
    _interpolators,
    needed_gains,
)

RATE = 44100


def standard_dbtp(samples):
    """The meter of BS.1770-4, annex 2, to the letter."""
    taps = np.array([*STANDARD_TAPS, *(row[::-1] for row in STANDARD_TAPS[::-1])])
    points = [np.convolve(channel, row[::-1]) for channel in samples for row in taps]
    return 20 * np.log10(np.abs(points).max())


def rounded(samples):
    """As a file of 16 bits holds it."""
    return (np.rint(samples * 32768) / 32768).astype(np.float32)


def sounds():
    rng = np.random.default_rng(21)
    num_frames = 2 * RATE
    phase = np.arange(num_frames) * np.pi / 2 + np.pi / 4
    burst = np.sin(phase) * (rng.random(num_frames // 100).repeat(100) < 0.3)
    clicks = np.where(rng.random(num_frames) < 2e-4, rng.uniform(-3, 3, num_frames), 0)
    return {
        "white noise": 0.5 * rng.standard_normal((2, num_frames)),
        "signs": 0.9 * np.sign(rng.standard_normal((1, num_frames))),
        "quiet signs": 0.42 * np.sign(rng.standard_normal((1, num_frames))),
        "a quarter of the rate": 1.2 * burst[None],
        "clicks": clicks[None] + 0.02 * rng.standard_normal((2, num_frames)),
        "a sweep": 1.5 * np.sin(np.cumsum(np.linspace(0, 0.9 * np.pi, num_frames)))[None],
    }


@pytest.mark.parametrize("ceiling_db", [-1.0, -9.0])
@pytest.mark.parametrize("name", sounds())
def test_no_peak_stands_above_the_ceiling(name, ceiling_db, run):
    made = rounded(run(Limiter(ceiling_db), sounds()[name].astype(np.float32), RATE))
    around = np.pad(made, ((0, 0), (1000, 1000)))
    assert true_peak_dbtp(Audio(around, RATE)) <= ceiling_db
    assert standard_dbtp(around) <= ceiling_db
    # It does not take more than it must.
    assert true_peak_dbtp(Audio(around, RATE)) > ceiling_db - 0.3


def test_below_the_ceiling_every_sample_stays(run, voice):
    samples = voice(RATE)
    assert np.array_equal(run(Limiter(), samples, RATE), samples)


def test_away_from_a_peak_every_sample_stays(run, voice):
    samples = 0.5 * voice(RATE)
    samples[:, RATE : RATE + 3] = 0.98
    changed = np.flatnonzero((run(Limiter(), samples, RATE) != samples).any(axis=0))
    assert len(changed)
    assert np.abs(changed - RATE).max() < 0.0105 * RATE


def test_the_gain_moves_smoothly(run):
    """On a steady tone the gain shows: it has no steps."""
    tone = np.full((1, RATE), 0.5, np.float32)
    tone[0, RATE // 2] = 1.5
    gain = np.delete(run(Limiter(), tone, RATE)[0] / 0.5, RATE // 2)
    assert gain.min() < 0.65
    assert np.abs(np.diff(gain)).max() < 0.01


def test_both_channels_get_the_same_gain(run, voice):
    samples = voice(RATE)
    samples[0] *= 4
    made = run(Limiter(), samples, RATE)
    heard = (np.abs(samples) > 1e-3).all(axis=0)
    gains = made[:, heard] / samples[:, heard]
    assert gains.min() < 0.9
    assert np.abs(gains[0] - gains[1]).max() < 1e-5


def test_no_point_stands_further_above_its_samples_than_is_assumed():
    weights = _interpolators().astype(np.float64)
    numbers = np.arange(weights.shape[1])
    for row in weights:
        # A point is its share of the line between the middle samples, and second differences.
        total = row.sum()
        middle = len(row) // 2 - 1
        share = (numbers * row).sum() / total - middle
        line = np.where(numbers == middle, 1 - share, 0) + np.where(numbers == middle + 1, share, 0)
        bends = np.cumsum(np.cumsum(row - total * line))
        assert abs(bends[-1]) < 1e-9
        assert np.abs(bends).sum() < 0.78 < BEND
        assert -1e-3 < share < 1 + 1e-3
        assert total <= STEADY


def test_a_screened_look_finds_what_a_look_everywhere_finds(monkeypatch):
    rng = np.random.default_rng(9)
    t = np.arange(3000)
    cases = [np.full((1, 3000), 0.5), 0.5 * np.sin(0.01 * t)[None], rng.standard_normal((2, 3000))]
    cases += [np.cumsum(rng.standard_normal((2, 3000)), axis=1) / 50]
    cases += [np.sin(t * rng.uniform(0.1, 3.1) + rng.uniform(0, 6))[None] for _ in range(20)]
    found = [
        (samples.astype(np.float32), share * np.abs(samples).max())
        for samples in cases
        for share in (0.5, 0.97, 0.9995, 1.02)
    ]
    screened = [needed_gains(samples, ceiling) for samples, ceiling in found]
    monkeypatch.setattr(
        limiter, "cells_above", lambda samples, *_: np.ones(-(-samples.shape[1] // CELL), bool)
    )
    for (samples, ceiling), (at, gains) in zip(found, screened, strict=True):
        everywhere_at, everywhere_gains = needed_gains(samples, ceiling)
        assert np.array_equal(at, everywhere_at)
        assert np.allclose(gains, everywhere_gains, rtol=1e-6)

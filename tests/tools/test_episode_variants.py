"""The tool that says a recording otherwise, to fit on more."""

from __future__ import annotations

import numpy as np
import pytest
from episode_variants import another_way

RATE = 16_000


def bursts():
    """Three bursts of a voice in 3 s, and where they begin in seconds."""
    time = np.arange(RATE // 2) / RATE
    voice = 0.2 * sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 20))
    quiet = np.zeros(RATE // 2)
    return np.concatenate([quiet, voice, quiet, voice, quiet, voice]), (0.5, 1.5, 2.5)


@pytest.mark.parametrize("seed", range(8))
def test_times_follow_the_factor_and_nothing_is_clipped(seed):
    sound, starts = bursts()
    other, factor = another_way(np.random.default_rng(seed), sound, RATE)
    assert 0.85 < factor < 1.18
    assert len(other) == pytest.approx(len(sound) * factor, abs=2)
    assert np.abs(other).max() <= 1.0
    for start in starts:
        at = round(start * factor * RATE)
        before, behind = other[at - 1600 : at - 200], other[at + 400 : at + 1600]
        assert (behind**2).mean() > 3 * (before**2).mean()


def test_the_same_chance_makes_the_same_and_another_makes_another():
    sound, _ = bursts()
    one, other, third = (another_way(np.random.default_rng(s), sound, RATE)[0] for s in (1, 1, 2))
    assert np.array_equal(one, other)
    assert len(one) != len(third)

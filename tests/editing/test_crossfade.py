from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.editing.crossfade import correlation, crossfade, meet, rise


def noise(seed: int, num_frames: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.1, (2, num_frames))


def test_a_sound_faded_into_itself_is_that_sound() -> None:
    sound = noise(0)

    np.testing.assert_allclose(crossfade(sound, sound), sound, atol=1e-15)


def test_sounds_of_the_same_level_keep_it_whether_alike_or_not() -> None:
    one, other = noise(1), noise(2)

    for right in (one, other, 0.7 * one + np.sqrt(1 - 0.49) * other):
        mixed = crossfade(one, right)
        middle = np.sqrt(np.mean(mixed[:, 1000:3000] ** 2))
        assert 20 * np.log10(middle / 0.1) == pytest.approx(0.0, abs=0.2)


def test_a_crossfade_begins_as_the_left_and_ends_as_the_right() -> None:
    mixed = crossfade(noise(1), noise(2))

    np.testing.assert_allclose(mixed[:, :5], noise(1)[:, :5], atol=1e-3)
    np.testing.assert_allclose(mixed[:, -5:], noise(2)[:, -5:], atol=1e-3)


def test_silence_on_either_side_is_a_plain_fade() -> None:
    sound, silent = noise(1), np.zeros((2, 4000))

    assert correlation(sound, silent) == 0.0
    assert np.abs(crossfade(sound, silent)[:, -1]).max() < 1e-4
    assert np.abs(crossfade(silent, sound)[:, 0]).max() < 1e-4


def test_a_rise_can_be_had_in_parts_and_is_flat_outside() -> None:
    whole = rise(100)
    parts = np.concatenate([rise(100, 0, 30), rise(100, 30, 100)])

    np.testing.assert_array_equal(whole, parts)
    assert np.all(rise(100, -20, 0) == 0.0)
    assert np.all(rise(100, 100, 120) == 1.0)
    assert np.all(np.diff(whole) > 0)


def test_sounds_without_more_to_give_fall_to_zero_and_rise_from_it() -> None:
    mixed = meet(np.ones((1, 50)), np.ones((1, 50)), 100)

    assert mixed[0, 0] > 0.99
    assert mixed[0, 49:51].max() < 1e-2
    assert mixed[0, -1] > 0.99

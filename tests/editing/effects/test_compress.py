"""The curve and the times of the compressor."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.audio.levels import loudness_lufs
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.editing.effects.compress import Compress


def tone(level_db, seconds=1.0):
    time = np.arange(round(seconds * 16000)) / 16000
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * 1000 * time))[None].astype(np.float32)


def peak_db(samples):
    return 20 * np.log10(np.abs(samples).max())


@pytest.mark.parametrize(
    ("level_db", "expected_db"), [(-40, -40), (-28, -28), (-12, -20), (-3, -17)]
)
def test_above_the_threshold_the_ratio_holds(level_db, expected_db, run):
    effect = Compress(threshold_db=-24, ratio=3, makeup_db=0)
    made = run(effect, tone(level_db), 16000)[:, 8000:]
    assert peak_db(made) == pytest.approx(expected_db, abs=0.1)


def test_the_knee_is_smooth():
    """The gain falls steadily, and so does its slope."""
    gain_db = Compress(threshold_db=-24, ratio=4).curve_db(np.arange(-40.0, 0.0, 0.1))
    slope = np.diff(gain_db)
    assert (slope <= 1e-12).all()
    assert np.abs(np.diff(slope)).max() < 0.002


def test_attack_and_release_take_their_time(run):
    effect = Compress(threshold_db=-30, ratio=10, attack_ms=20, release_ms=100, makeup_db=0)
    samples = np.concatenate([tone(-40), tone(-6), tone(-40)], axis=1)
    made = run(effect, samples, 16000)
    heard = np.abs(samples[0]) > 1e-3
    gain_db = 20 * np.log10(np.where(heard, made[0] / np.where(heard, samples[0], 1), 1))
    end = gain_db[31900:32000][heard[31900:32000]].min()
    attacked = gain_db[16000 + 320 - 20 : 16000 + 320 + 20].min() / end
    released = gain_db[32000 + 1600 - 20 : 32000 + 1600 + 20].min() / end
    assert attacked == pytest.approx(1 - np.exp(-1), abs=0.06)
    assert released == pytest.approx(np.exp(-1), abs=0.06)


def test_by_itself_the_programme_stays_as_loud_as_it_was(run, voice):
    samples = voice(16000)
    made = run(Compress(), samples, 16000)
    before, after = (loudness_lufs(Audio(sound, 16000)) for sound in (samples, made))
    assert after == pytest.approx(before, abs=0.1)
    assert np.abs(made).max() < np.abs(samples).max()


def test_makeup_lifts_everything(run):
    made = run(Compress(makeup_db=6), tone(-40), 16000)
    assert peak_db(made) == pytest.approx(-34, abs=0.05)

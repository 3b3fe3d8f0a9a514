"""Loudness and peaks after normalisation."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.audio.levels import loudness_lufs, true_peak_dbtp
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.editing.effects.normalize import Normalize


@pytest.mark.parametrize("lufs", [-31.0, -23.0, -16.0])
@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_the_loudness_is_what_was_asked_for(lufs, sample_rate, run, voice):
    made = Audio(run(Normalize(lufs), 0.3 * voice(sample_rate), sample_rate), sample_rate)
    assert loudness_lufs(made) == pytest.approx(lufs, abs=0.15)


def test_the_gain_is_one_number_where_the_peaks_allow_it(run, voice):
    samples = voice(16000)
    made = run(Normalize(-40.0), samples, 16000)
    heard = np.abs(samples) > 1e-3
    gains = made[heard] / samples[heard]
    assert gains.max() - gains.min() < 1e-5 * gains.mean()


@pytest.mark.parametrize("ceiling_db", [-1.0, -6.0])
def test_peaks_between_samples_stay_below_the_ceiling(ceiling_db, run, voice):
    samples = 0.2 * voice(16000)
    samples[:, 9000:9003] = 0.9
    samples[:, 30000:31000] += 0.5 * np.sin(np.arange(1000) * np.pi / 2 + np.pi / 4)
    made = Audio(run(Normalize(-10.0, ceiling_db), samples, 16000), 16000)
    assert true_peak_dbtp(made) <= ceiling_db
    assert np.abs(made.samples).max() > 0.7 * 10 ** (ceiling_db / 20)


def test_the_limiter_works_around_a_peak_only(run, voice):
    samples = voice(16000)
    samples[:, 20000] = 0.99
    made = run(Normalize(-16.0), samples, 16000)
    heard = np.flatnonzero(np.abs(samples[0]) > 1e-3)
    gains = made[0, heard] / samples[0, heard]
    lowered = heard[gains < 0.999 * np.median(gains)]
    assert 20000 in lowered
    assert np.abs(lowered - 20000).max() < 0.011 * 16000


def test_a_programme_too_short_to_have_a_loudness_stays_as_it_is(run):
    samples = np.full((1, 3000), 0.1, np.float32)
    assert np.array_equal(run(Normalize(), samples, 16000), samples)


@pytest.mark.parametrize(("num_channels", "lufs"), [(1, -19.0), (2, -16.0)])
def test_by_itself_one_channel_is_3_lu_quieter(num_channels, lufs, run, voice):
    made = Audio(run(Normalize(), 0.3 * voice(44100)[:num_channels], 44100), 44100)
    assert loudness_lufs(made) == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize("lufs", [-23.0, -16.0, -14.0])
@pytest.mark.parametrize("crest", [3, 12, 40])
def test_the_loudness_is_reached_whatever_the_limiter_takes(crest, lufs, run, voice):
    """Short peaks, up to 32 dB above the rest, a few in each second."""
    samples = 0.1 * voice(44100)
    rng = np.random.default_rng(31)
    for start in rng.integers(0, samples.shape[1] - 200, 12):
        samples[:, start : start + 200] *= crest
    made = Audio(run(Normalize(lufs), samples, 44100), 44100)
    assert loudness_lufs(made) == pytest.approx(lufs, abs=0.2)
    assert true_peak_dbtp(made) <= -1

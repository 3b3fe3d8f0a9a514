"""Hum goes, the voice stays."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.editing.effects.hum import Dehum

RATE = 16000


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)


def hum_of(num_frames, level, hz=50.02):
    time = np.arange(num_frames) / RATE
    return level * sum(np.sin(2 * np.pi * hz * k * time + k) / k for k in (1, 2, 3, 4, 5, 6, 8))


@pytest.fixture(scope="module")
def clean(speech_data):
    names = ("quilter", "shelley", "lj050")
    parts = [soundfile.read(speech_data / f"{name}.flac", dtype="float32")[0] for name in names]
    return np.concatenate(parts)[None]


@pytest.mark.parametrize("effect", [Dehum(), Dehum(50.02)])
def test_hum_under_speech_goes_and_the_speech_stays(effect, clean, run):
    hum = hum_of(clean.shape[1], 0.02)
    made = run(effect, (clean + hum).astype(np.float32), RATE)
    assert level_db(made - clean) < level_db(hum) - 14
    assert level_db(made - clean) < level_db(clean) - 23


def test_where_nobody_speaks_all_of_it_goes(run):
    noise = 1e-4 * np.random.default_rng(51).standard_normal((1, 20 * RATE))
    hum = hum_of(20 * RATE, 0.01)
    made = run(Dehum(), (noise + hum).astype(np.float32), RATE)
    assert level_db(made[:, RATE:-RATE] - noise[:, RATE:-RATE]) < level_db(hum) - 40


def test_without_hum_every_sample_stays(clean, run):
    samples = np.concatenate([clean, 0.5 * clean])
    assert np.array_equal(run(Dehum(), samples, RATE), samples)


def test_neither_an_onset_nor_silence_gets_any(run):
    """A loud tone beside the notch leaves no trace before it; digital silence stays silent."""
    samples = np.zeros((1, 10 * RATE), np.float32)
    time = np.arange(2 * RATE) / RATE
    samples[0, 4 * RATE : 6 * RATE] = 0.3 * np.sin(2 * np.pi * 103 * time)
    made = run(Dehum(50.0), samples, RATE)
    assert not made[:, : 4 * RATE - RATE // 10].any()
    assert not made[:, 6 * RATE + RATE // 10 :].any()


def test_both_channels_keep_their_own_hum_apart(run):
    hum = hum_of(12 * RATE, 0.01)
    made = run(Dehum(50.02), np.stack([hum, -0.3 * hum]).astype(np.float32), RATE)
    assert level_db(made[0, RATE:-RATE]) < level_db(hum) - 40
    assert level_db(made[1, RATE:-RATE]) < level_db(0.3 * hum) - 40

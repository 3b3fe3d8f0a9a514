"""Noise goes down, speech stays."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.editing.effects.denoise import Denoise, loudness_correction
from qwen_audio_agent.editing.effects.short_time import overlap_add, spectra

pesq = pytest.importorskip("pesq", reason="needs the extra `benchmark`")


@pytest.fixture(scope="module")
def clean(speech_data):
    samples, sample_rate = soundfile.read(speech_data / "quilter.flac", dtype="float32")
    assert sample_rate == 16000
    return samples[None] * np.float32(0.4 / np.abs(samples).max())


def noise_of(kind, num_frames, rms):
    time = np.arange(num_frames) / 16000
    sounds = {
        "hum": sum(np.sin(2 * np.pi * 50 * k * time + k) / k for k in range(1, 20)),
        "white": np.random.default_rng(9).standard_normal(num_frames),
    }
    return (sounds[kind] / sounds[kind].std() * rms).astype(np.float32)[None]


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


def test_analysis_and_synthesis_give_the_sound_back():
    channel = np.random.default_rng(10).uniform(-1, 1, 5000).astype(np.float32)
    short_time = spectra(channel, 64)
    made = overlap_add(short_time, np.ones(short_time.shape, np.float32), 64)[:5000]
    assert np.abs(made - channel)[256:-256].max() < 1e-5


@pytest.mark.parametrize("kind", ["white", "hum"])
def test_noisy_speech_sounds_better(kind, clean, run):
    noisy = clean + noise_of(kind, clean.shape[1], 0.3 * clean.std())
    made = run(Denoise(), noisy, 16000)
    before, after = (pesq.pesq(16000, clean[0], sound[0], "wb") for sound in (noisy, made))
    assert after > before + 0.5


def test_clean_speech_stays_clean_and_as_loud(clean, run):
    made = run(Denoise(), clean, 16000)
    assert pesq.pesq(16000, clean[0], made[0], "wb") > 4.2
    assert level_db(made) == pytest.approx(level_db(clean), abs=0.1)


def test_noise_alone_goes_down_at_every_rate(run):
    for sample_rate in (8000, 22050, 48000):
        rng = np.random.default_rng(11)
        noise = 0.05 * rng.standard_normal((1, 4 * sample_rate)).astype(np.float32)
        made = run(Denoise(), noise, sample_rate)
        assert level_db(made) < level_db(noise) - 17.9


def test_noise_that_starts_in_the_middle_is_found(run):
    noise = noise_of("white", 90000, 0.05)
    noise[:, :40000] *= 0.03
    made = run(Denoise(), noise, 16000)
    assert level_db(made[:, 60000:]) < level_db(noise[:, 60000:]) - 15


def test_half_the_strength_is_half_of_both(voice, run):
    noisy = voice(16000) + noise_of("white", 48000, 0.03)
    full, half = run(Denoise(1.0), noisy, 16000), run(Denoise(0.5), noisy, 16000)
    assert np.abs(half - (full + noisy) / 2).max() < 1e-5


def test_chunks_leave_no_seams(run):
    """Longer than a chunk: the level of the residual does not jump at its border."""
    rng = np.random.default_rng(12)
    noise = 0.05 * rng.standard_normal((1, 20 * 16000)).astype(np.float32)
    made = run(Denoise(), noise, 16000)
    tenths_db = 10 * np.log10(np.square(made[0]).reshape(-1, 1600).mean(axis=1))
    border = int(15.984 * 10)
    assert tenths_db[border - 2 : border + 3].max() < tenths_db.max() + 0.1
    assert tenths_db[5:-5].max() < tenths_db[5:-5].mean() + 6


def test_noise_beside_digital_silence_is_still_found(run):
    noise = noise_of("white", 90000, 0.05)
    noise[:, 30000:60000] = 0
    made = run(Denoise(), noise, 16000)
    assert not made[:, 31000:59000].any()
    assert level_db(made[:, 2000:28000]) < level_db(noise[:, 2000:28000]) - 15


def test_the_table_of_the_correction_is_exact_enough():
    from scipy.special import exp1

    seen = np.geomspace(1e-4, 900, 5000).astype(np.float32)
    away_db = 20 * np.log10(loudness_correction(seen) / np.exp(exp1(seen) / 2))
    assert np.abs(away_db).max() < 0.02
    assert np.isfinite(loudness_correction(np.zeros(3, np.float32))).all()

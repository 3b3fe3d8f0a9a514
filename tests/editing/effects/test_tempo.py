"""Length, pitch and local time of faster and slower speech."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.editing.effects.tempo import Tempo

FACTORS = [0.5, 0.8, 1.25, 2.0]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("num_frames", [1, 999, 16001])
def test_the_length_is_exact(factor, num_frames, run):
    samples = np.random.default_rng(2).uniform(-0.5, 0.5, (1, num_frames)).astype(np.float32)
    assert run(Tempo(factor), samples, 16000).shape[1] == round(num_frames / factor)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("hz", [80.0, 220.0, 3000.0])
def test_the_pitch_and_the_level_stay(factor, hz, run):
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(32000) / 16000)[None].astype(np.float32)
    made = run(Tempo(factor), tone, 16000)[0, 2000:-2000].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made)), 1 << 18))
    assert np.argmax(spectrum) * 16000 / (1 << 18) == pytest.approx(hz, rel=0.01)
    assert made.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("factor", FACTORS)
def test_every_sound_comes_within_15_ms_of_its_time(factor, run):
    """Bursts of noise stay where the linear time map says."""
    rng = np.random.default_rng(3)
    samples = 0.001 * rng.standard_normal((1, 5 * 16000)).astype(np.float32)
    times = np.arange(0.31, 4.8, 0.37)
    for time in times:
        start = round(time * 16000)
        samples[0, start : start + 800] += 0.3 * rng.standard_normal(800).astype(np.float32)
    made = run(Tempo(factor), samples, 16000)[0]
    for time in times:
        wanted = round((time + 0.025) * 16000 / factor)
        near = made[wanted - 1600 : wanted + 1600].astype(np.float64) ** 2
        middle = (near * np.arange(len(near))).sum() / near.sum() - 1600
        assert abs(middle) * factor < 0.015 * 16000


def test_speech_keeps_its_spectrum(run, speech_data):
    import soundfile

    samples, sample_rate = soundfile.read(speech_data / "quilter.flac", dtype="float32")
    made = run(Tempo(1.5), samples[None], sample_rate)[0]
    before_db, after_db = (_octaves_db(sound, sample_rate) for sound in (samples, made))
    assert np.abs(before_db - after_db).max() < 1.5


def _octaves_db(sound, sample_rate):
    power = np.abs(np.fft.rfft(sound)) ** 2 / len(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / sample_rate)
    edges = 125 * 2.0 ** np.arange(6)
    bands = [power[(hz >= low) & (hz < 2 * low)].sum() for low in edges]
    return 10 * np.log10(np.array(bands) / len(sound))

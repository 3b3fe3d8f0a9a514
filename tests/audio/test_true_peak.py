"""The peak between samples is found by looking at few places, and none is missed."""

import numpy as np
import pytest

from qwen_audio_agent.audio import true_peak
from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.resampling import resample
from qwen_audio_agent.audio.samples import Audio, in_blocks
from qwen_audio_agent.audio.true_peak import BEND, CELL, TruePeakMeter, cells_above

RATE = 44_100


def sounds():
    rng = np.random.default_rng(5)
    t = np.arange(20_000) / RATE
    noise = rng.standard_normal((2, len(t)))
    yield "noise", 0.3 * noise
    yield "rumble", 0.01 * np.cumsum(noise, axis=1)
    yield "tone near the edge", np.sin(2 * np.pi * 20_500 * t + 0.3)[None] * [[0.5], [0.2]]
    yield "tone between", np.sin(2 * np.pi * RATE / 4 * t + np.pi / 4)[None]
    yield "square", np.sign(np.sin(2 * np.pi * 997 * t))[None]
    yield "swelling", np.linspace(0, 1, len(t)) ** 3 * noise
    yield "ends", np.where((t == 0) | (t == t[-1]), 1.0, 0.0)[None]
    yield "one", np.ones((1, 1))


@pytest.mark.parametrize("sound", [pytest.param(sound, id=name) for name, sound in sounds()])
@pytest.mark.parametrize(("rate", "factor"), [(RATE, 4), (96_000, 2), (192_000, 1)])
def test_it_is_that_of_all_points(sound, rate, factor):
    samples = sound.astype(np.float32)
    everywhere = resample(Audio(samples, rate), factor * rate).samples
    expected = max(np.abs(samples).max(), np.abs(everywhere).max())
    rng = np.random.default_rng(1)
    meter = TruePeakMeter(rate, len(samples))
    start = 0
    while start < samples.shape[1]:
        end = start + int(rng.integers(0, 3000))
        meter.push(samples[:, start:end])
        start = end
    assert meter.peak == pytest.approx(expected, rel=1e-5)


def weights_of_bends(filter_weights, first):
    """What a point adds to the line between two samples, in second differences, absolute."""
    numbers = np.arange(len(filter_weights)) + first
    total = filter_weights.sum()
    share = (numbers * filter_weights).sum() / total
    line = np.where(numbers == 0, 1 - share, 0) + np.where(numbers == 1, share, 0)
    return np.abs(np.cumsum(np.cumsum(filter_weights - total * line))).sum()


@pytest.mark.parametrize(("rate", "factor"), [(8000, 4), (RATE, 4), (96_000, 2)])
def test_no_point_stands_further_above_its_samples_than_is_assumed(rate, factor):
    impulse = np.zeros((1, 1001), np.float32)
    impulse[0, 500] = 1
    response = resample(Audio(impulse, rate), factor * rate).samples[0].astype(np.float64)
    reach = np.flatnonzero(np.abs(response) > 1e-5) / factor - 500
    assert max(-reach[0], reach[-1]) <= true_peak._CONTEXT
    for point in range(factor):
        # Weight of sample n for the point behind sample 0, n from -400.
        weights = response[500 * factor + point + factor * np.arange(400, -401, -1)]
        assert weights_of_bends(weights, -400) < 0.56 < BEND


def test_of_speech_few_points_are_looked_at(speech_data, monkeypatch):
    looked = []
    monkeypatch.setattr(
        true_peak, "resample", lambda audio, rate: looked.append(audio) or resample(audio, rate)
    )
    recordings = [read(probe(path)) for path in sorted(speech_data.rglob("*.flac"))]
    for audio in recordings:
        meter = TruePeakMeter(audio.sample_rate, audio.num_channels)
        for block in in_blocks(audio):
            meter.push(block.samples)
        assert meter.peak > 0
    share = sum(a.duration for a in looked) / sum(a.duration for a in recordings)
    assert 0 < share < 0.15, share


def test_the_ends_of_a_sound_bend_from_silence_and_back():
    samples = np.zeros((1, 4 * CELL), np.float32)
    assert not cells_above(samples, 0.1, 1).any()
    samples[0, [0, -1]] = 0.5
    assert list(cells_above(samples, 0.6, 1)) == [True, True, True, True]
    assert list(cells_above(samples, 0.5 + BEND, 1)) == [False] * 4
    ramp = 0.002 * np.arange(1, 4 * CELL + 1, dtype=np.float32)[None]
    assert ramp[0, 2 * CELL - 1] < 0.257
    assert cells_above(ramp, 0.257, 1)[0]

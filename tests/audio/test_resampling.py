import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qwen_audio_agent.audio.resampling import resample, resample_blocks, to_16k_mono
from qwen_audio_agent.audio.samples import Audio, Span

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]


def tone(frequency_hz: float, seconds: float, sample_rate: int) -> Audio:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    # A soft beginning and end, so that the ends ring neither before nor after resampling.
    samples = np.sin(2 * np.pi * frequency_hz * time) * np.sin(np.pi * time / seconds) ** 2
    return Audio(samples.astype(np.float32)[None], sample_rate)


@settings(max_examples=30, deadline=None)
@example(4_000, 48_000, 22_050, 1)  # 1,837.5 frames
@example(1, 8_000, 96_000, 1)
@example(1, 96_000, 8_000, 1)
@given(st.integers(0, 30_000), st.sampled_from(RATES), st.sampled_from(RATES), st.integers(1, 4000))
def test_blocks_give_sample_for_sample_what_the_whole_gives(
    num_frames: int, rate_in: int, rate_out: int, block_frames: int
):
    noise = np.random.default_rng(0).uniform(-1, 1, (2, num_frames)).astype(np.float32)
    audio = Audio(noise, rate_in)
    whole = resample(audio, rate_out)
    spans = (Span(start, start + block_frames) for start in range(0, num_frames, block_frames))
    parts = [part.samples for part in resample_blocks(map(audio.slice, spans), rate_out)]
    joined = np.concatenate([np.zeros((2, 0), np.float32), *parts], axis=1)
    assert whole.num_frames == (2 * num_frames * rate_out + rate_in) // (2 * rate_in)
    assert np.array_equal(joined, whole.samples)


@pytest.mark.parametrize("rate_in", RATES)
@pytest.mark.parametrize("rate_out", RATES)
def test_a_tone_keeps_its_time_and_level_to_a_ten_thousandth(rate_in: int, rate_out: int):
    resampled = resample(tone(1000, 0.8, rate_in), rate_out).samples
    expected = tone(1000, 0.8, rate_out).samples
    assert np.abs(resampled - expected).max() < 1e-4


def test_what_the_lower_rate_cannot_hold_is_gone_and_not_folded_down():
    assert np.abs(resample(tone(9_000, 0.5, 44_100), 16_000).samples).max() < 1e-5


def test_the_same_rate_changes_nothing():
    audio = tone(1000, 0.1, 16_000)
    assert resample(audio, 16_000).samples is not None
    assert np.array_equal(resample(audio, 16_000).samples, audio.samples)
    (only,) = resample_blocks(iter([audio]), 16_000)
    assert only is audio


def test_an_ear_gets_the_mean_of_the_channels_at_16_khz():
    one = tone(500, 0.2, 48_000).samples[0]
    heard = to_16k_mono(Audio(np.stack([one, -one, one]), 48_000))
    assert (heard.sample_rate, heard.num_channels) == (16_000, 1)
    assert np.abs(heard.samples - tone(500, 0.2, 16_000).samples / 3).max() < 1e-4

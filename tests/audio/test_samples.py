from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.audio.samples import Audio, Span, frame_at


@given(st.integers(0, 10**10), st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000, 96_000]))
def test_every_frame_survives_the_way_through_seconds(frame: int, sample_rate: int):
    assert frame_at(frame / sample_rate, sample_rate) == frame


def test_a_time_becomes_the_nearest_frame():
    assert frame_at(0.1, 11_025) == round(Fraction(0.1) * 11_025)
    assert frame_at(1.00004, 10_000) == 10_000


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(seconds: float):
    with pytest.raises(ValueError, match="finite number of seconds"):
        frame_at(seconds, 16_000)


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (5, 4)])
def test_a_span_that_runs_backwards_or_starts_before_zero_is_refused(start: int, end: int):
    with pytest.raises(ValueError, match="0 <= start <= end"):
        Span(start, end)


def test_a_slice_is_a_view_and_cannot_be_written():
    audio = Audio(np.arange(10, dtype=np.float32)[None], 8_000)
    part = audio.slice(Span(2, 5))
    assert part.samples.tolist() == [[2, 3, 4]]
    assert np.shares_memory(part.samples, audio.samples)
    with pytest.raises(ValueError, match="read-only"):
        part.samples[0, 0] = 1


def test_mono_is_the_mean_of_the_channels():
    audio = Audio(np.array([[1, 0], [0, 0.5]], np.float32), 8_000)
    assert audio.to_mono().samples.tolist() == [[0.5, 0.25]]


def test_samples_of_another_type_or_shape_are_refused():
    with pytest.raises(ValueError, match="float32 \\(channels, frames\\)"):
        Audio(np.zeros((1, 4)), 8_000)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="float32 \\(channels, frames\\)"):
        Audio(np.zeros(4, np.float32), 8_000)


def test_where_channels_cancel_each_other_the_loudest_is_heard():
    rng = np.random.default_rng(0)
    voice = rng.normal(0, 0.1, 16_000).astype(np.float32)
    for other, heard in ((voice, voice), (0.8 * voice, 0.9 * voice), (-0.9 * voice, voice)):
        mono = Audio(np.stack([voice, other.astype(np.float32)]), 16_000).audible_mono()
        assert mono.num_channels == 1
        assert np.allclose(mono.samples[0], heard, atol=1e-6)
    half = np.where(np.arange(16_000) < 8_000, -voice, voice).astype(np.float32)
    assert np.allclose(Audio(np.stack([voice, half]), 16_000).audible_mono().samples[0], voice)
    apart = Audio(rng.normal(0, 0.1, (2, 16_000)).astype(np.float32), 16_000)
    assert np.array_equal(apart.audible_mono().samples, apart.to_mono().samples)
    assert Audio(np.zeros((2, 0), np.float32), 16_000).audible_mono().num_frames == 0

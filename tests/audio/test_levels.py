"""Against the test signals of EBU Tech 3341, and levels that follow from arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.audio.levels import (
    decibels,
    integrated_lufs,
    loudness_lufs,
    loudness_steps,
    noise_floor_dbfs,
    peak_dbfs,
    ratio,
    rms_dbfs,
    short_term_lufs,
    true_peak_dbtp,
)
from qwen_audio_agent.audio.samples import Audio, Span

RATES = [8_000, 16_000, 22_050, 44_100, 48_000, 96_000]


def tones(*steps: tuple[float, float], sample_rate: int = 48_000, num_channels: int = 2) -> Audio:
    """1 kHz, one stretch after the other: (level in dBFS, seconds)."""
    levels = np.concatenate(
        [np.full(round(seconds * sample_rate), ratio(level)) for level, seconds in steps]
    )
    wave = levels * np.sin(2 * np.pi * 1000 * np.arange(len(levels)) / sample_rate)
    return Audio(np.tile(wave, (num_channels, 1)).astype(np.float32), sample_rate)


def in_blocks(audio: Audio, block_frames: int = 7_001):
    for start in range(0, audio.num_frames, block_frames):
        yield audio.slice(Span(start, start + block_frames))


@given(st.floats(-200, 200))
def test_decibels_and_ratio_are_inverse(level_db: float):
    assert decibels(ratio(level_db)) == pytest.approx(level_db, abs=1e-9)


@pytest.mark.parametrize(
    ("steps", "loudness"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
)
def test_loudness_is_that_of_the_ebu_test_signals(steps, loudness: float):
    """Source: EBU Tech 3341, table 1, cases 1 to 5: within 0.1 LU."""
    assert loudness_lufs(tones(*steps)) == pytest.approx(loudness, abs=0.1)


def test_loudness_weighs_the_channels_of_surround_sound():
    """Source: EBU Tech 3341, table 1, case 6, in the order of wav: an LFE channel is between."""
    levels = [-28, -28, -24, 0, -30, -30]
    channels = [tones((level, 20), num_channels=1).samples[0] for level in levels]
    assert loudness_lufs(Audio(np.stack(channels), 48_000)) == pytest.approx(-23, abs=0.1)
    five = Audio(np.stack(channels[:3] + channels[4:]), 48_000)
    assert loudness_lufs(five) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("sample_rate", RATES)
def test_loudness_does_not_depend_on_the_rate(sample_rate: int):
    audio = tones((-23, 3), sample_rate=sample_rate)
    # The shelf bends near the top of a low rate: 0.2 LU at 8 kHz, as in other meters.
    tolerance = 0.25 if sample_rate == 8_000 else 0.05
    assert loudness_lufs(audio) == pytest.approx(-23, abs=tolerance)
    time = np.arange(3 * sample_rate) / sample_rate
    low = Audio(np.sin(2 * np.pi * 40 * time).astype(np.float32)[None], sample_rate)
    assert loudness_lufs(low) == pytest.approx(-9.27, abs=0.02)


@pytest.mark.parametrize("phase", [0, 45, 60, 67.5])
@pytest.mark.parametrize(("sample_rate", "divisor"), [(48_000, 4), (48_000, 6), (44_100, 8)])
def test_the_true_peak_between_the_samples_is_found(sample_rate: int, divisor: int, phase: float):
    """Source: EBU Tech 3341, table 1, cases 15 to 18: between -0.4 and +0.2 dB."""
    angle = 2 * np.pi * np.arange(sample_rate) / divisor + np.radians(phase)
    fade = np.minimum(1, np.minimum(np.arange(sample_rate), np.arange(sample_rate)[::-1]) / 1000)
    audio = Audio((0.5 * fade * np.sin(angle)).astype(np.float32)[None], sample_rate)
    assert -6.02 - 0.4 < true_peak_dbtp(audio) < -6.02 + 0.2
    assert true_peak_dbtp(audio) >= peak_dbfs(audio)


@pytest.mark.parametrize("measure", [peak_dbfs, rms_dbfs, true_peak_dbtp, loudness_lufs])
def test_blocks_measure_the_same_as_the_whole(measure, rising_tone):
    audio = Audio(rising_tone(3, 44_100, 2), 44_100)
    assert measure(in_blocks(audio)) == pytest.approx(measure(audio), abs=1e-6)


def test_a_sine_at_full_scale_has_its_textbook_levels():
    audio = tones((0, 1))
    assert peak_dbfs(audio) == pytest.approx(0, abs=1e-6)
    assert rms_dbfs(audio) == pytest.approx(-3.0103, abs=1e-3)


@pytest.mark.parametrize("measure", [peak_dbfs, rms_dbfs, true_peak_dbtp, loudness_lufs])
def test_silence_and_nothing_have_no_level(measure):
    assert measure(Audio(np.zeros((2, 48_000), np.float32), 48_000)) == -math.inf
    assert measure(iter(())) == -math.inf


def test_a_sound_shorter_than_a_gating_block_has_no_loudness():
    assert loudness_lufs(tones((-20, 0.39))) == -math.inf
    assert loudness_lufs(tones((-20, 0.41))) == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("floor_db", [-30.0, -60.0, -80.0])
@pytest.mark.parametrize("sample_rate", [8_000, 44_100])
def test_the_noise_floor_is_found_under_bursts_of_sound(floor_db: float, sample_rate: int):
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((1, 20 * sample_rate)) * ratio(floor_db)
    for start in range(20):
        burst = slice(start * sample_rate, start * sample_rate + round(0.7 * sample_rate))
        sound[:, burst] += rng.standard_normal(burst.stop - burst.start) * 0.2
    sound[:, : 3 * sample_rate] = 0  # somebody cut a stretch to digital silence
    audio = Audio(sound.astype(np.float32), sample_rate)
    assert noise_floor_dbfs(audio) == pytest.approx(floor_db, abs=0.7)
    assert noise_floor_dbfs(in_blocks(audio)) == pytest.approx(noise_floor_dbfs(audio), abs=1e-6)


def test_digital_silence_has_no_noise_floor():
    assert noise_floor_dbfs(Audio(np.zeros((1, 8_000), np.float32), 8_000)) == -math.inf


def test_short_term_loudness_follows_the_sound():
    """EBU Tech 3341, case 1: a tone of -23 dBFS in both channels has -23 LUFS."""
    steps = loudness_steps(tones((-23, 10), (-200, 5), (-33, 5)))
    curve = short_term_lufs(steps)
    assert len(curve) == 200 - 29
    assert curve[:71] == pytest.approx(np.full(71, -23.0), abs=0.1)
    assert curve[120] < -100
    assert curve[-1] == pytest.approx(-33, abs=0.1)
    assert integrated_lufs(steps) == loudness_lufs(tones((-23, 10), (-200, 5), (-33, 5)))


def test_less_than_three_seconds_have_no_short_term_loudness():
    assert len(short_term_lufs(loudness_steps(tones((-23, 2.9))))) == 0

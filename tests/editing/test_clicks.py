from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.editing.clicks import TYPICAL, JoinMeasure, measure_join, ordinary_measure
from qwen_audio_agent.editing.crossfade import crossfade
from qwen_audio_agent.editing.joins import best_cut

RATE = 16_000


def voiced(seconds: float = 2.0, rate: int = RATE) -> NDArray[np.float32]:
    """A buzz with formants and a little noise: as a vowel."""
    time = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k**1.2 for k in range(1, 20))
    noise = np.random.default_rng(0).normal(0.0, 1e-3, len(time))
    return np.asarray(0.2 * buzz + noise, np.float32)


def test_a_step_in_a_vowel_is_a_click_and_the_vowel_itself_is_not() -> None:
    sound = voiced()
    ordinary = ordinary_measure(Audio(sound[None], RATE))
    broken = np.concatenate([sound[:16_000], sound[16_060:]])

    assert measure_join(Audio(broken[None], RATE), 16_000).is_click(ordinary)
    assert not measure_join(Audio(sound[None], RATE), 16_000).is_click(ordinary)
    assert not measure_join(Audio(broken[None], RATE), 12_000).is_click(ordinary)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 96_000])
def test_a_click_is_found_at_any_rate(rate: int) -> None:
    sound = voiced(rate=rate)
    broken = np.concatenate([sound[:rate], sound[rate + rate // 300 :]])
    ordinary = ordinary_measure(Audio(sound[None], rate), num_places=100)

    assert measure_join(Audio(broken[None], rate), rate).is_click(ordinary)


def test_a_change_of_level_is_measured_in_db() -> None:
    sound = np.random.default_rng(0).normal(0.0, 0.1, 3200).astype(np.float32)
    sound[1600:] *= 0.1

    assert measure_join(Audio(sound[None], RATE), 1600).level_step_db == pytest.approx(20, abs=1)


def test_silence_and_the_ends_of_a_sound_can_be_measured() -> None:
    silent = Audio(np.zeros((2, 800), np.float32), RATE)

    assert measure_join(silent, 400) == JoinMeasure(0.0, 0.0, 0.0)
    assert np.isfinite(measure_join(Audio(voiced()[None], RATE), 3).residual_db)


def test_a_recording_too_short_to_measure_is_taken_as_typical() -> None:
    assert ordinary_measure(Audio(np.zeros((1, 100), np.float32), RATE)) is TYPICAL


def joined(sound: Audio, span: Span, half: int) -> tuple[Audio, int]:
    """The sound around a cut of `span`, and the frame of the join in it."""
    samples, around = sound.samples.astype(np.float64), round(0.06 * sound.sample_rate)
    start, end = span.start, span.end
    mixed = crossfade(samples[:, start - half : start + half], samples[:, end - half : end + half])
    before, after = samples[:, start - around : start - half], samples[:, end + half : end + around]
    whole = np.concatenate([before, mixed, after], axis=1).astype(np.float32)
    return Audio(whole, sound.sample_rate), around


def test_searched_joins_in_real_speech_click_no_more_than_speech_does(speech_data: Path) -> None:
    truth = json.loads((speech_data / "truth.json").read_text())
    rng = np.random.default_rng(1)
    clicks = {"none": 0, "hard": 0, "searched": 0}
    num_joins = 0
    for recording in [item for item in truth if item["duration"] > 8][:6]:
        sound = read(probe(speech_data / recording["file"]))
        ordinary = ordinary_measure(sound, num_places=150)
        power = np.convolve(sound.samples[0] ** 2, np.full(480, 1 / 480), "same")
        loud = np.flatnonzero(power > 0.03 * np.percentile(power, 90))
        loud = loud[(loud > 2000) & (loud < sound.num_frames - 2000)]
        for _ in range(16):
            start, end = sorted(int(frame) for frame in rng.choice(loud, 2))
            if end - start < 3000:
                continue
            num_joins += 1
            windows = (Span(start - 480, start + 480), Span(end - 480, end + 480))
            cut = best_cut(sound.slice, Span(start, end), windows, sound.num_frames)
            clicks["none"] += measure_join(sound, start).is_click(ordinary)
            clicks["hard"] += measure_join(*joined(sound, Span(start, end), 1)).is_click(ordinary)
            clicks["searched"] += measure_join(*joined(sound, cut, 80)).is_click(ordinary)

    assert num_joins > 80
    assert clicks["hard"] > 0.25 * num_joins
    assert clicks["searched"] <= 0.02 * num_joins, clicks

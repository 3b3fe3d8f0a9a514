"""Clicks go, speech stays."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.editing.effects.declick import Declick


@pytest.fixture(scope="module")
def clean(speech_data):
    samples, sample_rate = soundfile.read(speech_data / "quilter.flac", dtype="float32")
    assert sample_rate == 16000
    return samples[None]


def test_clean_speech_passes_bit_for_bit(clean, run):
    assert np.array_equal(run(Declick(), clean, 16000), clean)


def test_loud_clicks_in_speech_are_found_and_redrawn(clean, run):
    rng = np.random.default_rng(4)
    places = np.arange(3000, clean.shape[1] - 3000, 4000) + rng.integers(0, 900)
    clicked = clean.copy()
    for place in places:
        clicked[0, place : place + 4] += 0.4 * np.array([1, -1, 0.7, -0.3], np.float32)
    made = run(Declick(), clicked, 16000)
    wrong_before, wrong_after = np.abs(clicked - clean)[0], np.abs(made - clean)[0]
    repaired = [wrong_after[p - 20 : p + 24].max() < 0.4 * wrong_before[p] for p in places]
    assert np.mean(repaired) >= 0.85


def test_what_lies_between_clicks_is_not_touched(run):
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(48000) / 48000).astype(np.float32)
    clicked = tone.copy()
    clicked[20000:20004] += 0.5
    made = run(Declick(), clicked[None], 48000)[0]
    changed = np.flatnonzero(made != clicked)
    assert 19900 < changed.min() < changed.max() < 20104
    assert np.abs(made - tone).max() < 0.01


def test_a_burst_that_goes_on_is_left_alone(run):
    """A plosive: silence, then noise for 30 ms."""
    sound = 1e-4 * np.random.default_rng(6).standard_normal((1, 16000)).astype(np.float32)
    sound[0, 8000:8480] += 0.3 * np.random.default_rng(7).standard_normal(480).astype(np.float32)
    assert np.array_equal(run(Declick(), sound, 16000), sound)

"""The spectra of every 10 ms: where they lie, how large they are, and that blocks do not matter."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.audio.hops import hops_of, mel_bands
from qwen_audio_agent.audio.samples import Audio, Span

RATE = 16_000


def measured(sound):
    """All spectra and powers of a sound."""
    hops = list(hops_of(sound))
    return np.concatenate([h.spectra for h in hops]), np.concatenate([h.power for h in hops])


def test_a_tone_lies_in_its_hops_and_at_its_frequency():
    samples = np.zeros((1, RATE), np.float32)
    samples[0, 4000:8000] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(4000) / RATE)
    spectra, power = measured(Audio(samples, RATE))
    assert spectra.shape == (101, 257)  # the last begins where the sound ends
    assert power[25:50] == pytest.approx(0.125, rel=1e-3)
    assert not power[:25].any()
    assert not power[50:].any()
    assert spectra[30].argmax() == 1000 * 512 // RATE


@pytest.mark.parametrize(("rate", "num_channels"), [(RATE, 1), (44_100, 2), (8_000, 1)])
def test_blocks_make_no_difference(rate, num_channels):
    noise = np.random.default_rng(5).standard_normal((num_channels, 2 * rate + 77))
    whole = Audio(0.1 * noise.astype(np.float32), rate)
    spans = (Span(at, min(at + 999, whole.num_frames)) for at in range(0, whole.num_frames, 999))
    for all_at_once, by_blocks in zip(
        measured(whole), measured(map(whole.slice, spans)), strict=True
    ):
        assert by_blocks == pytest.approx(all_at_once, rel=1e-4, abs=1e-7)


def test_a_sound_of_no_frames_has_a_hop_at_most():
    assert sum(len(hops.power) for hops in hops_of(Audio(np.zeros((1, 0), np.float32), RATE))) <= 1
    assert sum(len(hops.power) for hops in hops_of([])) <= 1


def test_bands_lie_evenly_and_overlap_by_half():
    weights, middles = mel_bands(20, 100, 6000)
    assert weights.shape == (257, 20)
    assert (np.diff(middles) > 0).all()
    inside = slice(int(middles[5] * 512 / RATE) + 1, int(middles[-5] * 512 / RATE))
    assert weights.sum(axis=1)[inside] == pytest.approx(1, abs=1e-5)

"""Fillers by their sound alone: a held vowel among sounds that move."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qwen_audio_agent.audio.files import blocks, probe
from qwen_audio_agent.audio.hops import hops_of
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.speech.held_frames import percentiles
from qwen_audio_agent.speech.held_vowels import candidates, find_held_vowels

RATE = 16_000


def audio(sound, rate=RATE):
    return Audio(np.asarray(sound, np.float32)[None], rate)


def chords(seconds):
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 277.2, 329.6))
    return 0.1 * tones * np.exp(-(time % 1.0))


def test_the_um_of_the_sample_is_found_and_nothing_else(interview):
    truth = json.loads(interview.with_suffix(".json").read_text("utf-8"))["words"]
    um = next(word for word in truth if word["kind"] == "filler")
    sure = [v for v in find_held_vowels(hops_of(blocks(probe(interview)))) if v.confidence >= 0.5]
    assert len(sure) == 1
    assert sure[0].start == pytest.approx(um["start"], abs=0.12)
    assert sure[0].end == pytest.approx(um["end"], abs=0.12)


def test_blocks_and_rates_make_no_difference(interview):
    whole = np.concatenate([block.samples[0] for block in blocks(probe(interview))])
    once = find_held_vowels(hops_of(audio(whole)))
    assert once
    pieces = (audio(whole[i : i + 4321]) for i in range(0, len(whole), 4321))
    assert find_held_vowels(hops_of(pieces)) == once
    stereo = Audio(np.stack([whole, whole]), RATE)
    assert find_held_vowels(hops_of(stereo)) == once


def test_places_stay_right_in_a_long_recording(interview):
    whole = np.concatenate([block.samples[0] for block in blocks(probe(interview))])
    seconds = len(whole) / RATE
    one = [v for v in find_held_vowels(hops_of(audio(whole))) if v.confidence >= 0.5]
    long = [v for v in find_held_vowels(hops_of(audio(np.tile(whole, 6)))) if v.confidence >= 0.5]
    starts = [vowel.start for vowel in long]
    assert starts == pytest.approx([one[0].start + i * seconds for i in range(6)], abs=0.03)


def test_music_holds_its_tones_too_and_is_no_filler():
    found = find_held_vowels(hops_of(audio(chords(20.0))))
    assert found == []


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.02, 0.5])
def test_short_and_silent_sounds_hold_nothing(seconds):
    silent = audio(np.zeros(round(seconds * RATE)))
    assert find_held_vowels(hops_of(silent)) == []
    assert list(candidates(hops_of(silent))) == []


def test_noise_alone_holds_nothing():
    noise = np.random.default_rng(0).standard_normal(10 * RATE) * 0.01
    assert find_held_vowels(hops_of(audio(noise))) == []


def test_percentiles_are_those_of_numpy():
    rng = np.random.default_rng(4)
    for size in (1, 2, 3, 50, 997):
        values = rng.standard_normal(size).astype(np.float32)
        expected = np.percentile(values, (0, 20, 50, 90, 100))
        assert percentiles(values, 0, 20, 50, 90, 100) == pytest.approx(list(expected), abs=1e-6)

"""A filler of which the vowel was found goes with all that belongs to it, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qwen_audio_agent.audio.files import AudioWriter, probe, read
from qwen_audio_agent.cleanup.filler_edges import whole_filler
from qwen_audio_agent.cleanup.survey import survey
from qwen_audio_agent.speech.words import Transcript

RATE = 16_000
AH, MM, EE = (700.0, 1200.0), (250.0, 2200.0), (300.0, 2400.0)

Sound = NDArray[np.float64]


def voice(seconds: float, formants: tuple[float, float], level: float = 0.2) -> Sound:
    """A voice of 120 Hz that holds a sound."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(len(t))
    for number in range(1, 40):
        at = 120.0 * number
        gain = sum(1 / (1 + ((at - formant) / 120) ** 2) for formant in formants[:1])
        gain += 0.3 / (1 + ((at - formants[1]) / 200) ** 2) if formants is not MM else 0.0
        sound += gain * np.sin(2 * math.pi * at * t + number)
    return level * sound / np.abs(sound).max()


def dying(sound: Sound, to_db: float = -20.0) -> Sound:
    return sound * 10 ** (np.linspace(0, to_db, len(sound)) / 20)


def um(seconds: float) -> Sound:
    """A vowel whose lips close within a tenth of a second, and which dies away."""
    open_now = np.clip((0.35 - np.arange(round(seconds * RATE)) / RATE) / 0.1, 0, 1)
    sound = open_now * voice(seconds, AH) + (1 - open_now) * voice(seconds, MM)
    return np.concatenate([sound[: RATE * 3 // 10], dying(sound[RATE * 3 // 10 :])])


def quiet(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE))


def found_whole(
    folder: Path, parts: list[Sound], found: tuple[float, float], **how: tuple[float, float]
) -> tuple[float, float]:
    path = folder / "a.wav"
    sound = np.concatenate(parts)
    sound += np.random.default_rng(1).normal(0, 2e-4, len(sound))
    with AudioWriter(path, RATE, 1) as writer:
        writer.write(sound[np.newaxis].astype(np.float32))
    file = probe(path)
    surveyed = survey(file, Transcript((), file.duration))
    return whole_filler(found, surveyed, lambda span: read(file, span), **how)


def test_an_um_goes_with_its_mm_and_from_where_it_sets_in(tmp_path: Path) -> None:
    parts = [quiet(1.0), um(0.55), quiet(0.5), voice(1.0, EE)]
    start, end = found_whole(tmp_path, parts, (1.06, 1.28))
    assert start == pytest.approx(1.0, abs=0.02)
    assert end == pytest.approx(1.55, abs=0.06)


def test_a_word_that_follows_at_once_stays_whole(tmp_path: Path) -> None:
    parts = [quiet(1.0), voice(0.3, AH), voice(0.15, EE), quiet(1.0)]
    start, end = found_whole(tmp_path, parts, (1.06, 1.28))
    assert start == pytest.approx(1.0, abs=0.02)
    assert end == 1.28


def test_an_mm_that_goes_on_into_a_word_stays(tmp_path: Path) -> None:
    parts = [quiet(1.0), voice(0.3, AH), voice(0.1, MM), voice(0.12, EE), quiet(1.0)]
    assert found_whole(tmp_path, parts, (1.06, 1.28))[1] == 1.28


def test_what_goes_on_too_long_is_no_part_of_it(tmp_path: Path) -> None:
    parts = [quiet(1.0), voice(0.3, EE), voice(0.8, AH), quiet(1.0)]
    assert found_whole(tmp_path, parts, (1.36, 1.58)) == (1.36, 1.58)


def test_a_word_that_is_known_is_not_reached_into(tmp_path: Path) -> None:
    parts = [quiet(1.0), um(0.55), quiet(0.5)]
    start, end = found_whole(tmp_path, parts, (1.06, 1.28), within=(1.04, 1.4))
    assert (start, end) == (1.04, 1.4)
    assert found_whole(tmp_path, parts, (1.06, 1.28), within=(1.1, 1.2)) == (1.06, 1.28)


def test_at_the_edges_of_a_recording_it_ends_with_it(tmp_path: Path) -> None:
    start, end = found_whole(tmp_path, [voice(0.3, AH), quiet(1.0), voice(0.3, AH)], (0.03, 0.28))
    assert start == 0.0
    assert end == pytest.approx(0.3, abs=0.03)
    _, end = found_whole(tmp_path, [voice(0.3, EE), quiet(1.0), voice(0.3, AH)], (1.33, 1.58))
    assert end <= 1.6

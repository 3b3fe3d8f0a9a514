from __future__ import annotations

import json

import numpy as np
import pytest

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.ears.voicing import levels_and_periodicity, levels_of
from qwen_audio_agent.speech.pronunciation import FILLERS, Pronunciations, holding

RATE = 16_000


@pytest.fixture(scope="module")
def truth(speech_data):
    items = json.loads((speech_data / "truth.json").read_text("utf-8"))
    return {item["id"]: item | {"path": speech_data / item["file"]} for item in items}


def heard_fillers(item):
    words = open_ear("pocketsphinx").listen(read(probe(item["path"]))).words
    return [word for word in words if word.kind == "filler"]


def test_most_labelled_fillers_are_found_and_next_to_nothing_else(truth):
    said = right = heard = 0
    for name in ("mm_acoustic", "mm_cold_corpus3"):
        labels = [word for word in truth[name]["words"] if word["text"] in FILLERS]
        found = heard_fillers(truth[name])
        said, heard = said + len(labels), heard + len(found)
        right += sum(
            any(word.start < (label["start"] + label["end"]) / 2 < word.end for word in found)
            for label in labels
        )
    assert said == 9
    assert right >= 7
    assert heard - right <= 1


def test_no_filler_is_heard_in_careful_reading_breaths_or_a_whisper(truth):
    names = ["quilter", "jfk", "f_mfa_breaths", "f_whisper"]
    assert [name for name in names if heard_fillers(truth[name])] == []


def test_held_fillers_do_not_push_the_words_beside_them_away(truth):
    item = truth["mm_acoustic"]
    labels = item["words"]
    aligned = open_ear("pocketsphinx").align(
        read(probe(item["path"])), [word["text"] for word in labels]
    )
    errors = [
        abs(edge - label[name])
        for word, label in zip(aligned, labels, strict=True)
        for name, edge in (("start", word.start), ("end", word.end))
    ]
    assert np.mean(errors) < 0.03
    assert np.mean(np.array(errors) <= 0.05) > 0.88


def test_only_fillers_are_held():
    sayings = Pronunciations({"um": ("AH M",), "sum": ("S AH M",)})
    assert sayings.of("sum") == (("S", "AH", "M"),)
    assert sayings.of("um") == holding(("AH", "M"))
    assert holding(("AH", "M"))[1] == ("AH", "AH", "M", "M")


@pytest.mark.parametrize("num_frames", [20, 99, 100, 130])
def test_tones_are_periodic_and_noise_is_not(num_frames):
    seconds = np.arange(RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 120 * seconds)).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    levels, periodicity = levels_and_periodicity(tone, num_frames)
    assert levels.shape == periodicity.shape == (num_frames,)
    middle = slice(3, min(num_frames, 95))
    assert np.all(periodicity[middle] > 0.98)
    assert levels[middle] == pytest.approx(-9.03, abs=0.6)
    assert np.median(levels_and_periodicity(noise, 100)[1]) < 0.5
    assert levels_and_periodicity(np.zeros(RATE, np.float32), 100)[1].max() == 0


def test_levels_alone_are_those_that_come_with_the_periodicity():
    sound = 0.1 * np.random.default_rng(3).standard_normal(3 * RATE).astype(np.float32) + 0.2
    sound[RATE : 2 * RATE] = 0
    for num_frames in (0, 1, 129, 300):
        levels, _ = levels_and_periodicity(sound, num_frames)
        assert levels_of(sound, num_frames) == pytest.approx(levels, abs=1e-4)

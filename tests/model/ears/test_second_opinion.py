import json

import numpy as np
import pytest

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.model.ears.second_opinion import placed_by_sound
from qwen_audio_agent.speech.ears.audible import ear_samples
from qwen_audio_agent.speech.ears.pocketsphinx import PocketSphinxEar
from qwen_audio_agent.speech.words import Word


@pytest.fixture(scope="module")
def said(interview):
    samples = ear_samples(read(probe(interview)))[: 6 * 16_000]
    words = json.loads(interview.with_suffix(".json").read_text())["words"]
    return samples, [word for word in words if word["end"] < 5.5]


def test_times_are_those_of_the_sound_and_as_sure_as_the_two_agree(said):
    samples, truth = said
    late = [Word(w["text"], w["start"] + 0.1, w["end"] + 0.1, 0.6, estimated=True) for w in truth]
    late[-1] = Word(late[-1].text, 5.8, 5.9, 0.6, estimated=True)
    placed = placed_by_sound(late, samples, 6.0, PocketSphinxEar())
    errors = [abs(a.start - b["start"]) for a, b in zip(placed, truth, strict=True)]
    assert np.mean(errors) < 0.05
    assert [(w.text, w.probability) for w in placed] == [(w.text, 0.6) for w in late]
    assert placed[3].start_error == placed[3].end_error == 0.07
    assert not placed[3].estimated
    assert placed[-1].estimated
    assert placed[-1].start_error == pytest.approx(5.8 - placed[-1].start)


def test_words_that_do_not_fit_keep_their_times(said):
    words = tuple(Word("extraordinarily", i / 50, (i + 1) / 50) for i in range(40))
    assert placed_by_sound(words, said[0][:16_000], 1.0, PocketSphinxEar()) == words

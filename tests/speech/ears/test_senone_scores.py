"""Scores are those of the mixtures, whichever senones are asked for, and take little memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from qwen_audio_agent.speech.ears.acoustics import AcousticModel
from qwen_audio_agent.speech.ears.senone_scores import SenoneScores


@pytest.fixture(scope="module")
def model():
    return AcousticModel.load(Path(pocketsphinx.get_model_path("en-us/en-us")))


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(0, 3, (3, 150, 13)).astype(np.float32)


@pytest.mark.parametrize("senone", [0, 4321])
def test_scores_are_those_of_the_mixtures(model, rows, senone):
    phone = model.phone_of_senone[senone]
    expected = 0.0
    for stream in range(3):
        deviation = rows[stream, 99] - model.means[phone, stream]
        precision = model.precisions[phone, stream]
        logs = 0.5 * (np.log(precision / (2 * np.pi)) - deviation**2 * precision).sum(axis=1)
        expected += np.logaddexp.reduce(logs + model.weights[stream][:, senone])
    assert SenoneScores(model, rows).of([senone])[99, 0] == pytest.approx(expected, rel=1e-3)


def test_it_does_not_matter_which_others_are_asked_for(model, rows):
    scores = SenoneScores(model, rows)
    every = scores.of(range(len(model.phone_of_senone)))
    some = [5, 4321, 77, 5]
    np.testing.assert_array_equal(scores.of(some), every[:, some])
    np.testing.assert_array_equal(scores.best, every.max(axis=1))
    phones = len(model.phones)
    np.testing.assert_array_equal(scores.of_phones, every[:, model.senones[:phones]])
    part = scores.between(40, 90)
    assert (len(scores), len(part)) == (150, 50)
    np.testing.assert_allclose(part.of(some), every[40:90][:, some], rtol=1e-5)


def test_half_a_minute_is_scored_in_little_memory(model):
    rows = np.random.default_rng(0).normal(0, 3, (3, 3000, 13)).astype(np.float32)
    tracemalloc.start()
    try:
        scores = SenoneScores(model, rows)
        assert scores.of(range(0, 5000, 50)).shape == (3000, 100)
        assert scores.best.shape == (3000,)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6  # all senones at once take 61.5e6

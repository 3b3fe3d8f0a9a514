from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from qwen_audio_agent.speech.ears.acoustics import BEGIN, INTERNAL, AcousticModel


@pytest.fixture(scope="module")
def model():
    return AcousticModel.load(Path(pocketsphinx.get_model_path("en-us/en-us")))


def test_the_model_has_all_phones_and_senones(model):
    assert len(model.phones) == 42
    assert {"SIL", "AA", "ZH"} <= set(model.phones)
    assert model.weights.shape == (3, 128, len(model.phone_of_senone))
    np.testing.assert_allclose(np.exp(model.stays) + np.exp(model.leaves), 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.exp(model.weights).sum(axis=1), 1.0, atol=0.1)


def test_an_unknown_neighbour_means_the_senones_of_all_neighbours(model):
    phone, right = model.phone("M"), model.phone("IH")
    every = model.states(phone, None, right, BEGIN)
    assert len(every[0]) > 1
    for left in (model.phone("AH"), model.phone("S")):
        for known, union in zip(model.states(phone, left, right, BEGIN), every, strict=True):
            assert len(known) == 1
            assert known[0] in union


def test_a_phone_between_impossible_neighbours_sounds_as_by_itself(model):
    noise = model.phone("+NSN+")
    states = model.states(model.phone("M"), noise, noise, INTERNAL)
    assert [len(choices) for choices in states] == [1, 1, 1]

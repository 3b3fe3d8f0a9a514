from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from qwen_audio_agent.speech.ears.acoustics import AcousticModel
from qwen_audio_agent.speech.ears.alignment import (
    SILENCE,
    best_path,
    phrase_graph,
    sentence_graph,
    spot,
)
from qwen_audio_agent.speech.ears.anything import phone_distances, phone_loop

GO = ("G", "OW")
NO = ("N", "OW")


@pytest.fixture(scope="module")
def model():
    return AcousticModel.load(Path(pocketsphinx.get_model_path("en-us/en-us")))


class Table:
    """Scores that are known: float32 (T, senones)."""

    def __init__(self, scores):
        self.scores = scores

    def of(self, senones):
        return self.scores[:, senones]


def spoken(graph, path, num_senones, contrast=20.0):
    """Scores of a sound that fits `path` and nothing else."""
    scores = np.full((len(path), num_senones), -contrast, np.float32)
    for t, state in enumerate(path):
        scores[t, graph.senones[state]] = 0.0
    return scores


def states_of(graph, owner):
    return [state for state, mine in enumerate(graph.owners) if mine == owner]


def test_each_word_is_found_where_its_sound_is(model):
    graph = sentence_graph(model, [[GO], [NO]])
    silence, go, no = (states_of(graph, owner) for owner in (SILENCE, 0, 1))
    said = np.repeat([*silence[:3], *go, *no, *silence[-6:-3]], 4)
    scores = spoken(graph, said, len(model.phone_of_senone))
    path = best_path(graph, graph.emissions(Table(scores)))
    owners = np.array(graph.owners)
    np.testing.assert_array_equal(owners[path], owners[said])


def test_more_sounds_than_frames_do_not_align(model):
    graph = sentence_graph(model, [[GO], [NO]])
    emitted = np.zeros((11, len(graph.senones)), np.float32)
    assert best_path(graph, emitted) is None
    assert best_path(graph, np.zeros((12, len(graph.senones)), np.float32)) is not None


def test_of_several_pronunciations_the_one_that_fits_is_used(model):
    graph = sentence_graph(model, [[GO, NO]])
    second = states_of(graph, 0)[6:]
    scores = spoken(graph, np.repeat(second, 3), len(model.phone_of_senone))
    path = best_path(graph, graph.emissions(Table(scores)))
    assert set(path) == set(second)


def test_a_phrase_is_spotted_inside_other_sound(model):
    graph = phrase_graph(model, [[GO], [NO]])
    said = np.repeat([*states_of(graph, 0), *states_of(graph, 1)], 3)
    scores = np.full((100, len(model.phone_of_senone)), -20.0, np.float32)
    scores[30 : 30 + len(said)] = spoken(graph, said, scores.shape[1])
    background = np.full(100, -5.0, np.float32)
    sums, begins = spot(graph, graph.emissions(Table(scores)) - background[:, None])
    end = int(sums.argmax())
    assert (int(begins[end]), end) == (30, 30 + len(said) - 1)


def test_the_phone_loop_follows_any_phones(model):
    scores = np.full((60, len(model.phones), 3), -20.0, np.float32)
    for t in range(60):
        phone = (model.phone("S"), model.phone("AA"))[t // 30]
        scores[t, phone, t % 30 // 10] = 0.0
    assert phone_loop(model, scores).tolist() == [0.0] * 60


def test_phones_that_sound_alike_are_near(model):
    distances = phone_distances(model)
    np.testing.assert_allclose(np.diag(distances), 0.0, atol=1e-5)
    np.testing.assert_allclose(distances, distances.T, atol=1e-5)
    m, n, s = (model.phone(name) for name in ("M", "N", "S"))
    assert distances[m, n] < distances[m, s]

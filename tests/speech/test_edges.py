import numpy as np
import pytest

from qwen_audio_agent.speech.edges import refine_edges

RATE = 16000


def noise_with_dip(dip, seconds=1.0):
    samples = np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    samples[int((dip - 0.01) * RATE) : int((dip + 0.01) * RATE)] *= 0.001
    return samples


def test_an_edge_moves_to_the_quiet_place_beside_it():
    (edge,) = refine_edges(noise_with_dip(0.52), RATE, [0.5])
    assert edge == pytest.approx(0.52, abs=0.006)


def test_an_edge_stays_when_the_quiet_place_is_far():
    (edge,) = refine_edges(noise_with_dip(0.7), RATE, [0.5])
    assert abs(edge - 0.5) <= 0.04


def test_edges_keep_their_order_and_equal_ones_stay_equal():
    edges = refine_edges(noise_with_dip(0.505), RATE, [0.49, 0.5, 0.5, 0.51, 0.52])
    assert list(edges) == sorted(edges)
    assert edges[1] == edges[2]
    assert edges[0] < edges[1] < edges[3] < edges[4]


def test_edges_stay_inside_the_sound():
    edges = refine_edges(noise_with_dip(0.0), RATE, [0.0, 1.0])
    assert edges[0] >= 0.0
    assert edges[1] <= 1.0

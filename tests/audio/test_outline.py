"""An outline is the peaks of equal parts, however the sound comes in."""

import numpy as np
import pytest

from qwen_audio_agent.audio.outline import outline
from qwen_audio_agent.audio.samples import Audio, Span


def test_an_outline_is_the_peaks_of_equal_parts():
    samples = np.array([[0.1, -0.4, 0.2, 0.0, 0.0, 0.0], [0, 0, 0, 0.3, 0, -1.5]], np.float32)
    audio = Audio(samples, 8000)
    blocks = [audio.slice(Span(0, 1)), audio.slice(Span(1, 5)), audio.slice(Span(5, 6))]
    assert outline(blocks, 6, 3) == pytest.approx([0.4, 0.3, 1.5])
    assert outline([audio], 6, 1) == pytest.approx([1.5])


def test_parts_without_a_frame_and_sounds_without_any_are_silent():
    audio = Audio(np.full((1, 2), 0.5, np.float32), 8000)
    assert outline([audio], 2, 4) == pytest.approx([0.5, 0, 0.5, 0])
    assert outline([], 0, 3) == pytest.approx([0, 0, 0])


def test_what_is_more_than_was_said_is_not_drawn():
    audio = Audio(np.array([[0.1, 0.2, 0.3, 0.9]], np.float32), 8000)
    blocks = [audio.slice(Span(0, 2)), audio.slice(Span(2, 4)), audio]
    assert outline(blocks, 3, 3) == pytest.approx([0.1, 0.2, 0.3])

"""An audio that is put into itself doubles: there is an end to it, and a long one is read fast."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing import sources as limits
from qwen_audio_agent.editing.edit_list import SILENCE, Clip, EditList, EffectCall
from qwen_audio_agent.editing.render import read_programme
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import EditError


@pytest.fixture
def sources(tmp_path) -> Sources:
    noise = np.random.default_rng(3).normal(0, 0.1, 4_000)
    soundfile.write(tmp_path / "a.wav", noise, 8_000)
    made = Sources(tmp_path / "cache")
    made.add_file("s1", probe(tmp_path / "a.wav"))
    return made


def test_hours_pieces_and_nested_lists_have_an_end(sources):
    hours = EditList((Clip(SILENCE, 0, 8_000 * 3_600 * limits.MAX_HOURS + 8_000),), 8_000, 1)
    with pytest.raises(EditError, match="100 are the most"):
        sources.add_list(hours)
    pieces = EditList((Clip("s1", 0, 10),) * (limits.MAX_CLIPS + 1), 8_000, 1)
    with pytest.raises(EditError, match="50000 are the most"):
        sources.add_list(pieces)
    nested = EditList((Clip("s1", 0, 4_000),), 8_000, 1)
    for _ in range(limits.MAX_NESTED):
        sources.add_list(nested)
        nested = operations.apply_effect(nested, EffectCall("highpass"))
        sources.add_list(nested)
        nested = operations.cut(nested, Span(0, 1))
    with pytest.raises(EditError, match="by turns; 100 are the most"):
        sources.add_list(nested)


def test_any_span_of_many_pieces_is_that_part_of_the_whole(sources):
    rng = np.random.default_rng(4)
    starts = rng.integers(0, 3_900, 300)
    lengths = rng.integers(0, 90, 300)
    joins = rng.integers(0, 60, 300)
    clips = tuple(
        Clip("s1", int(start), int(start + length), join=int(join))
        for start, length, join in zip(starts, lengths, joins, strict=True)
    )
    edit_list = EditList(clips, 8_000, 1, edge=20)
    total = edit_list.num_frames
    whole = read_programme(edit_list, sources, Span(0, total)).samples
    assert whole.shape == (1, total)
    for _ in range(200):
        start, end = sorted(int(at) for at in rng.integers(0, total + 1, 2))
        end = min(end, start + int(rng.integers(0, 300)))
        part = read_programme(edit_list, sources, Span(start, end)).samples
        assert np.array_equal(part, whole[:, start:end]), (start, end)

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.edit_list import Clip, EditList, EffectCall
from qwen_audio_agent.errors import SessionError

frames = st.integers(0, 10_000)
clips = st.builds(
    lambda source, start, length, gain_db, fades: Clip(
        source, start, start + length, gain_db, *fades
    ),
    st.sampled_from(["a", "b", "silence"]),
    frames,
    frames,
    st.floats(-60, 60),
    st.tuples(frames, frames, frames, frames, frames),
)
calls = st.builds(
    EffectCall,
    st.sampled_from(["denoise", "tempo"]),
    st.lists(st.tuples(st.text(max_size=5), st.floats(0, 10)), max_size=2).map(tuple),
)
edit_lists = st.builds(
    EditList,
    st.lists(clips, max_size=5).map(tuple),
    st.integers(1, 192_000),
    st.integers(1, 8),
    st.lists(calls, max_size=2).map(tuple),
    frames,
)


@given(edit_lists)
def test_a_list_comes_back_from_its_json_text_with_the_same_id(edit_list: EditList) -> None:
    again = EditList.from_json(json.loads(json.dumps(edit_list.to_json())))

    assert again == edit_list
    assert again.id == edit_list.id


def test_equal_lists_have_one_id_however_their_numbers_were_written() -> None:
    one = EditList((Clip("a", 0, 5, gain_db=3),), 8000, 1)
    other = EditList((Clip("a", 0, 5, gain_db=3.0),), 8000, 1)

    assert one.id == other.id
    assert one.id != EditList((Clip("a", 0, 5, gain_db=3.1),), 8000, 1).id
    assert (
        EditList((Clip("a", 0, 5, -0.0),), 8000, 1).id == EditList((Clip("a", 0, 5),), 8000, 1).id
    )


GOOD: dict[str, Any] = EditList(
    (Clip("a", 0, 5),), 8000, 1, (EffectCall("denoise", (("strength", 0.5),)),)
).to_json()
CLIP = GOOD["clips"][0]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ([], "JSON object"),
        ("clips", "JSON object"),
        ({key: value for key, value in GOOD.items() if key != "clips"}, "lacks its field 'clips'"),
        (GOOD | {"colour": 1}, "no field 'colour'"),
        (GOOD | {"sample_rate": "8000"}, "sample_rate of an edit list cannot be '8000'"),
        (GOOD | {"sample_rate": True}, "sample_rate"),
        (GOOD | {"sample_rate": 0}, "sample_rate >= 1"),
        (GOOD | {"clips": 3}, "clips"),
        (GOOD | {"clips": [3]}, "a clip is a JSON object"),
        (GOOD | {"clips": [CLIP | {"start": 9}]}, "0 <= start <= end"),
        (GOOD | {"clips": [CLIP | {"end": 5.0}]}, "end of a clip"),
        (GOOD | {"clips": [CLIP | {"gain_db": float("nan")}]}, "finite"),
        (GOOD | {"clips": [CLIP | {"gain_db": 10**400}]}, "an edit list cannot be read"),
        (GOOD | {"effects": [{"name": "reverse"}]}, "no effect 'reverse'"),
        (GOOD | {"effects": [{"name": "denoise", "settings": [["strength"]]}]}, "[name, number]"),
        (GOOD | {"effects": [{"name": "denoise", "settings": [["a", "b"]]}]}, "[name, number]"),
    ],
)
def test_a_broken_list_is_refused_in_one_line(broken: object, says: str) -> None:
    with pytest.raises(SessionError) as caught:
        EditList.from_json(broken)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(clips.filter(lambda clip: clip.num_frames > 1), st.data())
def test_the_slice_of_a_slice_is_one_slice(clip: Clip, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, clip.num_frames - 1))
    last = data.draw(st.integers(first + 1, clip.num_frames))
    inner = data.draw(st.integers(0, last - first - 1))

    twice = clip.slice(Span(first, last)).slice(Span(inner, last - first))

    assert twice == clip.slice(Span(first + inner, last))


def test_the_length_counts_a_tempo() -> None:
    edit_list = EditList((Clip("a", 0, 800),), 8000, 1, (EffectCall("tempo", (("factor", 2.0),)),))

    assert edit_list.num_frames == 400
    assert edit_list.duration == 0.05

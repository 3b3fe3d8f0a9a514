from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import SILENCE, Clip, EditList, EffectCall
from qwen_audio_agent.editing.time_map import TimeMap
from qwen_audio_agent.errors import EditError
from qwen_audio_agent.speech.words import Gap, Transcript, Word

RATE = 1000
ALL = EditList((Clip("a", 0, 10_000),), RATE, 1)
OTHER = EditList((Clip("b", 0, 3000),), RATE, 1)


def tempo(edit_list: EditList, factor: float) -> EditList:
    return operations.apply_effect(edit_list, EffectCall("tempo", (("factor", factor),)))


def scrambled(seed: int) -> EditList:
    """Ten edits by chance."""
    rng = random.Random(seed)
    edit_list = ALL
    for _ in range(10):
        start = rng.randrange(edit_list.num_frames - 1)
        span = Span(start, min(start + rng.randrange(1, 800), edit_list.num_frames))
        to = rng.randrange(edit_list.num_frames + 1)
        kind = rng.choice(["cut", "insert", "move", "silence"])
        if kind == "cut":
            edit_list = operations.cut(edit_list, span)
        elif kind == "insert":
            edit_list = operations.insert(edit_list, to, OTHER, Span(500, 900))
        elif kind == "move" and not span.start < to < span.end:
            edit_list = operations.move(edit_list, span, to)
        else:
            edit_list = operations.silence(edit_list, span)
    return edit_list


@given(st.integers(0, 10_000))
def test_every_frame_of_an_edited_programme_is_found_again_in_its_source(seed: int) -> None:
    edit_list = scrambled(seed)
    time_map = TimeMap.of(edit_list, {})

    heard = [(c.source, frame) for c in edit_list.clips for frame in range(c.start, c.end)]
    for frame in range(0, edit_list.num_frames, 293):
        assert time_map.to_source(frame) == heard[frame]
        assert frame in time_map.to_programme(*heard[frame])
    assert time_map.to_source(edit_list.num_frames) is None
    assert time_map.to_source(-1) is None


@given(st.integers(0, 10_000), st.integers(0, 9999))
def test_a_source_frame_is_heard_wherever_it_was_put_and_nowhere_else(seed: int, at: int) -> None:
    edit_list = scrambled(seed)

    places = TimeMap.of(edit_list, {}).to_programme("a", at)

    heard = [(c.source, frame) for c in edit_list.clips for frame in range(c.start, c.end)]
    assert list(places) == [i for i, what in enumerate(heard) if what == ("a", at)]


def test_five_hundred_cuts_drift_by_nothing() -> None:
    spans = [Span(at, at + 7) for at in range(10, 10_000_000, 20_000)]
    whole = EditList((Clip("a", 0, 10_000_000),), RATE, 1)
    time_map = TimeMap.of(operations.cut(whole, *spans), {})

    for index, span in list(enumerate(spans))[::20]:
        assert time_map.to_programme("a", span.end) == (span.end - 7 * (index + 1),)
        assert time_map.to_programme("a", span.start) == ()


def test_clips_that_go_on_are_one_stretch() -> None:
    louder = operations.gain(ALL, 6, Span(100, 200))

    assert len(TimeMap.of(louder, {}).stretches) == 1


@given(st.sampled_from([0.5, 0.7, 0.9, 1.1, 1.5, 2.0]), st.integers(0, 9999))
def test_a_tempo_is_mapped_both_ways(factor: float, frame: int) -> None:
    time_map = TimeMap.of(tempo(ALL, factor), {})

    (place,) = time_map.to_programme("a", frame)
    assert abs(place - frame / factor) <= 1.5
    if factor <= 1:
        assert time_map.to_source(place) == ("a", frame)
    source = time_map.to_source(min(round(frame / factor), time_map.num_frames - 1))
    assert source is not None
    assert abs(source[1] - frame) <= 2


@given(st.integers(0, 10_000))
def test_lists_inside_lists_are_mapped_down_to_the_recordings(seed: int) -> None:
    first = tempo(scrambled(seed), 0.8)
    second = operations.cut(first, Span(1000, 1100))
    third = operations.cut(tempo(second, 1.25), Span(0, 50))
    lists = {edit_list.id: edit_list for edit_list in (first, tempo(second, 1.25))}

    time_map = TimeMap.of(third, lists)

    inner = TimeMap.of(first, {})
    for frame in range(0, third.num_frames, 397):
        place = (frame + 50) * 1.25
        place += 100 if place >= 1000 else 0
        found = time_map.to_source(frame)
        assert found is not None
        # Rounding at each of the three lists moves a place by at most a few frames.
        near = range(round(place) - 2, min(round(place) + 3, first.num_frames))
        expected = [inner.to_source(there) for there in near]
        assert any(e and e[0] == found[0] and abs(e[1] - found[1]) <= 3 for e in expected)


def test_a_list_of_another_rate_is_mapped_by_time() -> None:
    other = EditList((Clip("b", 3000, 6000),), 3000, 2)
    edited = operations.insert(ALL, 500, other)

    time_map = TimeMap.of(edited, {other.id: other})

    assert time_map.to_source(500) == ("b", 1000)
    assert time_map.to_source(1499) == ("b", 1999)
    assert time_map.to_source(1500) == ("a", 500)


def test_a_list_that_contains_itself_is_refused() -> None:
    loop = EditList((Clip("loop", 0, 5),), RATE, 1)

    with pytest.raises(EditError, match="contains itself"):
        TimeMap.of(loop, {"loop": loop})


def test_an_empty_programme_has_no_frame() -> None:
    assert TimeMap.of(EditList((), RATE, 1), {}).to_source(0) is None


SAID = Transcript(
    words=(
        Word("one", 0.5, 1.0, probability=0.9),
        Word("two", 2.0, 3.0, start_error=0.01),
        Word("um", 4.0, 4.5, kind="filler"),
        Word("three", 5.0, 6.0),
    ),
    duration=10.0,
    language="en-GB",
    ear="a test",
    gaps=(Gap(1.0, 2.0), Gap(3.0, 4.0, "breath")),
)


def retimed(edit_list: EditList, lists: dict[str, EditList] | None = None) -> Transcript:
    return TimeMap.of(edit_list, lists or {}).retime({"a": SAID})


def test_an_unedited_programme_has_the_transcript_of_its_recording() -> None:
    assert retimed(ALL) == SAID


def test_words_move_with_their_sound_and_vanish_with_it() -> None:
    said = retimed(operations.cut(ALL, Span(1500, 3500)))

    assert [(word.text, word.start, word.end) for word in said.words] == [
        ("one", 0.5, 1.0),
        ("um", 2.0, 2.5),
        ("three", 3.0, 4.0),
    ]
    assert said.words[0].probability == 0.9
    assert said.words[1].kind == "filler"
    assert said.gaps == (Gap(1.0, 1.5), Gap(1.5, 2.0, "breath"))
    assert (said.duration, said.language, said.ear) == (8.0, "en-GB", "a test")


@pytest.mark.parametrize(("end", "is_there"), [(2499, True), (2500, True), (2501, False)])
def test_a_word_of_which_less_than_half_is_left_is_gone(end: int, is_there: bool) -> None:
    texts = [word.text for word in retimed(operations.cut(ALL, Span(1500, end))).words]

    assert ("two" in texts) == is_there


def test_a_word_with_its_middle_cut_out_is_one_shorter_word() -> None:
    two = retimed(operations.cut(ALL, Span(2300, 2600))).words[1]

    assert (two.text, two.start, two.end) == ("two", 2.0, 2.7)


def test_a_word_whose_level_changes_in_its_middle_is_still_one_word() -> None:
    assert retimed(operations.gain(ALL, -3, Span(2300, 2600))) == SAID


def test_a_word_that_was_repeated_is_there_twice_and_in_order() -> None:
    edited = operations.insert(ALL, 4000, ALL, Span(1900, 3100))

    said = retimed(edited)

    assert [word.text for word in said.words] == ["one", "two", "two", "um", "three"]
    assert [word.start for word in said.words] == [0.5, 2.0, 4.1, 5.2, 6.2]


def test_silenced_words_are_gone_and_nothing_else_moves() -> None:
    said = retimed(operations.silence(ALL, Span(1900, 3100)))

    assert [(word.text, word.start) for word in said.words] == [
        ("one", 0.5),
        ("um", 4.0),
        ("three", 5.0),
    ]


def test_words_slow_down_with_a_tempo_below_the_edit() -> None:
    slow = tempo(ALL, 0.5)
    edited = operations.cut(slow, Span(0, 1000))

    said = TimeMap.of(edited, {slow.id: slow}).retime({"a": SAID})

    assert [(word.text, word.start, word.end) for word in said.words][:2] == [
        ("one", 0.0, 1.0),
        ("two", 3.0, 5.0),
    ]


def test_words_of_several_recordings_come_together() -> None:
    edited = operations.insert(ALL, 1500, OTHER)

    said = TimeMap.of(edited, {}).retime({"a": SAID, "b": Transcript((Word("hey", 1, 2),), 3.0)})

    assert [(word.text, word.start) for word in said.words][:3] == [
        ("one", 0.5),
        ("hey", 2.5),
        ("two", 5.0),
    ]


def test_a_word_without_length_is_where_its_sound_would_be() -> None:
    said = Transcript((Word("x", 2.0, 2.0),), 10.0)

    there = TimeMap.of(operations.cut(ALL, Span(0, 1000)), {}).retime({"a": said})
    gone = TimeMap.of(operations.cut(ALL, Span(1000, 3000)), {}).retime({"a": said})

    assert [word.start for word in there.words] == [1.0]
    assert gone.words == ()


def test_bleeps_and_silences_say_nothing() -> None:
    silent = EditList((Clip(SILENCE, 0, 1000),), RATE, 1)

    assert TimeMap.of(silent, {}).retime({"a": SAID}).words == ()

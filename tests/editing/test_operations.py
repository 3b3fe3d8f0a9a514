from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace as with_fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import BLEEP, SILENCE, Clip, EditList, EffectCall
from qwen_audio_agent.errors import EditError

RATE = 8000
ALL = EditList((Clip("a", 0, 1000),), RATE, 1)
OTHER = EditList((Clip("b", 0, 300),), RATE, 1)


def heard(edit_list: EditList) -> list[tuple[str, int]]:
    """Source and frame of every frame of a programme; two lists that sound alike have it alike."""
    return [(c.source, frame) for c in edit_list.clips for frame in range(c.start, c.end)]


A = heard(ALL)
B = heard(OTHER)


def test_cut_removes_the_span_and_closes_the_gap() -> None:
    edited = operations.cut(ALL, Span(200, 300), join=10)

    assert heard(edited) == A[:200] + A[300:]
    assert [clip.join for clip in edited.clips] == [0, 10]


def test_roll_moves_one_join_and_no_other_time() -> None:
    edited = operations.cut(ALL, Span(200, 300), Span(600, 700), join=10)

    later, earlier = operations.roll(edited, 1, 7, 30), operations.roll(edited, 2, -7, 20)

    assert heard(later) == A[:207] + A[307:600] + A[700:]
    assert [clip.join for clip in later.clips] == [0, 30, 10]
    assert heard(earlier) == A[:200] + A[300:593] + A[693:]
    assert later.num_frames == earlier.num_frames == edited.num_frames


def test_cut_takes_many_spans_in_any_order_even_overlapping() -> None:
    edited = operations.cut(ALL, Span(600, 700), Span(100, 200), Span(650, 800))

    assert heard(edited) == A[:100] + A[200:600] + A[800:]


def test_keep_keeps_only_the_spans_in_order_of_time() -> None:
    assert heard(operations.keep(ALL, Span(500, 600), Span(0, 10))) == A[:10] + A[500:600]


def test_insert_splices_a_part_of_another_recording_in() -> None:
    edited = operations.insert(ALL, 400, OTHER, Span(50, 60), join=7)

    assert heard(edited) == A[:400] + B[50:60] + A[400:]
    assert [clip.join for clip in edited.clips] == [0, 7, 7]


def test_insert_at_the_end_joins_two_recordings() -> None:
    assert heard(operations.insert(ALL, 1000, OTHER)) == A + B


def test_sounds_that_overlap_share_the_time_of_their_crossfade() -> None:
    at_end = operations.insert(ALL, 1000, OTHER, join=40, overlap=True)
    inside = operations.insert(ALL, 500, OTHER, join=40, overlap=True)

    assert heard(at_end) == A[:960] + B[40:]
    assert heard(inside) == A[:460] + B[40:260] + A[540:]
    assert [clip.join for clip in inside.clips] == [0, 40, 40]
    assert heard(operations.insert(ALL, 0, OTHER, join=40, overlap=True)) == B[:260] + A[40:]


@pytest.mark.parametrize("at", [0, 100, 900, 1000])
def test_an_overlap_that_is_too_long_is_refused(at: int) -> None:
    with pytest.raises(EditError, match="too long here: give up to 0"):
        operations.insert(ALL, at, OTHER, join=160, overlap=True)


def test_replace_puts_other_sound_in_the_place_of_the_span() -> None:
    assert heard(operations.replace(ALL, Span(0, 900), OTHER)) == B + A[900:]


@pytest.mark.parametrize("to", [0, 100, 200, 300, 800, 1000])
def test_move_takes_the_span_to_another_place(to: int) -> None:
    moved = heard(operations.move(ALL, Span(200, 300), to))

    rest = A[:200] + A[300:]
    at = to if to <= 200 else to - 100
    assert moved == rest[:at] + A[200:300] + rest[at:]


def test_silence_keeps_the_time() -> None:
    edited = operations.silence(ALL, Span(100, 400))

    assert edited.num_frames == 1000
    assert [clip.source for clip in edited.clips] == ["a", SILENCE, "a"]


def test_silence_repeats_a_short_fill_from_changing_places() -> None:
    fill = operations.keep(OTHER, Span(100, 200))

    edited = operations.silence(ALL, Span(100, 400), fill, join=10)

    filled = heard(edited)[100:400]
    assert {source for source, _ in filled} == {"b"}
    assert {frame for _, frame in filled} <= set(range(100, 200))
    assert len({clip.start for clip in edited.clips if clip.source == "b"}) > 2
    assert all(clip.join == 10 for clip in edited.clips[1:])


def test_silence_with_a_bleep_is_one_clip_however_long() -> None:
    bleep = EditList((Clip(BLEEP, 0, 300, gain_db=-20),), RATE, 1)

    edited = operations.silence(ALL, Span(100, 400), bleep)

    assert [clip.source for clip in edited.clips] == ["a", BLEEP, "a"]


def test_a_fill_too_short_to_be_repeated_is_refused() -> None:
    with pytest.raises(EditError, match="too short to be repeated"):
        operations.silence(ALL, Span(0, 400), operations.keep(OTHER, Span(0, 20)), join=10)


def test_gain_changes_the_level_of_the_span_alone_and_can_be_taken_back() -> None:
    louder = operations.gain(ALL, 0.1, Span(100, 200))
    assert [clip.gain_db for clip in louder.clips] == [0, 0.1, 0]
    assert heard(louder) == A

    back = operations.gain(operations.gain(louder, 0.2, Span(100, 200)), -0.3, Span(100, 200))
    assert back.clips == ALL.clips


def test_a_fade_longer_than_the_first_clip_goes_on_in_the_next() -> None:
    edited = operations.cut(ALL, Span(100, 200))

    faded = operations.fade(edited, fade_in=300, fade_out=50)

    first, second = faded.clips
    assert (first.fade_in, first.fade_in_past) == (300, 0)
    assert (second.fade_in, second.fade_in_past) == (300, 100)
    assert (second.fade_out, second.fade_out_past) == (50, 0)
    assert first.fade_out == 0


def test_a_cut_inside_a_fade_keeps_both_parts_of_it() -> None:
    faded = operations.fade(ALL, fade_in=300)

    first, second = operations.cut(faded, Span(100, 150)).clips

    assert (first.fade_in, first.fade_in_past) == (300, 0)
    assert (second.fade_in, second.fade_in_past) == (300, 150)


def test_an_effect_goes_after_the_effects_that_are_there() -> None:
    call = EffectCall("highpass", (("cutoff_hz", 80.0),))

    assert operations.apply_effect(operations.apply_effect(ALL, call), call).effects == (call, call)
    with pytest.raises(EditError, match="highpass"):
        operations.apply_effect(ALL, EffectCall("highpass", (("cutof", 80.0),)))


def test_an_edit_after_an_effect_starts_a_list_that_holds_the_finished_sound() -> None:
    slow = operations.apply_effect(ALL, EffectCall("tempo", (("factor", 0.5),)))

    edited = operations.cut(slow, Span(1500, 1600))

    assert edited.effects == ()
    assert [(c.source, c.start, c.end) for c in edited.clips] == [
        (slow.id, 0, 1500),
        (slow.id, 1600, 2000),
    ]


def test_sound_of_another_rate_is_taken_by_the_frames_of_its_own_rate() -> None:
    other = EditList((Clip("c", 0, 44100),), 44100, 2)

    edited = operations.insert(ALL, 0, other, Span(22050, 44100))

    first = edited.clips[0]
    assert (first.source, first.start, first.end) == (other.id, 4000, 8000)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda: operations.cut(ALL, Span(0, 1001)), "0.12 s long; end is 0.13 s"),
        (lambda: operations.cut(ALL, Span(1600, 1700)), "0.12 s long; start is 0.20 s"),
        (lambda: operations.cut(ALL, Span(5, 5)), "start and end are both 0.00 s"),
        (lambda: operations.cut(ALL, Span(0, 1000)), "nothing of the audio"),
        (lambda: operations.cut(ALL), "no span"),
        (lambda: operations.keep(ALL, Span(0, 1001)), "end is"),
        (lambda: operations.insert(ALL, 1001, OTHER), "at is 0.13 s"),
        (lambda: operations.insert(ALL, -1, OTHER), "at is"),
        (lambda: operations.insert(ALL, 0, OTHER, Span(0, 301)), "0.04 s long; end is 0.04 s"),
        (lambda: operations.move(ALL, Span(0, 100), 50), "into itself"),
        (lambda: operations.gain(ALL, 61), "-60 to 60 dB"),
        (lambda: operations.gain(ALL, float("nan")), "-60 to 60 dB"),
        (lambda: operations.fade(ALL, fade_in=1001), "fade in is 0.13 s"),
        (lambda: operations.fade(ALL, fade_out=200, span=Span(0, 100)), "fade out is 0.03 s"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(edit: Callable[[], EditList], says: str) -> None:
    with pytest.raises(EditError) as caught:
        edit()

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


spans = st.tuples(st.integers(0, 999), st.integers(1, 300)).map(
    lambda t: Span(t[0], min(t[0] + t[1], 1000))
)


@given(spans.filter(lambda span: span.num_frames < 1000), st.integers(0, 50))
def test_what_was_cut_and_put_back_is_the_recording_again(span: Span, join: int) -> None:
    edited = operations.cut(ALL, span, join=join)

    restored = operations.insert(edited, span.start, ALL, span, join=join)

    assert restored.clips == ALL.clips


@given(spans, st.integers(0, 1000))
def test_a_span_moved_away_and_back_is_the_recording_again(span: Span, to: int) -> None:
    if span.start < to < span.end:
        return
    moved = operations.move(ALL, span, to)
    start = to if to <= span.start else to - span.num_frames

    # What lay between the two places has gone the other way.
    back = span.start if to >= span.end else span.end
    restored = operations.move(moved, Span(start, start + span.num_frames), back)

    assert restored.clips == ALL.clips


class Model:
    """The same edits on a plain list of frames, to compare with."""

    def __init__(self) -> None:
        self.edit_list = ALL
        self.frames = list(A)

    def step(self, kind: str, start: int, length: int, to: int) -> None:
        n = len(self.frames)
        span = Span(start % n, min(start % n + length, n))
        to %= n + 1
        frames, first, last = self.frames, span.start, span.end
        silent = [(SILENCE, frame) for frame in range(span.num_frames)]
        if kind == "cut" and span.num_frames < n:
            self.edit_list = operations.cut(self.edit_list, span)
            self.frames = frames[:first] + frames[last:]
        elif kind == "insert":
            self.edit_list = operations.insert(self.edit_list, to, OTHER, Span(10, 30))
            self.frames = frames[:to] + B[10:30] + frames[to:]
        elif kind == "replace":
            self.edit_list = operations.replace(self.edit_list, span, OTHER)
            self.frames = frames[:first] + B + frames[last:]
        elif kind == "move" and not first < to < last:
            self.edit_list = operations.move(self.edit_list, span, to)
            at = to if to <= first else to - span.num_frames
            rest = frames[:first] + frames[last:]
            self.frames = rest[:at] + frames[first:last] + rest[at:]
        elif kind == "silence":
            self.edit_list = operations.silence(self.edit_list, span)
            self.frames = frames[:first] + silent + frames[last:]
        elif kind == "gain":
            self.edit_list = operations.gain(self.edit_list, 3, span)
        elif kind == "fade":
            self.edit_list = operations.fade(self.edit_list, span.num_frames, 0, span)


steps = st.tuples(
    st.sampled_from(["cut", "insert", "replace", "move", "silence", "gain", "fade"]),
    st.integers(0, 5000),
    st.integers(1, 400),
    st.integers(0, 5000),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=12))
def test_any_sequence_of_edits_keeps_every_frame_in_its_place(
    edits: list[tuple[str, int, int, int]],
) -> None:
    model = Model()
    for edit in edits:
        model.step(*edit)

    assert heard(model.edit_list) == model.frames
    assert model.edit_list.num_frames == len(model.frames)
    assert EditList.from_json(model.edit_list.to_json()) == model.edit_list


def test_five_hundred_cuts_one_after_the_other_are_five_hundred_cuts_at_once() -> None:
    spans = [Span(at, at + 7) for at in range(0, 100_000, 200)]
    whole = EditList((Clip("a", 0, 100_000),), RATE, 1)

    at_once = operations.cut(whole, *spans)
    one_by_one = functools.reduce(operations.cut, reversed(spans), whole)

    assert at_once.clips == one_by_one.clips
    assert at_once.num_frames == 100_000 - 500 * 7


def test_an_edit_changes_nothing_in_the_list_that_it_was_given() -> None:
    before = with_fields(ALL)

    operations.cut(ALL, Span(0, 10))

    assert before == ALL

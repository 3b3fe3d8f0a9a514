"""Chapters and lyrics at new times: against a search of every frame, and by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.audio.tags.values import Chapter, Tags, TimedText, in_order
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import SILENCE, Clip, EditList, EffectCall
from qwen_audio_agent.editing.retiming import HeardPlaces, retime_tags
from qwen_audio_agent.editing.time_map import TimeMap

LENGTH = 200
CLIPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "a", "a", "b", SILENCE]), st.integers(0, 190), st.integers(1, 60)
    ),
    min_size=1,
    max_size=8,
)
SPANS = st.lists(st.tuples(st.integers(0, LENGTH - 1), st.integers(1, 80)), min_size=1, max_size=6)


def programme(clips: list[tuple[str, int, int]], rate: int = 1000) -> EditList:
    made = [Clip(source, start, min(start + length, LENGTH)) for source, start, length in clips]
    return EditList(tuple(made), rate, 1)


def searched(time_map: TimeMap, start: int, end: int) -> tuple[int, int] | None:
    """Where [start, end) of "a" is heard: looks at every frame of the programme."""
    first_heard: dict[int, int] = {}
    for frame in range(time_map.num_frames):
        source, place = time_map.to_source(frame) or ("", 0)
        if source == "a":
            first_heard.setdefault(place, frame)
    kept = [place for place in range(start, end) if place in first_heard]
    if not kept:
        return None
    begin, finish = first_heard[kept[0]], first_heard[kept[-1]] + 1
    if finish <= begin:  # put into another order: as far as it goes on from its first sound
        finish = begin
        place = kept[0]
        while place < end and first_heard.get(place) == finish:
            finish, place = finish + 1, place + 1
    return begin, finish


@given(CLIPS, SPANS)
def test_places_are_those_that_a_search_of_every_frame_finds(
    clips: list[tuple[str, int, int]], spans: list[tuple[int, int]]
) -> None:
    time_map = TimeMap.of(programme(clips), {})
    heard = HeardPlaces(time_map, "a", 1000)
    for start, length in spans:
        assert heard.span(start, start + length) == searched(time_map, start, start + length)


@given(CLIPS, st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_chapters_in_a_row_begin_at_their_first_kept_sound_and_end_at_the_next(
    clips: list[tuple[str, int, int]], lengths: list[int]
) -> None:
    borders = [0, *accumulate(lengths)]
    chapters = tuple(Chapter(start, end, str(start)) for start, end in pairwise(borders))
    time_map = TimeMap.of(programme(clips), {})

    retimed = retime_tags(Tags(1000, chapters=chapters), time_map, "a").chapters

    places = {c.title: searched(time_map, c.start, c.end) for c in chapters}
    starts = {title: place[0] for title, place in places.items() if place}
    assert {c.title: c.start for c in retimed} == starts
    assert [c.start for c in retimed] == sorted(c.start for c in retimed)
    for chapter, following in pairwise(retimed):
        assert chapter.start < chapter.end <= following.start
    assert all(0 <= c.start < c.end <= time_map.num_frames for c in retimed)


@given(
    st.floats(0.5, 2.0),
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 90)), max_size=4),
    st.sampled_from([8000, 11_025, 44_100, 48_000]),
    st.integers(0, 950),
)
def test_tempo_and_rates_keep_a_start_within_a_frame_of_the_time_map(
    factor: float, cuts: list[tuple[int, int]], rate: int, start_ms: int
) -> None:
    whole = EditList((Clip("a", 0, rate),), rate, 1)
    for start, length in cuts:
        span = Span(start * rate // 1000, min((start + length) * rate // 1000, rate))
        if span.end <= whole.num_frames and span.num_frames < whole.num_frames:
            whole = operations.cut(whole, span)
    edit_list = replace(whole, effects=(EffectCall("tempo", (("factor", factor),)),))
    time_map = TimeMap.of(edit_list, {})
    start = start_ms * 16  # of a recording at 16 kHz, which was resampled
    chapter = Chapter(start, 16_000, "x")

    found = retime_tags(Tags(16_000, chapters=(chapter,)), time_map, "a").chapters

    place = Fraction(start * rate, 16_000)
    after = [max(s.source_start, place) for s in time_map.stretches if s.source_end > place]
    if not after or not found:
        assert not after or time_map.num_frames * 1.0 < 2
        return
    exact = min(
        s.to_programme(max(s.source_start, place))
        for s in time_map.stretches
        if s.source_end > place
    )
    assert 0 <= found[0].start - exact < 1


def cut(chapters: tuple[Chapter, ...], *spans: Span) -> list[tuple[int, int, str]]:
    edit_list = EditList((Clip("a", 0, 1000),), 1000, 1)
    for span in spans:
        edit_list = operations.cut(edit_list, span)
    tags = retime_tags(Tags(1000, chapters=chapters), TimeMap.of(edit_list, {}), "a")
    return [(c.start, c.end, c.title) for c in tags.chapters]


ROW = (Chapter(0, 300, "one"), Chapter(300, 600, "two"), Chapter(600, 1000, "three"))


def test_a_chapter_whose_sound_went_is_gone() -> None:
    assert cut(ROW, Span(300, 600)) == [(0, 300, "one"), (300, 700, "three")]


def test_a_cut_is_half_open() -> None:
    assert cut(ROW, Span(300, 599)) == [(0, 300, "one"), (300, 301, "two"), (301, 701, "three")]
    assert cut(ROW, Span(0, 300)) == [(0, 300, "two"), (300, 700, "three")]


def test_a_chapter_that_lost_its_beginning_begins_at_the_join() -> None:
    assert cut(ROW, Span(250, 350)) == [(0, 250, "one"), (250, 500, "two"), (500, 900, "three")]


def test_what_is_put_between_two_chapters_belongs_to_the_first() -> None:
    clips = (Clip("a", 0, 300), Clip(SILENCE, 0, 50), Clip("a", 600, 1000))
    time_map = TimeMap.of(EditList(clips, 1000, 1), {})
    tags = retime_tags(Tags(1000, chapters=ROW), time_map, "a")
    assert [(c.start, c.end) for c in tags.chapters] == [(0, 350), (350, 750)]


def test_a_teaser_from_the_middle_moves_no_chapter() -> None:
    clips = (Clip("a", 700, 750), Clip("a", 0, 1000))
    time_map = TimeMap.of(EditList(clips, 1000, 1), {})
    tags = retime_tags(Tags(1000, chapters=ROW), time_map, "a")
    assert [(c.start, c.title) for c in tags.chapters] == [
        (50, "one"),
        (350, "two"),
        (650, "three"),
    ]


def test_chapters_within_chapters_stay_so() -> None:
    nested = (Chapter(0, 1000, "all"), Chapter(0, 500, "half"), Chapter(500, 1000, "rest"))
    assert cut(nested, Span(100, 200)) == [(0, 900, "all"), (0, 400, "half"), (400, 900, "rest")]


def test_a_gap_between_chapters_stays_a_gap() -> None:
    apart = (Chapter(0, 300, "one"), Chapter(600, 1000, "three"))
    assert cut(apart, Span(100, 200)) == [(0, 200, "one"), (500, 900, "three")]


def test_lines_of_lyrics_go_with_their_sound() -> None:
    lines = tuple(TimedText(at, at + 100, str(at), "SYLT") for at in range(0, 1000, 100))
    edit_list = operations.cut(EditList((Clip("a", 0, 1000),), 1000, 1), Span(250, 600))
    tags = retime_tags(Tags(1000, timed=lines), TimeMap.of(edit_list, {}), "a")
    assert [(line.start, line.text) for line in tags.timed] == [
        (0, "0"),
        (100, "100"),
        (200, "200"),
        (250, "600"),
        (350, "700"),
        (450, "800"),
        (550, "900"),
    ]


def test_ten_thousand_chapters_and_as_many_cuts_take_no_time_to_speak_of() -> None:
    clips = tuple(Clip("a", 100 * i, 100 * i + 60) for i in range(10_000))
    chapters = tuple(Chapter(100 * i, 100 * i + 100, str(i)) for i in range(10_000))
    time_map = TimeMap.of(EditList(clips, 1000, 1), {})
    tags = retime_tags(Tags(1000, chapters=chapters), time_map, "a")
    assert [c.start for c in tags.chapters] == [60 * i for i in range(10_000)]


@pytest.mark.parametrize(
    ("given_spans", "wanted"),
    [
        ([(500, 100), (100, 900)], [(100, 900), (500, 1000)]),
        ([(0, 0), (500, 500)], [(0, 500), (500, 1000)]),
        ([(0, 5000), (2000, 3000)], [(0, 1000)]),
        ([(300, -1), (300, -1), (700, -1)], [(300, 700), (300, 700), (700, 1000)]),
    ],
)
def test_chapters_are_put_in_order(
    given_spans: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    chapters = [Chapter(start, end) for start, end in given_spans]
    assert [(c.start, c.end) for c in in_order(chapters, 1000, [])] == wanted

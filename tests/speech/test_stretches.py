from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.audio.activity import Activity
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.speech.stretches import cut_at_pauses, gather, inside, stitch, widened
from qwen_audio_agent.speech.words import Gap, Match, Transcript, Word

RATE = 1000


def activity(pauses, duration, quiet_at=None):
    """Speech but for the `pauses` (in seconds), loud but for 50 ms from `quiet_at` on."""
    edges = [0.0, *(edge for pause in pauses for edge in pause), duration]
    speech = [
        Span(round(a * RATE), round(b * RATE))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if b > a
    ]
    power = np.ones(round(duration * 100), np.float32)
    if quiet_at is not None:
        power[round(quiet_at * 100) : round(quiet_at * 100) + 5] = 0.1
    return Activity(RATE, round(duration * RATE), tuple(speech), power)


def seconds(spans):
    return [span.seconds(RATE) for span in spans]


def test_what_is_short_enough_stays_whole():
    assert seconds(cut_at_pauses(activity([(10, 12)], 30.0))) == [(0.0, 30.0)]


def test_the_cut_is_in_the_middle_of_the_longest_pause_in_reach():
    pauses = [(3, 7), (10, 10.5), (20, 22), (25, 25.9), (31, 40)]
    assert seconds(cut_at_pauses(activity(pauses, 45.0)))[0] == (0.0, 21.0)


def test_without_a_pause_two_stretches_overlap_at_the_quietest_place():
    spans = seconds(cut_at_pauses(activity([(10, 10.1)], 50.0, quiet_at=22.0)))
    assert spans == [(0.0, pytest.approx(23.025, abs=0.02)), (spans[0][1] - 2.0, 50.0)]


@given(st.lists(st.floats(0.0, 40.0), max_size=30), st.floats(0.1, 300.0))
def test_stretches_cover_everything_and_are_neither_short_nor_long(lengths, duration):
    edges = [edge for edge in np.cumsum(lengths) if edge < duration]
    pauses = list(zip(edges[::2], edges[1::2], strict=False))
    spans = cut_at_pauses(activity(pauses, duration))
    assert spans[0].start == 0
    assert spans[-1].end == round(duration * RATE)
    assert all(a.start < b.start <= a.end < b.end for a, b in pairwise(spans))
    assert all(span.num_frames <= 30 * RATE for span in spans)
    assert all(span.num_frames >= 8 * RATE - 1 for span in spans[:-1])
    assert len(spans) == 1 or spans[-1].num_frames >= 8 * RATE - 1


def hear_like_an_ear(truth, span):
    """Only words that are wholly inside are heard."""
    return inside(truth, span, RATE)


@given(st.data())
def test_words_on_either_side_of_a_cut_through_speech_come_once_and_in_order(data):
    lengths = data.draw(st.lists(st.integers(50, 900), min_size=5, max_size=60))
    edges = [0, *np.cumsum(lengths).tolist()]
    truth = Transcript(
        tuple(Word(f"w{i}", a / RATE, b / RATE) for i, (a, b) in enumerate(pairwise(edges))),
        edges[-1] / RATE,
    )
    spans = []
    start = 0
    while edges[-1] - start > 6000:
        cut = start + data.draw(st.integers(3000, 4000))
        spans.append(Span(start, cut + 1000))
        start = cut - 1000
    spans.append(Span(start, edges[-1]))
    whole = stitch(spans, [hear_like_an_ear(truth, span) for span in spans], RATE)
    assert [word.text for word in whole.words] == [word.text for word in truth.words]
    for heard, word in zip(whole.words, truth.words, strict=True):
        assert (heard.start, heard.end) == pytest.approx((word.start, word.end))
    assert whole.duration == truth.duration


def test_a_word_that_both_hear_a_little_differently_comes_once():
    left = Transcript((Word("a", 8.0, 8.6), Word("house", 8.7, 9.3)), 10.0)
    right = Transcript((Word("mouse", 0.72, 1.28), Word("ran", 1.4, 1.9)), 10.0)
    whole = stitch([Span(0, 10_000), Span(8000, 18_000)], [left, right], RATE)
    texts = [word.text for word in whole.words]
    assert len(texts) == 3
    assert texts[1] in {"house", "mouse"}
    assert all(a.end <= b.start for a, b in pairwise(whole.words))


def test_a_silence_that_a_cut_parts_is_one_again():
    parts = [
        Transcript((), 10.0, ear="e", gaps=(Gap(1.0, 2.0, "breath"), Gap(9.0, 10.0))),
        Transcript((), 5.0, gaps=(Gap(0.0, 1.5), Gap(1.5, 2.0, "breath"))),
    ]
    whole = stitch([Span(0, 10_000), Span(10_000, 15_000)], parts, RATE)
    assert whole.gaps == (Gap(1.0, 2.0, "breath"), Gap(9.0, 11.5), Gap(11.5, 12.0, "breath"))
    assert (whole.duration, whole.ear) == (15.0, "e")


def test_inside_leaves_out_words_that_are_cut_and_counts_from_the_start():
    words = (Word("a", 0.5, 1.5), Word("b", 2.0, 2.5), Word("c", 2.75, 3.25))
    heard = Transcript(words, 5.0, gaps=(Gap(1.5, 2.0), Gap(2.5, 2.75)))
    assert inside(heard, Span(1750, 3000), RATE) == Transcript(
        (Word("b", 0.25, 0.75),), 1.25, gaps=(Gap(0.0, 0.25), Gap(0.75, 1.0))
    )


def test_widened_stretches_reach_into_their_neighbours_but_not_beyond_the_end():
    spans = [Span(0, 1000), Span(1000, 1500), Span(1500, 2000)]
    assert widened(spans, 0.7, RATE) == (Span(0, 1700), Span(1000, 2000), Span(1500, 2000))


def test_what_two_stretches_found_in_one_place_is_one_match():
    sure = Match("x", 9.0, 9.5, 0.9)
    spans = [Span(0, 10_000), Span(8000, 15_000)]
    cut_off = replace(sure, start=0.8, end=1.5, probability=0.5)
    later = Match("x", 4.0, 4.5, 0.95)
    found = gather(spans, [[sure], [cut_off, later]], RATE)
    assert found == (replace(later, start=12.0, end=12.5), sure)


def test_the_nearest_places_are_given_only_when_none_is_sure():
    doubtful = [Match("y", i, i + 0.5, i / 10, doubtful=True) for i in range(9)]
    sure = Match("x", 20.0, 20.5, 0.2)
    assert gather([Span(0, 30_000)], [[*doubtful, sure]], RATE) == (sure,)
    nearest = gather([Span(0, 30_000)], [doubtful], RATE)
    assert [match.probability for match in nearest] == [0.8, 0.7, 0.6]

"""Stop strings, wherever the text is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.chat_models.calling import StopMatcher

STOP = "\nObservation:"


def through(matcher: StopMatcher, pieces: list[str], **ending: bool) -> str:
    return "".join(map(matcher.feed, pieces)) + matcher.finish(**ending)


@pytest.mark.parametrize(
    "pieces",
    [
        ['{"audio": 1}\n', "Observ", "ation", ":", " Cut."],
        ['{"audio": 1}', "\nObservation: Cut.", " More"],
        list('{"audio": 1}\nObservation: Cut.'),
    ],
)
def test_a_stop_is_dropped_with_all_after_it(pieces: list[str]) -> None:
    matcher = StopMatcher([STOP])
    assert through(matcher, pieces) == '{"audio": 1}'
    assert matcher.stopped
    assert matcher.feed("more") == ""


def test_what_may_be_a_stop_is_held_back_until_it_is_none() -> None:
    matcher = StopMatcher([STOP])
    assert matcher.feed("I see.\nObserv") == "I see."
    assert matcher.feed("e this.") == "\nObserve this."
    assert not matcher.stopped


def test_the_beginning_of_a_stop_stays_unless_a_stop_ended_the_text() -> None:
    assert through(StopMatcher([STOP]), ["um\nObserv"]) == "um\nObserv"
    assert through(StopMatcher([STOP]), ["um\nObserv"], by_stop=True) == "um"
    assert through(StopMatcher([STOP]), ["um"], by_stop=True) == "um"


def test_without_stops_nothing_is_held() -> None:
    matcher = StopMatcher(["", *()])
    assert matcher.feed("a\nObserv") == "a\nObserv"


def test_of_two_stops_the_first_to_be_complete_ends_the_text() -> None:
    for pieces in (["xyz1"], ["xyz", "1"]):
        assert through(StopMatcher(["xyz1", "yz"]), pieces) == "x"


stops = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3)


@given(stops, st.lists(st.text("ab\n", max_size=5)))
def test_pieces_make_no_difference(stops: list[str], pieces: list[str]) -> None:
    matcher = StopMatcher(stops)
    text = "".join(pieces)
    given_out = through(matcher, pieces)
    assert given_out == through(StopMatcher(stops), [text])
    assert text.startswith(given_out)
    assert not any(stop in given_out for stop in stops)
    assert matcher.stopped == any(stop in text for stop in stops)
    assert matcher.stopped or given_out == text

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.model.time_repair import repaired
from qwen_audio_agent.model.timestamps import TimedText


def fix(*timed, duration=5.0):
    return [
        (word.text, round(word.start, 3), round(word.end, 3), word.estimated)
        for word in repaired([TimedText(*item) for item in timed], duration)
    ]


def test_good_times_stay_what_they_are():
    words = repaired([TimedText("a", 0.5, 1.0), TimedText("b", 1.0, 1.4)], 1.39, error=0.2)
    assert [(w.start, w.end, w.estimated) for w in words] == [(0.5, 1.0, False), (1.0, 1.39, False)]
    assert {e for w in words for e in (w.start_error, w.end_error)} == {0.2}


def test_an_overlap_ends_where_the_next_word_starts():
    assert fix(("a", 0.0, 1.05), ("b", 1.0, 1.5), ("c", 1.5, 2.0)) == [
        ("a", 0.0, 1.0, True),
        ("b", 1.0, 1.5, False),
        ("c", 1.5, 2.0, False),
    ]


def test_a_time_out_of_order_is_worked_out_from_its_neighbours():
    (_, b, _) = fix(("aaaa", 0.0, 1.0), ("bbbb", 4.0, 1.4), ("cccc", 1.6, 2.0))
    assert b == ("bbbb", 1.1, 1.4, True)


def test_a_time_beyond_the_end_is_not_believed():
    assert fix(("a", 0.0, 1.0), ("b", 1.0, 25.0)) == [
        ("a", 0.0, 1.0, False),
        ("b", 1.0, 1.075, True),
    ]


def test_a_missing_end_is_as_far_as_its_letters_need_and_no_further_than_the_clip():
    assert fix(("classes", 1.0, None)) == [("classes", 1.0, 1.525, True)]
    assert fix(("classes", 4.8, None)) == [("classes", 4.8, 5.0, True)]
    (word,) = repaired([TimedText("classes", 1.0, None)], 5.0, error=0.1)
    assert word.start_error == 0.1
    assert word.end_error > 3


def test_words_between_two_times_share_what_is_there_by_their_letters():
    assert fix(("two", 1.0, None), ("letters", None, 2.0), duration=3.0) == [
        ("two", 1.0, 1.225, True),
        ("letters", 1.225, 2.0, True),
    ]
    assert fix(("面", None, None), ("条", None, None), duration=1.0) == [
        ("面", 0.0, 0.5, True),
        ("条", 0.5, 1.0, True),
    ]


def test_a_word_of_no_length_gets_some_from_what_follows():
    assert fix(("a", 0.0, 1.0), ("b", 1.0, 1.0), ("c", 1.0, 2.0)) == [
        ("a", 0.0, 1.0, False),
        ("b", 1.0, 1.02, True),
        ("c", 1.02, 2.0, True),
    ]


@pytest.mark.parametrize("duration", [0.0, 0.03])
def test_more_words_than_there_is_room_for_still_fit(duration):
    words = repaired([TimedText("a", 1.0, 1.0)] * 5, duration)
    assert [w.text for w in words] == ["a"] * 5
    assert words[-1].end <= duration


maybe_time = st.none() | st.floats(-1, 40) | st.sampled_from([0.0, 1.0, 2.5, 29.99])


@given(
    st.lists(st.builds(TimedText, st.text(max_size=5), maybe_time, maybe_time), max_size=25),
    st.floats(0, 30),
)
def test_whatever_is_given_words_come_in_order_inside_the_clip(timed, duration):
    words = repaired(timed, duration)
    assert [word.text for word in words] == [item.text for item in timed]
    shortest = min(0.02, duration / max(1, len(words)))
    for word in words:
        assert 0 <= word.start <= word.end <= duration
        assert word.end - word.start >= shortest - 1e-6
    assert all(a.end <= b.start for a, b in pairwise(words))

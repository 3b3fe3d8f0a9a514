import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.speech.text_search import Passage, find_text

WORDS = "Mister Quilter is the apostle of the middle classes, and we're glad to welcome 21 of them"
TEXT = WORDS.split()


@pytest.mark.parametrize(
    ("phrase", "first", "last"),
    [
        ("middle classes", "middle", "classes,"),
        ("MIDDLE-CLASSES!", "middle", "classes,"),
        ("mr. quilter", "Mister", "Quilter"),
        ("we’re glad", "we're", "glad"),
        ("were glad", "we're", "glad"),
        ("twenty-one", "21", "21"),
        ("míddle classes", "middle", "classes,"),
    ],
)
def test_what_is_written_differently_but_said_alike_is_equal(phrase, first, last):
    assert find_text(TEXT, phrase) == (Passage(TEXT.index(first), TEXT.index(last) + 1, 1.0),)


def test_all_places_are_found_in_order():
    assert [found.start for found in find_text(TEXT, "the")] == [3, 6]


def test_a_slip_lowers_the_score_by_its_share_of_the_letters():
    (found,) = find_text(TEXT, "midle classes")
    assert (found.start, found.end) == (7, 9)
    assert found.score == pytest.approx(1 - 1 / 13)


def test_the_best_comes_first_and_slips_can_be_refused():
    text = ["the", "cars", "and", "card", "and", "cards"]
    assert [found.start for found in find_text(text, "card", min_score=0.7)] == [3, 5, 1]
    assert [found.start for found in find_text(text, "card")] == [3, 5]
    assert [found.start for found in find_text(text, "card", min_score=1.0)] == [3]


def test_a_word_written_apart_is_the_word_written_together():
    assert find_text(["every", "one"], "everyone") == (Passage(0, 2, 1.0),)
    assert find_text(["everyone"], "every one") == (Passage(0, 1, 1.0),)


def test_a_phrase_does_not_start_or_end_inside_a_word():
    assert find_text(["uncle"], "clean") == ()
    assert find_text(["twenty-one"], "one") == ()


def test_a_year_is_found_in_either_reading():
    for said in ("in nineteen eighty four", "in one thousand nine hundred and eighty four"):
        (found,) = find_text(said.split(), "1984")
        assert (found.start, found.end, found.score) == (1, len(said.split()), 1.0)


def test_overlapping_passages_are_reported_once():
    assert [(p.start, p.end) for p in find_text(["ha"] * 5, "ha ha")] == [(0, 2), (2, 4)]


def test_what_is_not_there_is_not_found():
    assert find_text(TEXT, "zebra crossing") == ()
    assert find_text(TEXT, "?!") == ()
    assert find_text([], "middle") == ()
    assert find_text(["", "", "?"], "middle") == ()


def test_empty_words_are_passed_over_inside_a_phrase_and_left_off_its_ends():
    assert find_text(["", "middle", "", "classes", ""], "middle classes") == (Passage(1, 4, 1.0),)


def _distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


@given(
    st.lists(st.text("ab", min_size=1, max_size=3), max_size=6),
    st.text("ab", min_size=1, max_size=5),
)
def test_scores_are_those_of_the_plain_edit_distance(words, phrase):
    for found in find_text(words, phrase, min_score=0.0):
        stretch = "".join(words[found.start : found.end])
        longer = max(len(stretch), len(phrase))
        assert found.score == pytest.approx(1 - _distance(phrase, stretch) / longer)


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=6), st.data())
def test_any_run_of_words_is_found_as_itself(words, data):
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    best = find_text(words, " ".join(words[start:end]))[0]
    assert best.score == 1.0
    assert "".join(words[best.start : best.end]) == "".join(words[start:end])


@given(st.lists(st.text(max_size=8), max_size=5), st.text(max_size=12))
def test_no_text_raises(words, phrase):
    for found in find_text(words, phrase):
        assert 0 <= found.start < found.end <= len(words)

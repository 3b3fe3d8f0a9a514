from __future__ import annotations

import pytest

from qwen_audio_agent.chat_models.sentence import split
from qwen_audio_agent.errors import InstructionError

VOCABULARY = frozenset(
    ["cut", "from", "to", "and", "denoise", "fade", "in", "one", "second", "%", ",", "?"]
)


def kinds(sentence):
    outside = {"boring": "SOUND", "never": "UNSAID"}
    return [piece.kind for piece in split(sentence, VOCABULARY, outside)]


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ('cut "a b"', "a b"),
        ("cut “a b”", "a b"),
        ("cut 'a b'", "a b"),
        ("cut ‘a b’", "a b"),
        ("cut «a b»", "a b"),
        ("cut „a b“", "a b"),
        ("cut `a b`", "a b"),
        ("cut 'don't go'", "don't go"),
        ('cut "a  b," ', "a b"),
    ],
)
def test_quoted_words_are_one_piece_in_any_style_of_quotes(sentence, text):
    pieces = split(sentence, VOCABULARY)
    assert [piece.kind for piece in pieces[:2]] == ["cut", "QUOTED"]
    assert pieces[1].text == text


def test_an_apostrophe_opens_no_quotation():
    assert kinds("don't cut it's") == ["WORD", "cut", "WHOSE"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1:30", 90),
        ("1:02:03.5", 3723.5),
        ("90s", 90),
        ("1m30s", 90),
        ("1.5s", 1.5),
        ("200ms", 0.2),
    ],
)
def test_times_are_read_in_seconds(written, seconds):
    (piece,) = split(written, VOCABULARY)
    assert piece.kind == "TIME"
    assert piece.value == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("-16", "SIGNED", -16),
        ("−16", "SIGNED", -16),
        ("+3", "SIGNED", 3),
        ("1,000", "NUMBER", 1000),
        (".5", "NUMBER", 0.5),
        ("1.25x", "FACTOR", 1.25),
        ("twenty five", "NUMWORD", 25),
        ("twenty-five", "NUMWORD", 25),
        ("one point five", "NUMWORD", 1.5),
        ("two hundred", "NUMWORD", 200),
    ],
)
def test_numbers_are_read_in_digits_and_in_words(written, kind, value):
    (piece,) = split(written, VOCABULARY)
    assert (piece.kind, piece.value) == (kind, value)


def test_a_dash_between_numbers_means_to_and_a_minus_stays_a_sign():
    assert kinds("cut 3-5") == ["cut", "NUMBER", "to", "NUMBER"]
    assert kinds("cut 0:03–0:05") == ["cut", "TIME", "to", "TIME"]
    assert [piece.value for piece in split("from -3", VOCABULARY)][1] == -3


def test_dots_and_arrows_between_times_mean_to():
    assert kinds("cut 3..5") == ["cut", "NUMBER", "to", "NUMBER"]
    assert kinds("cut 0:03 --> 0:05") == ["cut", "TIME", "to", "TIME"]


def test_a_comma_is_a_decimal_point_only_before_a_unit():
    assert [piece.value for piece in split("0,5 s", VOCABULARY)] == [0.5, 0]
    assert kinds("cut 1, 5") == ["cut", "NUMBER", ",", "NUMBER"]


def test_a_plural_behind_a_quotation_is_a_piece_of_its_own():
    assert kinds('cut "damn"s') == ["cut", "QUOTED", "PLURAL"]
    assert kinds('cut "damn" s') == ["cut", "QUOTED", "WORD"]


def test_a_bracket_right_behind_a_word_is_no_plain_english():
    assert kinds('cut("a b")') == ["cut", "OTHER", "QUOTED"]
    assert kinds('cut ("a b")') == ["cut", "QUOTED"]


def test_hyphens_articles_and_politeness_change_nothing():
    assert kinds("please De-noise the fade-in") == ["denoise", "fade", "in"]


def test_files_are_pieces_quoted_or_not():
    assert kinds('jingle.wav "my jingle.WAV" talk.txt')[:2] == ["FILE", "FILE"]


def test_words_that_describe_sound_are_kept_apart():
    assert kinds("cut boring zebra never") == ["cut", "SOUND", "WORD", "UNSAID"]


def test_pieces_know_where_they_stand():
    pieces = split('cut  "a b" and', VOCABULARY)
    assert [(piece.start, piece.end) for piece in pieces] == [(0, 3), (5, 10), (11, 14)]


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ('cut "a b', "character 5 is never closed"),
        ('cut ""', "no words between"),
        ("a" * 2001, "2000"),
    ],
)
def test_broken_sentences_are_refused_with_the_place(sentence, message):
    with pytest.raises(InstructionError, match=message):
        split(sentence, VOCABULARY)

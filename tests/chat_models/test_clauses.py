from __future__ import annotations

import pytest

from qwen_audio_agent.chat_models.clauses import orders_alone
from qwen_audio_agent.chat_models.parser import open_parser
from qwen_audio_agent.chat_models.sentence import split


def _orders(sentence):
    parser = open_parser()
    pieces = split(sentence, parser.vocabulary, parser.outside)
    return " ".join(piece.text for piece in orders_alone(pieces))


@pytest.mark.parametrize(
    ("sentence", "orders"),
    [
        ("I talk way too slowly, so speed it up by 15 %.", "speed it up by 15 % ."),
        ("Mute monday, it's a spoiler for my next book.", "Mute monday ,"),
        ("My viewers hate it! Cut monday. They told me so.", "Cut monday ."),
        ("The fan was running all night, denoise it", "denoise it"),
    ],
)
def test_what_is_only_told_is_left_out(sentence, orders):
    assert _orders(sentence) == orders


def test_a_place_that_is_told_of_stays_for_a_later_that():
    told = "I stumbled badly between 42 s and 47.5 s, so cut that."
    assert _orders(told) == "between 42 s and 47.5 s , cut that ."


@pytest.mark.parametrize(
    "sentence",
    [
        "He told me, cut monday",
        "If it is noisy, denoise it",
        "Cut monday, but I'm still thinking about it",
        "Cut monday. I changed my mind.",
        "Cut monday, I am not sure",
        "Cut monday, email it to bob",
        "Cut monday, not secret",
        "Cut monday. It should be muted.",
        "It was a long day.",
    ],
)
def test_what_may_be_more_than_told_stays(sentence):
    parser = open_parser()
    pieces = split(sentence, parser.vocabulary, parser.outside)
    assert orders_alone(pieces) == pieces

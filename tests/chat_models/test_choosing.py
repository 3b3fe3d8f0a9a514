"""Words told by their number, their place or their neighbours, in a conversation."""

from __future__ import annotations

import pytest


def _calls(chat, sentence):
    calls, answer = chat.say(sentence)
    given = [{k: v for k, v in args.items() if k in ("words", "which")} for _, args in calls]
    return given, answer


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("cut the hello after the pause", [{"words": "hello", "which": "first"}]),
        ('cut the hello before "it was a damn"', [{"words": "hello", "which": "second"}]),
        ("cut the um at the start", [{"words": "um"}]),
        ("cut the you know at the end", [{"words": "you know", "which": "last"}]),
        ("cut the damn at 19.3 s", [{"words": "damn", "which": "second"}]),
        ("cut the first three words", [{"words": "um good morning"}]),
        ("cut the word before the pause", [{"words": "weather"}]),
        ("cut the last word of the jingle", [{"words": "jingle"}]),
        (
            "cut every you know except the first",
            [{"words": "you know", "which": "third"}, {"words": "you know", "which": "second"}],
        ),
        (
            "mute the 1st and 3rd you know",
            [{"words": "you know", "which": "first"}, {"words": "you know", "which": "third"}],
        ),
        ("keep the first hello but cut the other", [{"words": "hello", "which": "second"}]),
    ],
)
def test_the_words_that_are_meant_are_chosen(chat, sentence, wanted):
    assert _calls(chat, sentence)[0] == wanted


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("cut the um at the end", "I do not hear"),
        ("cut the first four hellos", "said 2 times"),
        ("cut the hello at 0:30", "I do not hear"),
        ("cut the first hundred words", "not that many words"),
        ("cut the first and the first hello", "named twice"),
        ("cut the word after hello", "Which one"),
    ],
)
def test_a_choice_that_is_not_clear_is_asked_back(chat, sentence, answer):
    calls, said = _calls(chat, sentence)
    assert not calls
    assert answer in said

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


@pytest.mark.parametrize(
    ("sentence", "start", "end"),
    [
        ("cut the first half", 0, 60),
        ("cut the last quarter of the recording", 90, 120),
        ("cut the middle third", 40, 80),
        ("cut the first half of the jingle", 0, 4),
    ],
)
def test_a_share_of_the_recording_is_counted_in_its_seconds(chat, sentence, start, end):
    ((_, given),), _ = chat.say(sentence)
    assert (given["start"], given["end"]) == (start, end)


def test_all_on_one_side_are_those_and_their_number_is_checked(chat):
    assert _calls(chat, 'cut the two "you know"s after the pause')[0] == [
        {"words": "you know", "which": "third"},
        {"words": "you know", "which": "second"},
    ]
    given, answer = _calls(chat, 'mute the three "you know"s after the pause')
    assert not given
    assert "is said 2 times there" in answer

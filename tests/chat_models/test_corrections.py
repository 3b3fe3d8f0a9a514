"""What is said last is meant, and what is only judged or left is not done."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("cut the first damn - no, sorry, I mean the last one", ("damn", "last")),
        ("cut the first damn, sorry, the second one", ("damn", "second")),
        ("cut the first hello. Sorry, I meant the second hello.", ("hello", "second")),
        ('cut "secret", no wait, I meant "monday"', ("monday", "only")),
        ("cut the second hello, not the first", ("hello", "second")),
        ("cut the second hello and leave the others alone", ("hello", "second")),
    ],
)
def test_what_is_said_last_is_done(chat, sentence, wanted):
    calls, _ = chat.say(sentence)
    assert [(given["words"], given.get("which", "only")) for _, given in calls] == [wanted]


@pytest.mark.parametrize(
    "sentence",
    [
        "cut monday it's wrong to do that",
        "cut monday it's a bad idea",
        'cut "monday", sorry, I mean the noise',
        "cut the second hello, not the second",
        'cut every "hello" and leave the others alone',
    ],
)
def test_what_may_be_taken_back_is_asked_about(chat, sentence):
    calls, answer = chat.say(sentence)
    assert not calls
    assert answer

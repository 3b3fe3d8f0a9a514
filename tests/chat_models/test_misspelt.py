"""Words without quotation marks that are not said just as they are written."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("mute mondey", "monday"),
        ("remove the word secert", "secret"),
        ("the monday in there needs to go", "monday"),
    ],
)
def test_a_slip_or_a_place_is_taken_for_what_is_said_and_told(chat, sentence, words):
    calls, answer = chat.say(sentence)
    assert [given["words"] for _, given in calls] == [words]
    assert f'as "{words}".' in answer


@pytest.mark.parametrize("sentence", ['mute "mondey"', "mute sunday", "mute the dame"])
def test_quoted_words_and_words_of_their_own_stay_as_they_are(chat, sentence):
    calls, answer = chat.say(sentence)
    assert not calls
    assert "I do not hear" in answer

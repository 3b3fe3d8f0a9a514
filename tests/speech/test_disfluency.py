from itertools import pairwise

import pytest

from qwen_audio_agent.speech.disfluency import find_disfluencies
from qwen_audio_agent.speech.words import Transcript, Word

FILLERS = ("um", "uh", "ähm")


def said(text, language="en", gap=0.05):
    """Words of 0.3 s each, one behind the other."""
    step = 0.3 + gap
    words = (
        Word(word, i * step, i * step + 0.3, kind="filler" if word in FILLERS else "word")
        for i, word in enumerate(text.split())
    )
    return Transcript(tuple(words), 60.0, language)


def gone(text, phrases=(), **how):
    """The words that would go, by kind."""
    emphasis = how.pop("emphasis", False)
    transcript = said(text, **how)
    found = find_disfluencies(transcript, phrases, emphasis=emphasis)
    return [
        (d.kind, " ".join(word.text for word in transcript.words[d.first : d.last + 1]))
        for d in found
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we went um home", [("filler", "um")]),
        ("we we went home", [("repeat", "we")]),
        ("I want to I want to go", [("repeat", "I want to")]),
        ("I um I think", [("repeat", "I"), ("filler", "um")]),
        ("the the the house", [("repeat", "the"), ("repeat", "the")]),
        ("I th- I thought so", [("false start", "I th-")]),
        ("we sh- should go", [("false start", "sh-")]),
        ("it is good and it is cheap", []),
        ("all is well", []),
    ],
)
def test_what_goes_is_the_first_of_two(text, expected):
    assert gone(text) == expected


@pytest.mark.parametrize(
    "text", ["very very good", "no no no", "he said that that is it", "two two"]
)
def test_what_is_doubled_on_purpose_stays(text):
    assert gone(text) == []
    assert gone(text, emphasis=True)


def test_a_repeat_goes_as_far_as_the_second_try_begins():
    (found,) = find_disfluencies(said("the the house"))
    assert (found.start, found.end) == (0.0, pytest.approx(0.35))


def test_words_far_apart_are_no_repeat():
    assert gone("home home", gap=2.0) == []


def test_phrases_are_fillers_only_where_a_person_names_them():
    assert gone("it is you know fine and you know cheap") == []
    named = gone("it is you know fine and you know cheap", ["you know"])
    assert named == [("phrase", "you know")] * 2


def test_an_um_of_another_language_may_be_a_word():
    assert gone("wir gehen um acht", language="de-DE") == []


def test_nothing_overlaps():
    transcript = said("I you know I you know um um went went")
    found = find_disfluencies(transcript, ["you know"])
    assert found
    assert all(a.last < b.first for a, b in pairwise(found))

import json

import pytest

from qwen_audio_agent.speech.words import Gap, Transcript, Word

HEARD = Transcript(
    (
        Word("the", 0.1, 0.2),
        Word("um", 0.3, 0.6, 0.7, "filler"),
        Word("Middle", 0.7, 1.0, 0.5, start_error=0.01, end_error=0.02),
        Word("classes", 1.0, 1.5),
    ),
    duration=2.0,
    language="en-GB",
    ear="test",
    gaps=(Gap(0.0, 0.1), Gap(1.5, 2.0, "breath")),
)


def test_the_text_leaves_fillers_out():
    assert HEARD.text == "the Middle classes"


def test_words_are_found_across_a_filler_by_their_ids():
    (found,) = HEARD.find("the middle class")
    assert HEARD.words[found.start : found.end] == HEARD.words
    assert found.score == pytest.approx(1 - 2 / 16)


def test_a_filler_is_found_when_it_is_named():
    (found,) = HEARD.find("um")
    assert HEARD.words[found.start].kind == "filler"


def test_between_takes_words_by_their_middle():
    assert [word.text for word in HEARD.between(0.4, 1.2)] == ["um", "Middle"]


def test_a_shifted_word_keeps_everything_but_its_times():
    assert HEARD.words[2].shift(1.5) == Word(
        "Middle", 2.2, 2.5, 0.5, start_error=0.01, end_error=0.02
    )


def test_a_word_does_not_end_before_it_starts():
    with pytest.raises(ValueError, match="0 <= start <= end"):
        Word("x", 1.0, 0.9)


def test_a_transcript_comes_back_from_its_json():
    assert Transcript.from_json(json.loads(json.dumps(HEARD.to_json()))) == HEARD


def test_what_is_missing_takes_its_default():
    data = {"duration": 2, "words": [{"text": "a", "start": 0, "end": 1}], "more": 1}
    assert Transcript.from_json(data) == Transcript((Word("a", 0.0, 1.0),), 2.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "a transcript is an object"),
        ({}, "'duration' of a transcript is a number"),
        ({"duration": True}, "'duration'"),
        ({"duration": -1}, "'duration'"),
        ({"duration": float("nan")}, "'duration'"),
        ({"duration": 10**400}, "'duration'"),
        ({"duration": "2"}, "'duration'"),
        ({"duration": 1, "language": 3}, "'language' of a transcript is text"),
        ({"duration": 1, "words": {"a": 1}}, "'words' of a transcript is a list"),
        ({"duration": 1, "words": ["a"]}, "word 0 is an object"),
        ({"duration": 1, "words": [{"text": 1, "start": 0, "end": 1}]}, "'text' of word 0"),
        ({"duration": 1, "words": [{"text": "a", "start": 0}]}, "'end' of word 0"),
        ({"duration": 1, "words": [{"text": "a", "start": 1, "end": 0}]}, "0 <= start <= end"),
        (
            {"duration": 1, "words": [{"text": "a", "start": 0, "end": 1, "probability": 1.1}]},
            "'probability' of word 0 is a number from 0 to 1",
        ),
        (
            {"duration": 1, "words": [{"text": "a", "start": 0, "end": 1, "kind": "verb"}]},
            "'kind' of word 0 is one of word, filler",
        ),
        ({"duration": 1, "gaps": [{"start": 0, "end": 1, "kind": []}]}, "'kind' of gap 0"),
        (
            {
                "duration": 1,
                "words": [
                    {"text": "a", "start": 0.5, "end": 0.6},
                    {"text": "b", "start": 0.1, "end": 0.2},
                ],
            },
            "ordered by their start",
        ),
    ],
)
def test_outside_data_that_does_not_fit_is_refused_with_its_place(data, message):
    with pytest.raises(ValueError, match=message):
        Transcript.from_json(data)


def test_only_a_word_whose_time_is_an_estimate_says_so():
    sure, guessed = Word("a", 0.0, 1.0), Word("b", 1.0, 2.0, estimated=True)
    transcript = Transcript((sure, guessed), 2.0)
    first, second = transcript.to_json()["words"]
    assert "estimated" not in first
    assert second["estimated"] is True
    assert Transcript.from_json(transcript.to_json()) == transcript
    assert guessed.shift(1.0).estimated


def test_what_is_not_known_of_the_ear_is_not_written():
    words = (Word("a", 0.0, 1.0),)
    assert "reliable" not in Transcript(words, 1.0).to_json()
    for reliable in (True, False, None):
        transcript = Transcript(words, 1.0, reliable=reliable)
        assert Transcript.from_json(transcript.to_json()) == transcript

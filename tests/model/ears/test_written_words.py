import numpy as np
import pytest

from qwen_audio_agent.model.ears.written_words import (
    find,
    gaps_between,
    outside_pauses,
    spoken,
    stripped,
    token_words,
)
from qwen_audio_agent.speech.words import Transcript, Word


def grouped(pieces, *, spaced=True):
    """Words of tokens that are pieces of UTF-8."""

    def decode(ids):
        return b"".join(pieces[i] for i in ids).decode(errors="replace")

    words = token_words(decode, range(len(pieces)), spaced=spaced)
    assert [i for word in words for i in range(word.start, word.end)] == list(range(len(pieces)))
    return [word.text for word in words]


def test_a_word_begins_with_a_space():
    pieces = [b" Mid", b"dle", b" class", b"es", b",", b" ", b"well", b"-", b"known", b' "', b"Oh"]
    assert grouped(pieces) == ["Middle", "classes,", "well-known", '"Oh']


def test_a_letter_of_several_tokens_is_not_torn():
    assert grouped([b" caf", b"\xc3", b"\xa9", b" ol\xc3", b"\xa9"]) == ["café", "olé"]
    assert grouped([b" caf", b"\xc3"]) == ["caf\ufffd"]


def test_without_spaces_each_token_of_whole_letters_is_a_word():
    pieces = ["今天".encode(), "天".encode()[:2], "天".encode()[2:], "，".encode(), "好".encode()]
    assert grouped(pieces, spaced=False) == ["今天", "天，", "好"]


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("classes,", "classes"),
        ("“Mr.", "Mr"),
        ("don't", "don't"),
        ("'tis", "'tis"),
        ("'em'", "'em"),
        ("50%", "50%"),
        ("$5.50!", "$5.50"),
        ("(C++)", "C++"),
        ("—", ""),
    ],
)
def test_outer_punctuation_is_no_part_of_a_word(text, bare):
    assert stripped(text) == bare


def test_fillers_are_told_apart_and_lone_punctuation_is_dropped():
    words = spoken([Word("Um,", 0, 1), Word("-", 1, 2), Word("well.", 2, 3)])
    assert [(word.text, word.kind) for word in words] == [("Um", "filler"), ("well", "word")]


def test_a_word_does_not_reach_into_a_pause():
    rng = np.random.default_rng(0)
    samples = (1e-4 * rng.normal(size=64_000)).astype(np.float32)
    for start, end in ((0.5, 1.5), (2.5, 3.5)):
        tone = np.sin(2 * np.pi * 300 * np.arange(round((end - start) * 16_000)) / 16_000)
        samples[round(start * 16_000) : round(end * 16_000)] += (
            0.3 * tone * rng.uniform(0.5, 1, size=len(tone))
        ).astype(np.float32)
    given = (Word("end", 1.0, 2.45), Word("of", 2.45, 3.0), Word("nothing", 3.8, 3.9))
    end, of, nothing = outside_pauses(given, samples)
    assert end.start == 1.0
    assert end.end == pytest.approx(1.5, abs=0.07)
    assert (of.end, nothing) == (3.0, given[2])
    assert of.start == pytest.approx(2.45, abs=0.07)


def test_gaps_lie_between_words():
    gaps = gaps_between((Word("a", 0.02, 1.0), Word("b", 1.5, 2.0)), 3.0)
    assert [(gap.start, gap.end) for gap in gaps] == [(1.0, 1.5), (2.0, 3.0)]


HEARD = Transcript(
    tuple(
        Word(text, i, i + 1.0, probability, start_error=0.2, end_error=0.3)
        for i, (text, probability) in enumerate(
            [("the", 0.9), ("middle", 0.8), ("classes", 0.6), ("the", 0.9), ("middle", 0.2)]
        )
    ),
    5.0,
)


def test_a_phrase_is_found_in_what_was_heard():
    (match,) = find(HEARD, "Middle classes!")
    assert (match.start, match.end, match.text) == (1.0, 3.0, "middle classes")
    assert match.probability == pytest.approx(0.7)
    assert (match.start_error, match.end_error, match.doubtful) == (0.2, 0.3, False)


def test_the_nearest_is_doubtful_and_what_is_far_is_nothing():
    assert [m.doubtful for m in find(HEARD, "little glasses")] in ([True], [])
    (near,) = find(HEARD, "muddle class")
    assert near.doubtful
    assert find(HEARD, "apostle") == ()
    assert [m.start for m in find(HEARD, "middle")] == [1.0]

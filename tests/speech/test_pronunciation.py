from pathlib import Path

import pocketsphinx
import pytest

from qwen_audio_agent.speech.letter_to_sound import sound_out
from qwen_audio_agent.speech.pronouncing_file import PronouncingFile
from qwen_audio_agent.speech.pronunciation import Pronunciations


@pytest.fixture(scope="module")
def pronunciations():
    return Pronunciations.load(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))


def test_the_dictionary_gives_every_pronunciation_the_usual_one_first(pronunciations):
    known = pronunciations.known("read")
    assert known[0] == ("R", "EH", "D")
    assert ("R", "IY", "D") in known
    assert pronunciations.known("qwertyish") == ()


def test_a_file_gives_each_word_its_pronunciations_whatever_their_order(tmp_path):
    path = tmp_path / "words.dict"
    path.write_text(
        "them DH EH M\nthe DH AH\nthe(2) DH IY\n's EH S\n\nthe's DH AH Z\nodd\n", "ascii"
    )
    file = PronouncingFile(path)
    assert dict(file) == {
        "'s": ("EH S",),
        "the": ("DH AH", "DH IY"),
        "the's": ("DH AH Z",),
        "them": ("DH EH M",),
    }
    assert len(file) == 4
    for word in ("", "th", "thee", "zulu", "\n", "the DH", "東京"):
        assert word not in file


@pytest.mark.parametrize(
    ("word", "spoken"),
    [
        ("companionless", "K AH M P AE N Y AH N L AH S"),
        ("beauty's", "B Y UW T IY Z"),
        ("thereunder", "DH EH R AH N D ER"),
    ],
)
def test_a_word_that_is_not_there_is_made_of_its_parts(pronunciations, word, spoken):
    assert tuple(spoken.split()) in pronunciations.of(word)


@pytest.mark.parametrize(
    ("word", "spoken"),
    [
        ("phone", "F OW N"),
        ("knight", "N AY T"),
        ("chip", "CH IH P"),
        ("nation", "N AE SH AH N"),
        ("pbx", "P IY B IY EH K S"),
        ("éclat", "EH K L AE T"),
    ],
)
def test_an_unknown_word_is_sounded_out(word, spoken):
    assert " ".join(sound_out(word)) == spoken


@pytest.mark.parametrize("word", ["", "東京", "'", "123", "e"])
def test_every_word_has_a_sound(pronunciations, word):
    assert all(len(phones) > 0 for phones in pronunciations.of(word))
    assert pronunciations.of(word)


def test_words_sounded_out_are_near_the_dictionary(pronunciations):
    words = [w for w in pronunciations.entries if w.isalpha() and len(w) > 4][::997]
    wrong = total = 0
    for word in words:
        reference = pronunciations.known(word)
        guess = sound_out(word)
        wrong += min(_num_edits(guess, phones) for phones in reference)
        total += len(reference[0])
    assert wrong / total < 0.27


def _num_edits(one, other):
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        new = [i]
        for j, b in enumerate(other, start=1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (a != b)))
        row = new
    return row[-1]

"""The words with what becomes of them."""

from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.cleanup.marked_words import contexts, paragraphs, state_of
from qwen_audio_agent.cleanup.plan import Episode, Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.speech.words import Word

EPISODE = Episode("a.wav", "0" * 64, 16_000, 1, 16_000 * 1000)


def spoken(text, at=0.0):
    return [Word(t, at + i, at + i + 0.5) for i, t in enumerate(text.split())]


def planned(*proposals):
    return Plan(EPISODE, Recipe(), tuple(sorted(proposals, key=lambda p: p.start)))


def shown(plan, words):
    return [
        (piece.text, piece.state, piece.ids) for part in paragraphs(plan, words) for piece in part
    ]


def test_words_and_the_sounds_between_them_are_marked():
    words = spoken("so um the the garden")
    plan = planned(
        Proposal("f", "filler", "cut", 1.0, 1.5, "um"),
        Proposal("r", "repeat", "cut", 2.0, 2.6, "the", on=False),
        Proposal("b", "breath", "attenuate", 3.6, 3.9, gain_db=-6),
        Proposal("p", "pause", "shorten", 4.6, 7.0),
        Proposal("m", "mouth", "mute", 7.1, 7.2),
    )
    assert shown(plan, words) == [
        ("so", "kept", ()),
        ("um", "gone", ("f",)),
        ("the", "kept", ("r",)),
        ("the", "kept", ()),
        ("breath", "quieter", ("b",)),
        ("garden", "kept", ()),
        ("pause 2.4 s", "gone", ("p",)),
        ("click", "muted", ("m",)),
    ]
    assert list(contexts(plan, words))[1] == ("so um", "the garden")


def test_where_changes_overlap_the_one_that_takes_more_counts():
    quiet = Proposal("q", "breath", "attenuate", 1.0, 2.0, gain_db=-6)
    gone = Proposal("c", "repeat", "cut", 1.0, 2.0)
    off = Proposal("o", "repeat", "cut", 1.0, 2.0, on=False)
    assert state_of([quiet, gone]) == "gone"
    assert state_of([quiet, off]) == "quieter"
    assert state_of([off]) == state_of([]) == "kept"
    assert shown(planned(quiet, gone), spoken("a b c"))[1] == ("b", "gone", ("q", "c"))


def test_long_texts_are_in_paragraphs():
    words = [*spoken("w " * 30), *spoken("v " * 400, at=40.0)]
    parts = list(paragraphs(planned(), words))
    assert parts[1][0].start == 40.0
    assert max(sum(piece.num_words for piece in part) for part in parts) <= 220
    assert " ".join(piece.text for part in parts for piece in part) == " ".join(
        w.text for w in words
    )


def test_without_words_there_are_the_sounds_and_without_both_nothing():
    pause = Proposal("p", "end", "shorten", 0.0, 3.0)
    assert shown(planned(pause), []) == [("silence 3.0 s", "gone", ("p",))]
    assert list(paragraphs(planned(), [])) == []


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(1, 9)), max_size=12))
def test_no_word_is_lost_and_none_is_there_twice(spans):
    words = spoken(" ".join(f"w{i}" for i in range(40)))
    plan = planned(
        *(Proposal(f"p{i}", "repeat", "cut", a, a + b / 2) for i, (a, b) in enumerate(spans))
    )
    said = [t for text, *_ in shown(plan, words) for t in text.split() if t.startswith("w")]
    assert said == [word.text for word in words]

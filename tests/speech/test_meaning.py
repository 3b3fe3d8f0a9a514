import pytest

from qwen_audio_agent.speech.meaning import meanings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't", {"negation"}),
        ("never again", {"negation"}),
        ("in nineteen eighty", {"number"}),
        ("at 5", {"number"}),
        ("with sarah", {"name"}),
        ("with Miyazaki", {"name"}),
        ("not on monday at three", {"negation", "name", "number"}),
        ("I'm here and I know", set()),
        ("one of them", set()),
        ("the house", set()),
    ],
)
def test_what_carries_a_meaning(text, expected):
    assert meanings(text.split()) == expected


def test_a_sentence_begins_with_a_capital():
    assert meanings(["The", "house"], begins_sentence=True) == set()

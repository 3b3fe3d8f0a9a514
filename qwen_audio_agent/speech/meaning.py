"""Words that carry a meaning which a cut may not take away: negations, numbers and names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from qwen_audio_agent.speech.lists import word_list
from qwen_audio_agent.speech.text import normalise

Meaning = Literal["negation", "number", "name"]

_NEGATIONS: Final = word_list("negations")
_NUMBERS: Final = word_list("numbers")
# "one" is a pronoun more often than a number; with another number beside it, that one counts.
_NOT_NAMES: Final = frozenset({"i", "i'm", "i'll", "i've", "i'd", "ok"})
# An ear that writes all in small letters shows no names; these are most of those that people say.
# Source: the most given names of a century, U.S. Social Security Administration; days and months.
_NAMES: Final = word_list("names")


def meanings(texts: Iterable[str], *, begins_sentence: bool = False) -> frozenset[Meaning]:
    """What kinds of meaning some words carry.

    Args:
        texts: words as a transcript has them.
        begins_sentence: whether the first may have a capital for that reason alone.
    """
    found: set[Meaning] = set()
    for i, text in enumerate(texts):
        spoken = normalise(text)
        if any(word in _NEGATIONS or word.endswith("n't") for word in spoken):
            found.add("negation")
        if any(c.isdigit() for c in text) or any(word in _NUMBERS for word in spoken):
            found.add("number")
        bare = text.strip("\"'.,;:!?()")
        has_capital = bare[:1].isupper() and bare.lower() not in _NOT_NAMES
        if any(word in _NAMES for word in spoken) or (
            has_capital and not (i == 0 and begins_sentence)
        ):
            found.add("name")
    return frozenset(found)

"""The pieces of a sentence, and numbers that are written in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: number for number, word in enumerate(_SMALL.split())}
_VALUES |= {word: 10 * number for number, word in enumerate(_TENS.split(), start=2)}
_VALUES["hundred"] = 100


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a sentence.

    Attributes:
        kind: one of `KINDS`, or the word of the grammar that it is, in lower case.
        text: as written; the content of a quoted phrase.
        start: where it starts in the sentence, in characters.
        end: where it ends.
        value: of a number, or the seconds of a time.
    """

    kind: str
    text: str
    start: int
    end: int
    value: float = 0.0


_UNITS = ("second", "minute", "hour", "sec", "decibel", "db", "percent", "word", "times", "fold")


def _without_hyphen(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces with "two-second" in two."""
    for piece in pieces:
        number, hyphen, unit = piece.text.rpartition("-")
        counts = all(part in _VALUES for part in number.lower().split("-"))
        if piece.kind == "WORD" and hyphen and counts and unit.lower() in _UNITS:
            middle = piece.start + len(number)
            yield replace(piece, text=number, end=middle)
            yield replace(piece, text=unit, start=middle + 1)
        else:
            yield piece


def join_number_words(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Words that make one number become one piece: "twenty five", "one point five"."""
    pieces = list(_without_hyphen(pieces))
    position = 0
    while position < len(pieces):
        words, end = _number_at(pieces, position)
        value = _value(words) if words else None
        if value is None:
            yield pieces[position]
            position += 1
        else:
            first, last = pieces[position], pieces[end - 1]
            yield Piece("NUMWORD", " ".join(words), first.start, last.end, value)
            position = end


def _number_at(pieces: Sequence[Piece], position: int) -> tuple[list[str], int]:
    """The longest run of number words that starts here, and the position after it."""
    words: list[str] = []
    end = position
    while end < len(pieces) and pieces[end].kind == "WORD":
        parts = pieces[end].text.lower().split("-")
        if not all(part in _VALUES for part in parts) and not (words and parts == ["point"]):
            break
        words += parts
        end += 1
    while words and words[-1] == "point":
        words.pop()
        end -= 1
    return words, end


def _value(words: Sequence[str]) -> float | None:
    """The value of "twenty five" or "one point five"; None when the words are no one number."""
    if "point" in words:
        at = words.index("point")
        whole, digits = _value(words[:at]), words[at + 1 :]
        if whole is None or any(_VALUES.get(word, 10) > 9 for word in digits):
            return None
        return float(f"{whole:.0f}.{''.join(str(_VALUES[word]) for word in digits)}")
    total, limit = 0.0, 1000
    for word in words:
        number = _VALUES[word]
        if number == 100:
            total, limit = max(total, 1) * 100, 100
        elif number < limit:
            total, limit = total + number, 10 if number >= 20 else 0
        else:
            return None
    return total

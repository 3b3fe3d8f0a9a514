"""Search in written words: a phrase is found whatever its case, punctuation, numbers or slips."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.speech.text import normalise, readings

_ACCENTS = re.compile("[\u0300-\u036f]")
_COST = (
    1 << 32
)  # an edit in the upper half of an integer; the lower half says where the match starts


@dataclass(frozen=True, slots=True)
class Passage:
    """Words [start, end) of a text that read like a phrase.

    Attributes:
        start: index of the first word.
        end: index after the last word.
        score: 1 - (letters to change) / (letters of the longer); 1.0 is equal but for case,
            punctuation, accents, spaces and the way in which numbers are written.
    """

    start: int
    end: int
    score: float


def find_text(words: Sequence[str], phrase: str, min_score: float = 0.8) -> tuple[Passage, ...]:
    """Find all places where `words` read like `phrase`.

    Args:
        words: a text, word by word; empty strings are passed over.
        phrase: what to look for; every reading of its numbers is tried.
        min_score: 0 to 1; 1.0 leaves only what is equal.

    Returns:
        Passages that do not overlap, best first, then in order.
    """
    letters = [_letters(normalise(word)) for word in words]
    found = [
        passage
        for reading in readings(phrase)
        for passage in _near(letters, _letters(reading))
        if passage.score >= min_score
    ]
    found.sort(key=lambda passage: (-passage.score, passage.start, passage.end))
    taken = np.zeros(len(letters), dtype=bool)
    best = []
    for passage in found:
        if not taken[passage.start : passage.end].any():
            taken[passage.start : passage.end] = True
            best.append(passage)
    return tuple(best)


def _letters(words: Sequence[str]) -> str:
    """Only what decides whether two texts are the same."""
    decomposed = unicodedata.normalize("NFD", "".join(words).replace("'", ""))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def _near(words: Sequence[str], phrase: str) -> Iterator[Passage]:
    """For each end of a word the passage that ends there and is nearest to `phrase`.

    Source: P. H. Sellers, "The theory and computation of evolutionary distances: pattern
    recognition", Journal of Algorithms 1 (1980): edit distance with a free start in the text. A
    start is free only where a word starts.
    """
    text = "".join(words)
    if not text or not phrase:
        return
    ends = np.cumsum([len(word) for word in words])
    distances, starts = _distances(text, np.concatenate(([0], ends[:-1])), phrase)
    first_words = np.searchsorted(ends, starts, side="right")
    longer = np.maximum(len(phrase), np.arange(len(text) + 1) - starts)
    scores = 1 - distances / longer
    for index, end in enumerate(ends):
        if words[index]:
            yield Passage(int(first_words[end]), index + 1, float(scores[end]))


def _distances(
    text: str, word_starts: NDArray[np.int64], phrase: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edits that turn `phrase` into the best stretch ending at each letter, and where that starts.

    Returns:
        int64 (len(text) + 1,) each: distances, and starts as indices of letters.
    """
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    positions = np.arange(len(text) + 1, dtype=np.int64)
    starts = np.zeros_like(positions)
    starts[word_starts] = word_starts
    starts = np.maximum.accumulate(starts)
    # Of equal distances the minimum takes the later start, which is the tighter stretch.
    row = (positions - starts) * _COST + (_COST - 1 - starts)
    for letter in phrase:
        changed = row[:-1] + (letters != ord(letter)) * _COST
        row = row + _COST
        np.minimum(row[1:], changed, out=row[1:])
        row = np.minimum.accumulate(row - positions * _COST) + positions * _COST
    return row // _COST, _COST - 1 - row % _COST

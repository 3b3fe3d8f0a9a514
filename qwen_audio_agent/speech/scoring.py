"""How well words and their times were heard: word error rate and average alignment shift.

reference   | the | middle |  -   | classes |
heard       |  a  | middle | glad | classes |      2 errors, 2 pairs whose times count
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from qwen_audio_agent.speech.words import Word

_Token = TypeVar("_Token")


def alignment(
    reference: Sequence[_Token], heard: Sequence[_Token]
) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Align two sequences by the fewest insertions, deletions and substitutions.

    Returns:
        How many there are, and the pairs of indices at which both sequences are equal, in order.
        Of several ways the one with the latest pairs is taken, as the edit-distance package does.

    Source: V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions, and
    reversals", Soviet Physics Doklady 10 (8), 1966.
    """
    rows = [list(range(len(heard) + 1))]
    for i, token in enumerate(reference, start=1):
        above, row = rows[-1], [i]
        for j, other in enumerate(heard, start=1):
            row.append(min(above[j - 1] + (token != other), above[j] + 1, row[j - 1] + 1))
        rows.append(row)
    pairs = []
    i, j = len(reference), len(heard)
    while i and j:
        is_equal = reference[i - 1] == heard[j - 1]
        if rows[i][j] == rows[i - 1][j - 1] + (not is_equal):
            i, j = i - 1, j - 1
            if is_equal:
                pairs.append((i, j))
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return rows[-1][-1], tuple(reversed(pairs))


def word_error_rate(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> float:
    """Errors per word of the references, over all (reference, heard) pairs together.

    Raises:
        ValueError: the references have no word.
    """
    errors = length = 0
    for reference, heard in pairs:
        errors += alignment(reference, heard)[0]
        length += len(reference)
    if not length:
        raise ValueError("a word error rate needs at least one word that was said")
    return errors / length


def average_alignment_shift(
    pairs: Iterable[tuple[Sequence[Word], Sequence[Word]]], *, halved: bool = False
) -> float:
    """Mean shift, in seconds, of the words that were heard right, over all pairs together.

    The shift of a word is that of its start plus that of its end, as in the evaluation code of
    Qwen-Audio.

    Args:
        pairs: (reference, heard) of each utterance.
        halved: the mean of start and end in place of their sum, as newer papers have it.

    Raises:
        ValueError: no word was heard right.

    Source: Qwen-Audio, eval_audio/evaluate_srwt.py.
    """
    shift, count = 0.0, 0
    for reference, heard in pairs:
        texts = [word.text for word in reference], [word.text for word in heard]
        for i, j in alignment(*texts)[1]:
            shift += abs(reference[i].start - heard[j].start)
            shift += abs(reference[i].end - heard[j].end)
            count += 1
    if not count:
        raise ValueError("an alignment shift needs at least one word that was heard right")
    return shift / count / (2 if halved else 1)

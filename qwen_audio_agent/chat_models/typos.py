"""Slips of the keyboard: words that are one letter away from a word of the grammar."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby, islice, product
from typing import TYPE_CHECKING

from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.sentence import LEFT_OUT

if TYPE_CHECKING:
    from pocketsphinx import NGramModel

_SHORTEST = 4
_SHORTEST_MEANT = 3
_MAX_VARIANTS = 24
_RAREST = -150_000  # 1 word in 3 million
_MAX_WORK = 600  # pieces of all variants together


def corrected(pieces: Sequence[Piece], vocabulary: Collection[str]) -> Iterator[list[Piece]]:
    """The sentence with unknown words read as words of the grammar that are one slip away.

    A slip is a letter too many, too few or wrong, or two that changed places. In words of three
    letters only a letter too few or changed places count: too much else is near them. Each variant
    corrects all it can.
    """
    choices = [_choices(piece, vocabulary) for piece in pieces]
    num_variants = min(_MAX_VARIANTS, _MAX_WORK // max(len(pieces), 1))
    if any(
        len(some) > 1 or some[0] is not piece for piece, some in zip(pieces, choices, strict=True)
    ):
        yield from (list(some) for some in islice(product(*choices), num_variants))


def _choices(piece: Piece, vocabulary: Collection[str]) -> list[Piece]:
    word = piece.text.lower()
    free = piece.kind in ("WORD", "SOUND", "UNSAID")
    if not free or len(word) < _SHORTEST_MEANT or not word.isalpha():
        return [piece]
    if len(word) < _SHORTEST:
        vocabulary = [
            known for known in vocabulary if len(known) > len(word) or sorted(known) == sorted(word)
        ]
    meant = sorted(known for known in (*vocabulary, *LEFT_OUT) if one_slip_apart(word, known))
    doubled = [known for known in meant if _undoubled(known) == _undoubled(word)]
    return [replace(piece, kind=known) for known in doubled or meant] or [piece]


def _undoubled(word: str) -> str:
    """The word with one of each pair of letters: doubling is the commonest slip of all."""
    return "".join(letter for letter, _ in groupby(word))


def one_slip_apart(typed: str, meant: str) -> bool:
    """Whether one letter was added, left out or changed, or two neighbours changed places."""
    if len(meant) < _SHORTEST_MEANT or abs(len(typed) - len(meant)) > 1 or typed == meant:
        return False
    start = 0
    while start < min(len(typed), len(meant)) and typed[start] == meant[start]:
        start += 1
    rest, wanted = typed[start:], meant[start:]
    return (
        rest[1:] == wanted
        or rest == wanted[1:]
        or rest[1:] == wanted[1:]
        or (rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:])
    )


def is_english(word: str) -> bool:
    """Whether people say the word often enough that it may well be meant.

    The dictionary of the embedded ear has surnames and rarities too ("frist", "nad"), so its
    language model is asked: log probability of the word alone, in steps of 1.0001.
    """
    return bool(_language_model().prob([word.lower()]) > _RAREST)


@cache
def _language_model() -> NGramModel:
    import pocketsphinx

    path = pocketsphinx.get_model_path("en-us/en-us.lm.bin")
    return pocketsphinx.NGramModel(pocketsphinx.Config(), pocketsphinx.LogMath(), path)

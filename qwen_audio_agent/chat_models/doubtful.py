"""Clauses beside an order that leave it open whether it shall be done: such are asked back.

I need to leave that decision to you, cut "monday".   somebody else decides
Cut "monday". My lawyer objects.                       somebody is against it
cut "monday", it was damn clod                         a slip for words that are said: also cut?
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qwen_audio_agent.chat_models.clause import clauses_of
from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.talk import alike
from qwen_audio_agent.chat_models.telling import told_words

_LEAST = 3
"""Words of a clause that are said in a recording, so that they are no chance."""
_OPEN = re.compile(
    r"\bnot to$|"  # "she begged me not to"
    r"^(?:(?:i|we|he|she|they|i've|we've) )?(?:have |already )?(?:did|done) (?:that|this|it)\b|"
    r"\b(?:will|going to|'ll) (?:do|handle) (?:it|this|that|cutting|editing)\b|"
    r"(?:^|says |said )(?:it|that|this) (?:has to|must|should|needs to) (?:stay|remain|be kept)\b|"
    r"\b(?:loves|adores) (?:it|that|this|them)(?: part| bit| one)?$|"
    r"\bbad idea\b|\b(?:two|several) (?:ways|ideas)\b|\b(?:is|for) (?:an )?example$|"
    r"\b(?:opposite|fools?) day\b|\bthinking (?:out loud|aloud)\b|\bvoted no\b|"
    r"^(?:somebody|someone) else will\b|^(?:yeah|yes) right$|^(?:as|like) if$|\bignored it$|"
    r"^worst case$|\bagainst (?:it|that|this)$|^it's .*\btalking about$"
)


def is_open(pieces: Sequence[Piece]) -> str:
    """The clause of a sentence that leaves an order open; empty if none does."""
    for clause in clauses_of(pieces):
        words = [
            word
            for piece, word in zip(clause.pieces, clause.words, strict=True)
            if piece.kind != "QUOTED"
        ]
        if set(words) & told_words("unsettled") or _OPEN.search(" ".join(words)):
            return " ".join(words)
    return ""


def said_apart(pieces: Sequence[Piece], said: Sequence[str], named: Sequence[str]) -> str:
    """A clause that is nothing but words said in a recording, and that no step names.

    Args:
        pieces: of a sentence that is understood.
        said: what is said in each recording, in lower case.
        named: the phrases of its steps.
    """
    for clause in clauses_of(pieces):
        words = clause.words
        plain = all(piece.kind != "QUOTED" for piece in clause.pieces)
        if not plain or len(words) < _LEAST or words[:2] in (["thank", "you"], ["good", "morning"]):
            continue
        rows = [row for text in said if (row := _row(words, text))]
        names = [name.lower() for name in named]
        if rows and not any(row in name or name in row for row in rows for name in names):
            return " ".join(words)
    return ""


def _row(words: Sequence[str], text: str) -> str:
    """The words of a recording that these are, slips of the keyboard included; empty if none."""
    spoken = text.split()
    for at in range(len(spoken) - len(words) + 1):
        row = spoken[at : at + len(words)]
        if all(map(alike, words, row)):
            return " ".join(row)
    return ""

"""Clauses beside an order that leave it open whether it shall be done: such are asked back.

I need to leave that decision to you, cut "monday".   somebody else decides
Cut "monday". My lawyer objects.                       somebody is against it
Cut "monday". I take that back.                        it does not hold any more
My boss demanded, cut "monday".                        somebody else's order is told
cut "monday", it was damn clod                         a slip for words that are said: also cut?
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qwen_audio_agent.chat_models.beginnings import orders
from qwen_audio_agent.chat_models.clause import Clause, clauses_of
from qwen_audio_agent.chat_models.clauses import requests
from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.telling import told_words
from qwen_audio_agent.chat_models.typos import is_english, one_slip_apart

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
    r"^worst case$|\bagainst (?:it|that|this)$|^it's .*\btalking about$|"
    r"^(?:i|we|i'll|i'd) (?:take|took) (?:that|it|this) back\b|\breversed course\b|\bby accident$|"
    r"\b(?:typed|wrote|cancelled|canceled|withdrew|reverted) (?:that|this|it)\b|"
    r"^(?:[\w']+ ){1,3}(?:demanded|urged|whispered|shouted|pleaded|quipped|suggested|joked|reads"
    r"|yelled|declined|lied|misspoke|reconsidered|backtracked)$"
)


def is_open(pieces: Sequence[Piece]) -> str:
    """The clause of a sentence that leaves an order open; empty if none does."""
    for clause in clauses_of(pieces):
        words = [
            word
            for piece, word in zip(clause.pieces, clause.words, strict=True)
            if piece.kind != "QUOTED"
        ]
        # What an order names may be any words: "cut for example".
        if words and orders(words, 0):
            continue
        if set(words) & told_words("unsettled") or _OPEN.search(" ".join(words)):
            return " ".join(words)
    return ""


def said_beside(pieces: Sequence[Piece]) -> list[Clause]:
    """The clauses of a sentence beside its orders that may be words of a recording."""
    clauses = clauses_of(pieces)
    beside = [
        clause
        for clause in clauses
        if all(piece.kind != "QUOTED" for piece in clause.pieces)
        and len(clause.words) >= _LEAST
        and clause.words[:2] not in (["thank", "you"], ["good", "morning"])
        and not requests(clause)
    ]
    return beside if len(clauses) > 1 else []


def said_apart(clauses: Sequence[Clause], said: Sequence[str], named: Sequence[str]) -> str:
    """A clause that is nothing but words said in a recording, and that no step names.

    Args:
        clauses: as `said_beside` finds them in a sentence that is understood.
        said: what is said in each recording, in lower case.
        named: the phrases of its steps.
    """
    names = [name.lower() for name in named]
    for clause in clauses:
        rows = [row for text in said if (row := _row(clause.words, text))]
        if rows and not any(row in name or name in row for row in rows for name in names):
            return " ".join(clause.words)
    return ""


def _row(words: Sequence[str], text: str) -> str:
    """The words of a recording that these are, slips of the keyboard included; empty if none."""
    spoken = text.split()
    for at in range(len(spoken) - len(words) + 1):
        row = spoken[at : at + len(words)]
        if all(map(_alike, words, row)):
            return " ".join(row)
    return ""


def _alike(typed: str, spoken: str) -> bool:
    """Whether a word is one that is said, or a slip of the keyboard for it."""
    return typed == spoken or (
        len(typed) > 3 and one_slip_apart(typed, spoken) and not is_english(typed)
    )

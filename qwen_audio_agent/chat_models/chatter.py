"""Orders among talk: a sentence without the clauses that cannot change what is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qwen_audio_agent.chat_models.clause import Clause, clauses_of
from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.talk import has_subject, is_said, is_social, is_talk
from qwen_audio_agent.chat_models.telling import told_words

_JOINING = ("and", "so", "because", "since", "as", "cos", "but", "for", "then")


def without_talk(pieces: Sequence[Piece], said: Sequence[str]) -> list[Piece]:
    """The pieces without talk; all of them where nothing is left or nothing is talk.

    Args:
        pieces: of a sentence that makes no sense as it is.
        said: what is said in each recording, in lower case.
    """
    kept: list[Clause] = []
    told = False
    for clause in clauses_of(pieces):
        left = _left(clause, said, front=not kept, told_before=told)
        told = not left
        while left and not kept and len(left) > 1 and left[0].text.lower() in told_words("leading"):
            left = left[1:]
        if left:
            kept.append(replace(clause, pieces=tuple(left)))
    return [piece for clause in kept for piece in (*clause.pieces, clause.mark) if piece]


def _left(
    clause: Clause, said: Sequence[str], *, front: bool, told_before: bool
) -> Sequence[Piece]:
    """What is left of a clause without talk."""
    if _is_talk(clause, said, front=front, told_before=told_before):
        return ()
    for at in range(1, len(clause.pieces) - 1):
        if clause.pieces[at].text.lower() not in _JOINING:
            continue
        before = Clause(clause.pieces[:at], None)
        behind = Clause(clause.pieces[at + 1 :], clause.mark)
        if _is_talk(before, said, front=front, told_before=told_before):
            return _left(behind, said, front=front, told_before=True)
        joined = clause.pieces[at].text.lower() != "but" and (
            has_subject(behind.words) or is_social(behind.words)
        )
        if joined and _is_talk(behind, said, front=False, told_before=False):
            return before.pieces
    return clause.pieces


def _is_talk(clause: Clause, said: Sequence[str], *, front: bool, told_before: bool) -> bool:
    mark = clause.mark
    if not clause.pieces or (mark is not None and mark.kind == "?"):
        return False
    if not front and clause.words[0] == "but":
        return False
    headed = mark is not None and mark.text.startswith(":")
    return is_talk(
        clause.pieces, front=front, told_before=told_before, headed=headed
    ) and not is_said(clause.words, said)

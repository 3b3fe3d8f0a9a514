"""The clauses of a sentence: what stands between its marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from qwen_audio_agent.chat_models.pieces import Piece


@dataclass(frozen=True, slots=True)
class Clause:
    """Some pieces, with the mark that ends them."""

    pieces: tuple[Piece, ...]
    mark: Piece | None

    @property
    def words(self) -> list[str]:
        return [piece.text.lower().replace("’", "'") for piece in self.pieces]


def clauses_of(pieces: Sequence[Piece]) -> list[Clause]:
    """Parted at commas and at the ends of sentences."""
    clauses: list[Clause] = []
    for is_mark, group in groupby(pieces, lambda piece: piece.kind in (",", "STOP", "?")):
        some = tuple(group)
        if not is_mark:
            clauses.append(Clause(some, None))
        elif clauses:
            clauses[-1] = replace(clauses[-1], mark=some[-1])
    return clauses

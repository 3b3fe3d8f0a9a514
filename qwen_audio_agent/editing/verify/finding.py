"""What is found at a join, and what might repair it: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qwen_audio_agent.editing.verify.new_joins import EdgeName

VerdictKind = Literal[
    "clean", "clipped word left", "clipped word right", "leaked word", "seam", "wrong words"
]


@dataclass(frozen=True, slots=True)
class Nudge:
    """How far an edge of a place should move, in frames of the place's audio."""

    place: int
    edge: EdgeName
    frames: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at a join, and what might repair it.

    Attributes:
        kind: what is wrong.
        seconds: how much; 0 where that is no matter of time.
        detail: the evidence in a few words.
        nudge: the edge to move, if it may be moved.
    """

    kind: VerdictKind
    seconds: float = 0.0
    detail: str = ""
    nudge: Nudge | None = None

"""insert: splice sound of the same or of another audio in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import (
    AudioNumber,
    Milliseconds,
    OptionalNumber,
    OptionalWords,
    Stretch,
)
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import find_part, find_point
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import point_text, stretches_text
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.verify.place import Place

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

_LONGEST_JOIN_MS = 30.0
"""A longer crossfade is asked for to be heard: both sounds at once."""


class Insert(Stretch):
    """Splice another audio, or a part of it, into this audio; at the end if no place is given.

    words, to_words, start and end choose the part of the other audio. Makes a new audio.
    """

    other: AudioNumber = Field(description="number of the audio that goes in")
    at: OptionalNumber = Field(default=None, description="where in this audio, in seconds")
    before: OptionalWords = Field(default=None, description="words of this one that it goes before")
    after: OptionalWords = Field(default=None, description="words of this one that it goes after")
    crossfade_ms: Milliseconds = Field(
        default=10.0, ge=0, le=10_000, description="crossfade in ms; over 30 the sounds overlap"
    )


def insert(session: Session, wish: Insert) -> Outcome:
    """| A | B |  +  | x | X | y |  ->  | A | X | B |."""
    where, other = session.listened(wish.audio), session.listened(wish.other)
    point = find_point(where, wish.at, wish.before, wish.after, wish.which)
    (taken,) = find_part(other, wish.model_copy(update={"which": "only"}))
    join = round(wish.crossfade_ms / 2000 * where.audio.sample_rate)

    def at(places: tuple[Place, ...]) -> Outcome:
        point, taken = places
        base = where.audio.edit_list
        frame = point.span.start
        made = operations.insert(
            base,
            frame,
            other.audio.edit_list,
            taken.span,
            join=join,
            overlap=wish.crossfade_ms > _LONGEST_JOIN_MS,
        )
        put = point_text(point, is_end=frame == base.num_frames)
        text = f"Put {stretches_text((taken,))} of {other.name} in {put}."
        return Outcome(text, made, places, at)

    return at((point, taken))


INSERT = Tool("insert", Insert, insert)

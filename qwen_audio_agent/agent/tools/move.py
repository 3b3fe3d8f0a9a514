"""move: take words out and put them in elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import (
    Arguments,
    OptionalNumber,
    OptionalWords,
    Stretch,
    Which,
    Words,
)
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import find_point, find_stretches
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import point_text, stretches_text
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.errors import ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


class Move(Arguments):
    """Take words out and put them before or after other words, or at a time. Makes a new audio."""

    words: Words = Field(description="words that move")
    to_words: OptionalWords = Field(
        default=None, description="last words, for a stretch from words to to_words"
    )
    before: OptionalWords = Field(default=None, description="words that they go before")
    after: OptionalWords = Field(default=None, description="words that they go after")
    at: OptionalNumber = Field(default=None, description="where they go to, in seconds")
    which: Which = Field(default="only", description="which one, if there are several")


def move(session: Session, wish: Move) -> Outcome:
    """| A | B | C |  ->  | A | C | B |."""
    if wish.before is None and wish.after is None and wish.at is None:
        raise ToolError("Say where to: give before, after or at.")
    where = session.listened(wish.audio)
    source = Stretch(audio=wish.audio, words=wish.words, to_words=wish.to_words, which=wish.which)
    taken = find_stretches(where, source)
    if len(taken) > 1:
        raise ToolError(
            'Only one place can move; say which: first, second ... or last, not "every".'
        )
    point = find_point(where, wish.at, wish.before, wish.after, "only")

    def at(places: tuple[Place, ...]) -> Outcome:
        taken, point = places
        base = where.audio.edit_list
        made = operations.move(base, taken.span, point.span.start)
        to = point_text(point, is_end=point.span.start == base.num_frames).removeprefix("at ")
        text = f"Moved {stretches_text((taken,))} to {to} of {where.name}."
        return Outcome(text, made, places, at)

    return at((*taken, point))


MOVE = Tool("move", Move, move)

"""replace: put other sound in the place of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import (
    Arguments,
    AudioNumber,
    OptionalNumber,
    OptionalWords,
    Stretch,
    Which,
    Words,
)
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import find_part, find_stretches
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import stretches_text
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.verify.place import Place

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


class Replace(Arguments):
    """Put words of another audio, or all of it, in the place of words of this one.

    other_words, or start and end, choose the part of the other audio. Makes a new audio.
    """

    words: Words = Field(description="words of this audio that go")
    other: AudioNumber = Field(description="number of the audio that the new sound comes from")
    other_words: OptionalWords = Field(default=None, description="words of the other that come")
    start: OptionalNumber = Field(default=None, description="start in the other audio, in seconds")
    end: OptionalNumber = Field(default=None, description="end in the other audio, in seconds")
    which: Which = Field(default="only", description="which one, if there are several")


def replace(session: Session, wish: Replace) -> Outcome:
    """| A | B | C |  +  | x | X | y |  ->  | A | X | C |."""
    where, other = session.listened(wish.audio), session.listened(wish.other)
    gone = find_stretches(where, Stretch(audio=wish.audio, words=wish.words, which=wish.which))
    source = Stretch(audio=wish.other, words=wish.other_words, start=wish.start, end=wish.end)
    (taken,) = find_part(other, source)

    def at(places: tuple[Place, ...]) -> Outcome:
        *gone, taken = places
        made = where.audio.edit_list
        # From the last to the first, so that the places still to do stay where they are.
        for place in reversed(gone):
            made = operations.replace(made, place.span, other.audio.edit_list, taken.span)
        new, old = stretches_text((taken,)), stretches_text(gone)
        return Outcome(f"Put {new} of {other.name} in the place of {old}.", made, places, at)

    return at((*gone, taken))


REPLACE = Tool("replace", Replace, replace)

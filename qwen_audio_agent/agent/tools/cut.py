"""cut: remove a stretch and close the gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import Part, Stretch
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import find_stretches
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import stretches_text
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.verify.place import Place

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


class Cut(Stretch):
    """Remove words, or a stretch of time, and close the gap. Makes a new audio."""

    part: Part = Field(default="it", description="remove it, or everything before or after it")


def cut(session: Session, wish: Cut) -> Outcome:
    """| A | B | C |  ->  | A | C |."""
    where = session.listened(wish.audio)

    def at(places: tuple[Place, ...]) -> Outcome:
        made = operations.cut(where.audio.edit_list, *(place.span for place in places))
        return Outcome(f"Cut {stretches_text(places)}.", made, places, at)

    return at(find_stretches(where, wish, wish.part))


CUT = Tool("cut", Cut, cut)

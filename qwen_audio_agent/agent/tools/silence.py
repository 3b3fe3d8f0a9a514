"""silence: take the sound of a stretch away and keep its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import Fill, Stretch
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import find_stretches
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import stretches_text
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.fills import bleep, room_tone
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.verify.place import Place

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


class Silence(Stretch):
    """Mute or bleep words, or a stretch of time; the length stays the same. Makes a new audio."""

    fill: Fill = Field(default="room", description="heard instead: room tone, a bleep, nothing")


def silence(session: Session, wish: Silence) -> Outcome:
    """| A | B | C |  ->  | A | . | C |."""
    where = session.listened(wish.audio)
    done = "Bleeped" if wish.fill == "bleep" else "Muted"

    def at(places: tuple[Place, ...]) -> Outcome:
        made = where.audio.edit_list
        for place in places:
            made = operations.silence(made, place.span, _fill(where.audio, wish.fill, place.span))
        return Outcome(f"{done} {stretches_text(places)}.", made, places, at)

    return at(find_stretches(where, wish))


def _fill(audio: HeardAudio, fill: str, span: Span) -> EditList | None:
    """What is heard instead; None is digital silence."""
    if fill == "bleep":
        return bleep(audio.edit_list, audio.read, span)
    if fill == "room":
        return room_tone(audio.edit_list, audio.read, span)
    return None


SILENCE = Tool("silence", Silence, silence)

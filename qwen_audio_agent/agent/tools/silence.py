"""silence: take the sound of a stretch away and keep its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import Fill, Stretch
from qwen_audio_agent.agent.outcome import Outcome, Place
from qwen_audio_agent.agent.places import find_stretches
from qwen_audio_agent.agent.session_audio import SessionAudio
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import stretches_text
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import BLEEP, Clip, EditList

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


_BLEEP_DB = -20.0
_ROOM_SECONDS = 0.5


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


def _fill(audio: SessionAudio, fill: str, span: Span) -> EditList | None:
    """What is heard instead; None is digital silence."""
    if fill == "bleep":
        clip = Clip(BLEEP, 0, span.num_frames, gain_db=_BLEEP_DB)
        return EditList((clip,), audio.sample_rate, audio.num_channels)
    if fill == "room":
        quietest = audio.activity.quietest(_ROOM_SECONDS)
        return operations.keep(audio.edit_list, quietest) if quietest else None
    return None


SILENCE = Tool("silence", Silence, silence)

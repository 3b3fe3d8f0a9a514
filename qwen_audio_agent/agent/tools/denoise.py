"""denoise: take steady background noise out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import Arguments, Number
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import EffectCall

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


class Denoise(Arguments):
    """Take the background noise out of the whole audio. Makes a new audio."""

    strength: Number = Field(default=1.0, ge=0, le=1, description="0 nothing, 1 as much as is safe")


def denoise(session: Session, wish: Denoise) -> Outcome:
    """| A |  ->  | A' |."""
    audio = session.audio(wish.audio)
    call = EffectCall("denoise", (("strength", wish.strength),))
    made = operations.apply_effect(audio.edit_list, call)
    return Outcome(f"Took noise out, strength {wish.strength:g}.", made)


DENOISE = Tool("denoise", Denoise, denoise, changes_levels=True)

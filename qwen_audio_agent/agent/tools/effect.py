"""effect: one change of the whole audio, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import Arguments, EffectChoice, OptionalNumber
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import EffectCall
from qwen_audio_agent.errors import ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

SETTINGS = {
    "normalize": ("lufs", "LUFS"),
    "highpass": ("cutoff_hz", "Hz"),
    "compress": ("ratio", ": 1"),
    "tempo": ("factor", "times the speed"),
}


class Effect(Arguments):
    """Change the whole audio: loudness, low rumble, dynamics, sharp s, clicks or speed.

    Makes a new audio.
    """

    name: EffectChoice = Field(default="normalize", description="which effect")
    value: OptionalNumber = Field(
        default=None,
        description="LUFS of normalize, Hz of highpass, ratio of compress, speed of tempo",
    )


def effect(session: Session, wish: Effect) -> Outcome:
    """| A |  ->  | A' |."""
    audio = session.audio(wish.audio)
    settings: tuple[tuple[str, float], ...] = ()
    text = f"Applied {wish.name}"
    if wish.value is not None:
        if wish.name not in SETTINGS:
            raise ToolError(f"{wish.name} takes no value; leave value out.")
        setting, unit = SETTINGS[wish.name]
        settings = ((setting, wish.value),)
        text += f", {wish.value:g} {unit}"
    elif wish.name == "tempo":
        raise ToolError("tempo needs a value, such as 1.25 for a quarter faster.")
    made = operations.apply_effect(audio.edit_list, EffectCall(wish.name, settings))
    return Outcome(f"{text}.", made)


EFFECT = Tool("effect", Effect, effect, changes_levels=True)

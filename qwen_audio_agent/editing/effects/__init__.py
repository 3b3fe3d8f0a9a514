"""Effects: what can be done to a whole programme, one file each, found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from qwen_audio_agent.editing.edit_list import EffectCall
from qwen_audio_agent.editing.effects.bed import Bed
from qwen_audio_agent.editing.effects.compress import Compress
from qwen_audio_agent.editing.effects.declick import Declick
from qwen_audio_agent.editing.effects.deess import Deess
from qwen_audio_agent.editing.effects.denoise import Denoise
from qwen_audio_agent.editing.effects.effect import Effect, OpenBlocks
from qwen_audio_agent.editing.effects.highpass import Highpass
from qwen_audio_agent.editing.effects.hum import Dehum
from qwen_audio_agent.editing.effects.limiter import Limiter
from qwen_audio_agent.editing.effects.normalize import Normalize
from qwen_audio_agent.editing.effects.tempo import Tempo
from qwen_audio_agent.errors import EditError

__all__ = [
    "EFFECTS",
    "Bed",
    "Compress",
    "Declick",
    "Deess",
    "Dehum",
    "Denoise",
    "Effect",
    "Highpass",
    "Limiter",
    "Normalize",
    "OpenBlocks",
    "Tempo",
    "make_effect",
]

EFFECTS: Mapping[str, type[Effect]] = {
    effect.name: effect
    for effect in (
        Denoise,
        Normalize,
        Limiter,
        Dehum,
        Highpass,
        Compress,
        Deess,
        Declick,
        Tempo,
        Bed,
    )
}
"""Every effect by its name."""


def make_effect(call: EffectCall, sound_of: Callable[[str], OpenBlocks] | None = None) -> Effect:
    """Build the effect that a call names, with its settings.

    Args:
        call: name, settings and source.
        sound_of: opens the sound of a source at the rate and with the channels of the programme;
            None for an effect that is only asked about.

    Raises:
        EditError: an unknown effect or setting, a value out of range, or a source that is missing
            or not wanted; names what is allowed.
    """
    effect = EFFECTS.get(call.name)
    if effect is None:
        raise EditError(f"there is no effect {call.name!r}; choose from {', '.join(EFFECTS)}")
    known = [item.name for item in fields(effect) if item.metadata]
    for name, _ in call.settings:
        if name not in known:
            raise EditError(f"{call.name} has no setting {name!r}; it has {', '.join(known)}")
    if bool(call.source) != (effect is Bed):
        needs = "needs a source" if effect is Bed else "takes no source"
        raise EditError(f"{call.name} {needs}")
    made = effect(**dict(call.settings))
    if isinstance(made, Bed) and sound_of:
        return replace(made, sound=sound_of(call.source))
    return made

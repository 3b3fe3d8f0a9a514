"""What a recipe asks for on the sound of the whole, as the effects of an edit list, in order."""

from __future__ import annotations

from qwen_audio_agent.cleanup.plan import Episode
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.editing.edit_list import EffectCall


def effects_of(recipe: Recipe, episode: Episode) -> tuple[EffectCall, ...]:
    """The effects: first what repairs, then what shapes, and the loudness last.

    Args:
        recipe: what is asked for.
        episode: what was measured in the recording.
    """
    sound, loudness = recipe.sound, recipe.loudness
    calls = []
    if sound.declick:
        calls.append(EffectCall("declick"))
    if sound.highpass_hz:
        calls.append(EffectCall("highpass", (("cutoff_hz", sound.highpass_hz),)))
    if sound.hum and episode.hum_hz:
        tones = (("frequency_hz", episode.hum_hz), ("num_harmonics", episode.hum_harmonics))
        calls.append(EffectCall("hum", tones))
    if sound.denoise:
        calls.append(EffectCall("denoise", (("strength", sound.denoise),)))
    if sound.deess:
        calls.append(EffectCall("deess", (("reduction_db", sound.deess),)))
    if sound.compress > 1:
        calls.append(EffectCall("compress", (("ratio", sound.compress),)))
    target = loudness.for_channels(episode.num_channels)
    if target is not None:
        settings = (("lufs", target), ("true_peak_db", loudness.true_peak))
        calls.append(EffectCall("normalize", settings))
    return tuple(calls)

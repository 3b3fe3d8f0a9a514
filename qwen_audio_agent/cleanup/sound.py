"""What a recipe asks for on the sound of the whole: effects, music, loudness, in this order.

| intro | x | programme, its effects, a bed under it | x | outro |    and the loudness of it all
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qwen_audio_agent.audio.files import content_hash, probe
from qwen_audio_agent.audio.samples import frame_at
from qwen_audio_agent.cleanup.plan import Episode
from qwen_audio_agent.cleanup.recipe import Music, Recipe
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import SILENCE, Clip, EditList, EffectCall
from qwen_audio_agent.editing.sources import Sources

_QUIETEST_LUFS = -70.0
_OVER_LOUDNESS_DB = 3.0
_THRESHOLDS_DB = (-60.0, -10.0)
_USUAL_THRESHOLD_DB = -24.0


def with_sound(
    edit_list: EditList, recipe: Recipe, episode: Episode, sources: Sources, track: int = 1
) -> EditList:
    """A programme with everything that a recipe does to its sound.

    Args:
        edit_list: the programme, without effects.
        recipe: what is asked for.
        episode: what was measured in the recording.
        sources: where the recording is; music is added there.
        track: of several microphones the number, from 1: music sounds on the first alone, and the
            others are silent for as long, for they are heard together.

    Raises:
        AudioFileError: music cannot be read.
        EditError: a crossfade is longer than what it joins.
    """
    music = recipe.music
    effects = chain(recipe, episode)
    if music.bed and track == 1:
        levels = (("level_db", music.bed_db), ("duck_db", -music.duck_db))
        effects.append(EffectCall("bed", levels, _source(music.bed, sources)))
    made = replace(edit_list, effects=tuple(effects))
    if music.intro:
        made = _joined(made, 0, music.intro, music, sources, track)
    if music.outro:
        made = _joined(made, made.num_frames, music.outro, music, sources, track)
    target = recipe.loudness.for_channels(episode.num_channels)
    if target is None or not episode.is_spoken:
        return made
    settings = (("lufs", target), ("true_peak_db", recipe.loudness.true_peak))
    return operations.apply_effect(made, EffectCall("normalize", settings))


def chain(recipe: Recipe, episode: Episode) -> list[EffectCall]:
    """The effects on a programme, apart from its loudness: first what repairs, then what shapes.

        declick -> hum -> highpass -> denoise -> deess -> compress

    Args:
        recipe: what is asked for.
        episode: what was measured: the hum, and the loudness, which the compressor begins 3 dB
            above, and which sibilants are told against; where that is not known the compressor
            begins at -24 dBFS, and the de-esser measures what it gets.
    """
    sound = recipe.sound
    lufs = None
    if episode.loudness_lufs is not None:
        lufs = min(max(episode.loudness_lufs, _QUIETEST_LUFS), 0.0)
    calls = []
    if sound.declick:
        calls.append(EffectCall("declick"))
    if sound.hum and episode.hum_hz:
        tones = (("frequency_hz", episode.hum_hz), ("num_harmonics", episode.hum_harmonics))
        calls.append(EffectCall("hum", tones))
    if sound.highpass_hz:
        calls.append(EffectCall("highpass", (("cutoff_hz", sound.highpass_hz),)))
    if sound.denoise:
        calls.append(EffectCall("denoise", (("strength", sound.denoise),)))
    if sound.deess:
        settings = [("reduction_db", sound.deess)]
        if lufs is not None:
            settings.append(("lufs", lufs))
        calls.append(EffectCall("deess", tuple(settings)))
    if sound.compress > 1:
        threshold = _USUAL_THRESHOLD_DB
        if lufs is not None:
            lowest, highest = _THRESHOLDS_DB
            threshold = min(max(lufs + _OVER_LOUDNESS_DB, lowest), highest)
        settings = [("ratio", sound.compress), ("threshold_db", threshold)]
        if recipe.loudness.target != "keep":
            # What comes last sets the loudness, so nothing is measured and made up for here.
            settings.append(("makeup_db", 0.0))
        calls.append(EffectCall("compress", tuple(settings)))
    return calls


def _joined(
    edit_list: EditList, at: int, path: str, music: Music, sources: Sources, track: int
) -> EditList:
    """The programme with a file before or behind it; both lie over each other for a crossfade."""
    source, rate = _source(path, sources), edit_list.sample_rate
    other = EditList.from_file(source, sources.files[source])
    if track != 1:
        silence = Clip(SILENCE, 0, sources.num_frames(source, rate))
        other = EditList((silence,), rate, edit_list.num_channels)
    for part in (edit_list, other):  # of another rate, or with effects, they become clips
        sources.add_list(part)
    # In halves: `join` is measured from the middle of a crossfade.
    join = frame_at(music.crossfade / 2, edit_list.sample_rate)
    return operations.insert(edit_list, at, other, join=join, overlap=bool(join))


def _source(path: str, sources: Sources) -> str:
    """Add a file of music; its id there."""
    source = f"m{content_hash(Path(path))[:16]}"
    if source not in sources.files:
        sources.add_file(source, probe(Path(path)))
    return source

"""Levels before and after an edit."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from qwen_audio_agent.agent.outcome import Levels
from qwen_audio_agent.audio.levels import loudness_lufs, noise_floor_dbfs, rms_dbfs
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.heard_audio import HeardAudio

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

SILENT_DB = -120.0
"""What stands for minus infinity in files."""


def compare_levels(session: Session, given: int, made: EditList) -> Levels:
    """Levels of the audio that a tool was given and of what it made of it."""
    before, after = session.audio(given), session.as_audio(made)
    floor, speech, loudness = zip(levels_of(before), levels_of(after), strict=True)
    return Levels(floor, speech, loudness)


def levels_of(audio: HeardAudio) -> tuple[float, float, float]:
    """Noise floor and level of the speech in dBFS, loudness in LUFS; `SILENT_DB` for silence."""
    speech = (block for span in audio.activity.speech for block in audio.blocks(span))
    levels = noise_floor_dbfs(audio.blocks()), rms_dbfs(speech), loudness_lufs(audio.blocks())
    floor, active, loudness = (level if isfinite(level) else SILENT_DB for level in levels)
    return floor, active, loudness

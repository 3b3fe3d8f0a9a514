"""Tags that tell how loud the sound is: after an edit they would be of another sound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qwen_audio_agent.audio.tags import riff, vorbis
from qwen_audio_agent.audio.tags.values import Tags

NOTE = "its loudness tags (ReplayGain, Sound Check) are left out: the sound has another loudness"


def without_loudness(tags: Tags) -> Tags:
    """The same tags without ReplayGain, Sound Check and their like; `notes` say if there were any.

    A player would else turn the new sound up or down by what the old one needed.
    """
    native: dict[str, Any] = dict(tags.native)
    if "VORBIS" in native:
        native["VORBIS"] = vorbis.without_loudness(native["VORBIS"])
    if "RIFF" in native:
        native["RIFF"] = riff.without_loudness(native["RIFF"])
    if "ID3" in native:
        from qwen_audio_agent.audio.tags import id3

        native["ID3"] = id3.without_loudness(native["ID3"])
    if "MP4" in native:
        from qwen_audio_agent.audio.tags import mp4

        native["MP4"] = mp4.without_loudness(native["MP4"])
    if native == dict(tags.native):
        return tags
    return replace(tags, native=native, notes=(*tags.notes, NOTE))

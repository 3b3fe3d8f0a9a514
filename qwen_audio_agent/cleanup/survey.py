"""What is measured in an episode before anything is proposed: levels, and where somebody speaks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.activity import Activity, find_activity, runs
from qwen_audio_agent.audio.files import AudioFile, blocks, content_hash
from qwen_audio_agent.audio.hum import find_hum
from qwen_audio_agent.audio.levels import loudness_lufs, noise_floor_dbfs
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.cleanup.plan import Episode
from qwen_audio_agent.speech.held_vowels import HeldVowel, find_held_vowels
from qwen_audio_agent.speech.words import Transcript

_Levels = NDArray[np.float32]

_FULL_SCALE: Final = 0.999
_CLIPPED_FRAMES: Final = 3  # at full scale one behind the other
_FLOOR_DBFS: Final = -90.0


@dataclass(frozen=True)
class Survey:
    """A recording, and what was measured and heard in it.

    Attributes:
        file: the recording.
        episode: what a plan keeps of it.
        activity: where somebody speaks, to the signal.
        transcript: what is said, to the ear.
        held: what sounds like um or uh, whatever the ear heard there.
    """

    file: AudioFile
    episode: Episode
    activity: Activity
    transcript: Transcript
    held: tuple[HeldVowel, ...] = ()

    @cached_property
    def room_dbfs(self) -> float:
        """Level of the room, in the band that speech lies in."""
        pauses = self._levels(speaking=False)
        return float(np.percentile(pauses, 25)) if len(pauses) else _FLOOR_DBFS

    @cached_property
    def speech_dbfs(self) -> float:
        """Level of the speech."""
        spoken = self._levels(speaking=True)
        return float(np.percentile(spoken, 75)) if len(spoken) else 0.0

    def levels(self, start: float, end: float) -> _Levels:
        """Power in dBFS of each 10 ms between two times in seconds; at least one."""
        first = min(int(start * 100), len(self.activity.power) - 1)
        power = self.activity.power[first : max(first + 1, int(end * 100))]
        levels: _Levels = 10 * np.log10(power + 1e-9)
        return levels

    def _levels(self, *, speaking: bool) -> _Levels:
        flags = np.zeros(len(self.activity.power), bool)
        rate = self.activity.sample_rate
        for span in self.activity.speech:
            flags[span.start * 100 // rate : span.end * 100 // rate] = True
        power = self.activity.power[flags == speaking]
        levels: _Levels = 10 * np.log10(power + 1e-9)
        return levels


def survey(file: AudioFile, transcript: Transcript) -> Survey:
    """Measure a recording, in constant memory.

    Raises:
        AudioFileError: it cannot be read.
    """
    hum = find_hum(blocks(file))
    episode = Episode(
        name=file.path.name,
        sha256=content_hash(file.path),
        sample_rate=file.sample_rate,
        num_channels=file.num_channels,
        num_frames=file.num_frames,
        loudness_lufs=_finite(loudness_lufs(blocks(file))),
        noise_floor_dbfs=_finite(noise_floor_dbfs(blocks(file))),
        hum_hz=round(hum.frequency_hz, 2) if hum else None,
        hum_harmonics=hum.num_harmonics if hum else 0,
        num_clipped=sum(1 for _ in clipped(blocks(file))),
    )
    held = tuple(find_held_vowels(blocks(file)))
    return Survey(file, episode, find_activity(blocks(file)), transcript, held)


def clipped(sound: Iterable[Audio]) -> Iterator[int]:
    """The frames at which the sound begins to be cut off at full scale."""
    at = 0
    for block in sound:
        if max(block.samples.max(initial=0), -block.samples.min(initial=0)) >= _FULL_SCALE:
            full = np.asarray((np.abs(block.samples) >= _FULL_SCALE).any(axis=0))
            yield from (at + a for a, b in runs(full) if b - a >= _CLIPPED_FRAMES)
        at += block.num_frames


def _finite(level: float) -> float | None:
    return round(level, 2) if math.isfinite(level) else None

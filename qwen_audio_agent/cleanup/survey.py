"""What is measured in an episode before anything is proposed: levels, and where somebody speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.activity import Activity, ActivityMeter, runs
from qwen_audio_agent.audio.files import AudioFile, blocks, content_hash
from qwen_audio_agent.audio.hops import Hops, hops_of
from qwen_audio_agent.audio.hum import HumMeter
from qwen_audio_agent.audio.levels import measured
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.cleanup.measured import Measured, ReportMeter
from qwen_audio_agent.cleanup.plan import Episode
from qwen_audio_agent.speech.held_vowels import HeldVowel, find_held_vowels
from qwen_audio_agent.speech.words import Transcript

_Levels = NDArray[np.float32]

_LARGE_BLOCK: Final = 31 << 20  # bytes; glibc learns from none beyond 32 MiB
_FULL_SCALE: Final = 0.999
_LEAST_HELD: Final = 0.02  # fillers that an ear hears are hardly ever less
_CLIPPED_FRAMES: Final = 3  # at full scale one behind the other
_FLOOR_DBFS: Final = -90.0
_QUIETEST: Final = 5  # in a hundred: the room is heard in so much of any speech
_ROOM_VARIES_DB: Final = 10.0


@dataclass(frozen=True)
class Survey:
    """A recording, and what was measured and heard in it.

    Attributes:
        file: the recording.
        episode: what a plan keeps of it.
        activity: where somebody speaks, to the signal.
        transcript: what is said, to the ear.
        measured: its levels, as a report shows them.
        held: what sounds at all like um or uh, whatever the ear heard there.
    """

    file: AudioFile
    episode: Episode
    activity: Activity
    transcript: Transcript
    measured: Measured
    held: tuple[HeldVowel, ...] = ()

    @cached_property
    def room_dbfs(self) -> float:
        """Level of the room, in the band that speech lies in.

        Where most of what is no speech is a chord or a drone, the quiet between words tells it.
        """
        pauses = self._levels(speaking=False)
        if not len(pauses):
            return _FLOOR_DBFS
        quietest = float(np.percentile(10 * np.log10(self.activity.power + 1e-9), _QUIETEST))
        return min(float(np.percentile(pauses, 25)), quietest + _ROOM_VARIES_DB)

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


def survey(file: AudioFile, transcript: Transcript, longest: float = 0.0) -> Survey:
    """Measure a recording, in one reading and in constant memory.

    Args:
        file: the recording.
        transcript: what is said in it.
        longest: seconds of the longest of several microphones; see `ReportMeter`.

    Raises:
        AudioFileError: it cannot be read.
    """
    _keep_freed_memory()
    rate = file.sample_rate
    levels = ReportMeter(rate, file.num_channels, file.num_frames, longest)
    hum, clipping = HumMeter(rate), ClippingMeter()
    speech = ActivityMeter()

    def passing() -> Iterator[Hops]:
        for hops in hops_of(measured(blocks(file), levels, hum, clipping)):
            speech.push(hops)
            yield hops

    held = tuple(find_held_vowels(passing(), _LEAST_HELD))
    mains, shown = hum.hum(), levels.measured
    episode = Episode(
        name=file.path.name,
        sha256=content_hash(file.path),
        sample_rate=rate,
        num_channels=file.num_channels,
        num_frames=file.num_frames,
        loudness_lufs=shown.loudness_lufs,
        noise_floor_dbfs=shown.noise_floor_dbfs,
        hum_hz=round(mains.frequency_hz, 2) if mains else None,
        hum_harmonics=mains.num_harmonics if mains else 0,
        # Floats go on beyond full scale.
        num_clipped=0 if file.subtype in ("FLOAT", "DOUBLE") else clipping.count,
        is_spoken=bool(transcript.words),
    )
    activity = speech.activity(rate, file.num_frames)
    return Survey(file, episode, activity, transcript, shown, held)


def _keep_freed_memory() -> None:
    """Free a large block once: glibc keeps what is smaller then, and no block is faulted in again.

    Without it a fifth of a survey is the giving back and getting again of pages.
    """
    block = np.empty(_LARGE_BLOCK, np.uint8)
    del block


class ClippingMeter:
    """Counts the places at which the sound is cut off at full scale, as its blocks pass.

    Attributes:
        count: how many there were so far; one that goes on in the next block counts there again.
    """

    def __init__(self) -> None:
        self.count = 0

    def push(self, samples: Samples) -> None:
        """Take the next (channels, frames)."""
        if max(samples.max(initial=0), -samples.min(initial=0)) >= _FULL_SCALE:
            full = np.asarray((np.abs(samples) >= _FULL_SCALE).any(axis=0))
            self.count += sum(1 for first, last in runs(full) if last - first >= _CLIPPED_FRAMES)

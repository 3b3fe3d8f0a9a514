"""What of a pause is as quiet as the room, or a breath that is known: nothing else may go.

pause   | quiet | breath | quiet | a cough | quiet |
goes    |  x x x x x x x x x x |   stays   |  x x  |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.activity import Activity, runs
from qwen_audio_agent.cleanup.plan import Proposal
from qwen_audio_agent.cleanup.survey import Survey

Times = tuple[float, float]
"""Start and end in seconds."""

_NOISE_MARGIN: Final = 0.06  # a breath goes on, softly, beyond where it is found
_CUT_MARGIN: Final = 0.1
_AS_QUIET_AS_ROOM_DB: Final = 12.0
_ENDS_DB: Final = 8.0  # above the room; a sound is followed down to this
_SHORTEST_PART: Final = 0.1
_SHORTEST_WORD: Final = 0.15
_KEPT_BESIDE: Final = 0.12  # quiet that the signal's activity keeps on both sides of a sound
_NO_VOICE_DB: Final = 9.0  # below speech


@dataclass(frozen=True, slots=True)
class Quiet:
    """Tells what is quiet in a recording.

    Attributes:
        survey: the recording, what was measured and heard in it.
        noises: breaths and smacks, which count as quiet, for they go with the pause.
        gone: what is cut anyway; how it begins and dies away counts as quiet, too.
    """

    survey: Survey
    noises: Sequence[Proposal]
    gone: Sequence[Times] = ()

    def parts(self, span: Times) -> list[Times]:
        """What is quiet of a span, without the sounds in it that nobody knows, in order of time.

        Empty if nothing of it is, or too little to be cut.
        """
        start, end = beside_noises(span, self.noises)
        if end <= start:
            return []
        above = self._above(start, end)
        sounds = [
            (first, last)
            for first, last in runs(above > _ENDS_DB)
            if above[first:last].max() >= _AS_QUIET_AS_ROOM_DB
        ]
        if not sounds:
            return [(start, end)]
        found, at = [], start
        for first, last in sounds:
            found.append((at, start + first / 100 - _NOISE_MARGIN))
            at = start + last / 100 + _NOISE_MARGIN
        found.append((at, end))
        parts = [beside_noises((max(a, start), min(b, end)), self.noises) for a, b in found]
        return [(a, b) for a, b in parts if b - a >= _SHORTEST_PART]

    def beyond(self, span: Times, head: float, tail: float) -> list[Times]:
        """Dead air with sounds in it that nobody knows, parted: with the sounds, and beyond them.

        Args:
            span: dead air before the first word or after the last.
            head: seconds that stay after the last sound in it, where it comes after the last word.
            tail: seconds that stay before the first sound, where it comes before the first word.
        """
        (start, end), parts = span, self.parts(span)
        if head and parts and parts[-1][1] == end and end - parts[-1][0] - head >= _SHORTEST_PART:
            return [(start, parts[-1][0] + head), (parts[-1][0] + head, end)]
        if tail and parts and parts[0][0] == start and parts[0][1] - tail - start >= _SHORTEST_PART:
            return [(start, parts[0][1] - tail), (parts[0][1] - tail, end)]
        return [span]

    def confidence(self, span: Times) -> float:
        """How sure it is that nothing is heard in a span, 0 to 1."""
        above = float(np.percentile(self._above(*span), 95))
        return round(float(np.clip(1 - (above - 6) / 30, 0.3, 0.99)), 3)

    def concern(self, span: Times) -> str:
        """A concern where something is heard that is no word."""
        above = float(np.percentile(self._above(*span), 98))
        if above < _AS_QUIET_AS_ROOM_DB:
            return ""
        return f"something {above:.0f} dB above the room is heard in it, and no words"

    def _above(self, start: float, end: float) -> NDArray[np.float32]:
        """How many dB each 10 ms lies above the room; 0 where what is heard goes anyway."""
        above = self.survey.levels(start, end) - self.survey.room_dbfs
        known = [(noise.start, noise.end, _NOISE_MARGIN) for noise in self.noises]
        for a, b, margin in [*known, *((*span, _CUT_MARGIN) for span in self.gone)]:
            if a - margin < end and b + margin > start:
                first, last = int((a - start - margin) * 100), int((b - start + margin) * 100) + 1
                above[max(0, first) : max(0, last)] = 0.0
        return above.astype(np.float32)


def beside_noises(span: Times, noises: Sequence[Proposal]) -> Times:
    """A span whose edges cut no breath in two: one that an edge lies in stays whole."""
    start, end = span
    for noise in noises:
        if noise.start < start < noise.end:
            start = noise.end
        if noise.start < end < noise.end:
            end = noise.start
    return start, end


def voiceless(activity: Activity, survey: Survey) -> list[Times]:
    """Sounds between two pauses that are too short and too soft for a word, whatever they are."""
    found = []
    for span in activity.speech:
        start, end = span.seconds(activity.sample_rate)
        if end - start > _SHORTEST_WORD + _KEPT_BESIDE:
            continue
        levels = survey.levels(start, end)
        num_sounding = int((levels > survey.room_dbfs + _ENDS_DB).sum())
        is_soft = levels.max() < survey.speech_dbfs - _NO_VOICE_DB
        if is_soft and num_sounding <= _SHORTEST_WORD * 100:
            found.append((start, end))
    return found

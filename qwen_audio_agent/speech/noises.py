"""Breaths, and clicks and smacks of the mouth, in the gaps between words.

A breath is noise: longer than 100 ms, not periodic, well below the speech beside it and above the
room. A smack is over within some 30 ms and has quiet on both sides. What touches speech without a
dip in between is left alone, for it may be the start of an "s".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from qwen_audio_agent.audio.activity import runs
from qwen_audio_agent.audio.resampling import EAR_RATE, to_16k_mono
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.speech.ears.voicing import levels_and_periodicity, levels_of

NoiseKind = Literal["breath", "mouth"]

_FRAME: Final = 0.01  # of `levels_and_periodicity`, seconds
_SHORTEST_GAP: Final = 0.08
LONGEST_GAP: Final = 5.0
"""Seconds; what is longer is no gap of speech: music, a door, another voice."""
_ABOVE_ROOM_DB: Final = 8.0
_BELOW_SPEECH_DB: Final = 10.0
_BREATH: Final = (0.10, 0.9)  # seconds
_UNVOICED: Final = 0.5  # periodicity of half of a breath, at most
_HISS_HZ: Final = 1000.0  # a breath has more above than below what hums
_CLICK_FRAME: Final = 0.002
_CLICK: Final = 0.03  # seconds at most
_CLICK_DB: Final = 14.0  # above what lies beside it
_CLICK_BESIDE: Final = 0.03


@dataclass(frozen=True, slots=True)
class Noise:
    """A short noise between words.

    Attributes:
        kind: what it sounds like.
        start: seconds.
        end: seconds.
        confidence: 0 to 1.
        level_db: against the room, in dB.
    """

    kind: NoiseKind
    start: float
    end: float
    confidence: float
    level_db: float


def find_noises(
    read: Callable[[Span], Audio],
    gaps: Iterable[Span],
    sample_rate: int,
    *,
    room_dbfs: float,
    speech_dbfs: float,
) -> list[Noise]:
    """Find the breaths and the smacks in gaps between words.

    Args:
        read: gives the sound of a span.
        gaps: frames in which nobody speaks, in order of time.
        sample_rate: of the frames, in Hz.
        room_dbfs: level of the room.
        speech_dbfs: level of the speech.

    Returns:
        In order of time, not overlapping.
    """
    found = []
    for gap in gaps:
        if not _SHORTEST_GAP <= gap.num_frames / sample_rate <= LONGEST_GAP:
            continue
        sound = to_16k_mono(read(gap)).samples[0]
        start = gap.start / sample_rate
        smacks = list(_smacks(sound, start, room_dbfs))
        breaths = _breaths(sound, start, room_dbfs, speech_dbfs)
        found += [b for b in breaths if all(b.end <= s.start or b.start >= s.end for s in smacks)]
        found += smacks
    return sorted(found, key=lambda noise: noise.start)


def _breaths(
    sound: NDArray[np.float32], start: float, room_dbfs: float, speech_dbfs: float
) -> Iterator[Noise]:
    num_frames = len(sound) // (EAR_RATE // 100)
    loud = levels_of(sound, num_frames) > room_dbfs + _ABOVE_ROOM_DB
    # One that is cut off by the border of the gap may belong to the word there.
    found = [
        (first, last)
        for first, last in runs(loud)
        if first > 0 and last < len(loud) and _within(first, last, _FRAME, _BREATH)
    ]
    if not found:
        return
    levels, periodicity = levels_and_periodicity(sound, num_frames)
    for first, last in found:
        inside = slice(first, last)
        level, voiced = float(levels[inside].max()), float(np.median(periodicity[inside]))
        part = sound[first * (EAR_RATE // 100) : last * (EAR_RATE // 100)]
        if level > speech_dbfs - _BELOW_SPEECH_DB or voiced > _UNVOICED or not _hisses(part):
            continue
        confidence = min(1.0, 0.5 + (_UNVOICED - voiced) + (level - room_dbfs) / 60)
        yield Noise(
            "breath", start + first * _FRAME, start + last * _FRAME, confidence, level - room_dbfs
        )


def _smacks(sound: NDArray[np.float32], start: float, room_dbfs: float) -> Iterator[Noise]:
    width = round(_CLICK_FRAME * EAR_RATE)
    num_frames = len(sound) // width
    power = np.square(sound[: num_frames * width].astype(np.float64)).reshape(-1, width)
    levels = 10 * np.log10(power.mean(axis=1) + 1e-12)
    beside = round(_CLICK_BESIDE / _CLICK_FRAME)
    if num_frames <= 2 * beside:
        return
    around = median_filter(levels, 2 * beside + 1, mode="nearest")
    loud = levels > np.maximum(around, room_dbfs) + _CLICK_DB
    for first, last in runs(_closed(loud)):
        quiet_beside = first >= beside and last + beside <= num_frames
        if not quiet_beside or (last - first) * _CLICK_FRAME > _CLICK:
            continue
        above = float(levels[first:last].max() - around[first:last].min())
        yield Noise(
            "mouth",
            start + max(0, first - 1) * _CLICK_FRAME,
            start + (last + 1) * _CLICK_FRAME,
            min(1.0, 0.4 + (above - _CLICK_DB) / 20),
            above,
        )


def _hisses(sound: NDArray[np.float32]) -> bool:
    """Whether more of its energy lies above 1 kHz than below."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    border = int(_HISS_HZ * len(sound) / EAR_RATE)
    return bool(power[border:].sum() > power[:border].sum())


def _within(first: int, last: int, step: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= (last - first) * step <= limits[1]


def _closed(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Flags with gaps of up to two closed."""
    closed: NDArray[np.bool_] = flags.copy()
    for first, last in runs(~flags):
        if last - first <= 2 and first > 0 and last < len(flags):
            closed[first:last] = True
    return closed

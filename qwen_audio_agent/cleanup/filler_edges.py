"""Where a filler begins and ends: how it sets in and dies away, and the "mm" of an "um".

    sound  |       u u u u m m m .  .          | and then
    found  |        |-----|                    |
    goes   |       |-------------|             |

What is found of a filler is its vowel, as far as it is held. What goes before it goes back to the
quiet that it sets in from; what comes after it goes as far as it is one sound that dies away. What
changes before it is quiet is a word, and stays.

Chosen on 32 minutes of made episodes of the split "check", 148 fillers: of each 123 ms were left,
now 52 ms; of words 0.05 s more go, in all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.cleanup.quiet import Times
from qwen_audio_agent.cleanup.survey import Survey

_Floats = NDArray[np.float64]

_HOPS: Final = 100  # a second, as `Survey.levels` has them
_SETS_IN: Final = 8  # hops
_DIES_AWAY: Final = 30
_QUIET_HOPS: Final = 3
_ABOVE_ROOM_DB: Final = 8.0
_QUIET_DB: Final = 25.0  # below the filler
_DIP_DB: Final = 15.0  # below the filler: what comes then is something else
_STILL_DB: Final = 12.0  # below it, what changes is only how it dies away
_CHANGE_DB: Final = 6.0  # of each band within 30 ms; an "mm" changes less, the next sound more
_CHANGE_HOPS: Final = 3
_WINDOW_S: Final = 0.025
_BANDS_HZ: Final = (80, 250, 400, 600, 800, 1000, 1300, 1600, 2000, 2500, 3200, 4000, 5500)
_RANGE_DB: Final = 45.0


def whole_filler(
    found: Times, survey: Survey, read: Callable[[Span], Audio], within: Times = (0.0, np.inf)
) -> Times:
    """All of a filler of which a part was found.

    Args:
        found: its vowel, start and end in seconds.
        survey: the recording.
        read: its sound.
        within: how far it can reach, in seconds, where words are known.

    Returns:
        Start and end in seconds, at most 0.08 s before and 0.3 s after what was found.

    Raises:
        AudioFileError: the recording cannot be read.
    """
    first, last = (round(time * _HOPS) for time in found)
    level = float(np.median(survey.levels(*found)))
    quiet = max(survey.room_dbfs + _ABOVE_ROOM_DB, level - _QUIET_DB)
    start = found[0]
    for hop in range(first, max(first - _SETS_IN, 0) - 1, -1):
        if hop == 0 or _levels(survey, hop - _QUIET_HOPS, hop).max() < quiet:
            start = min(start, hop / _HOPS)
            break
    end = found[1]
    changes = _changes(survey, read, last)
    levels = _levels(survey, last, last + _DIES_AWAY + _QUIET_HOPS + 1)
    for hop in range(len(levels) - _QUIET_HOPS):
        is_dip = hop > 0 and levels[hop] < level - _DIP_DB and levels[hop] <= levels[hop + 1]
        if is_dip or levels[hop : hop + _QUIET_HOPS].max() < quiet:
            end = max(end, (last + hop) / _HOPS)
            break
        if levels[hop] > level - _STILL_DB and changes[hop : hop + 1].max(initial=0) > _CHANGE_DB:
            break
    return max(start, min(within[0], found[0])), min(end, max(within[1], found[1]))


def _levels(survey: Survey, first: int, last: int) -> NDArray[np.float32]:
    """Levels of hops; fewer at the end of the recording, but one."""
    return survey.levels(max(first, 0) / _HOPS + 0.001, last / _HOPS + 0.001)


def _changes(survey: Survey, read: Callable[[Span], Audio], first: int) -> _Floats:
    """How much the timbre changes around each hop from `first` on, in dB of a band."""
    rate = survey.file.sample_rate
    begin = max(0, first - _CHANGE_HOPS) / _HOPS
    end = min((first + _DIES_AWAY + 2 * _CHANGE_HOPS) / _HOPS, survey.file.duration)
    sound = read(Span.from_seconds(begin, end, rate)).to_mono().samples[0]
    width = round(_WINDOW_S * rate)
    starts = [round(hop * rate / _HOPS) for hop in range(_DIES_AWAY + 3 * _CHANGE_HOPS)]
    frames = [sound[at : at + width] for at in starts if at + width <= len(sound)]
    if len(frames) <= _CHANGE_HOPS:
        return np.zeros(0)
    powers = np.abs(np.fft.rfft(np.array(frames) * np.hanning(width), axis=1)) ** 2
    edges = np.searchsorted(np.fft.rfftfreq(width, 1 / rate), _BANDS_HZ)
    edges = np.minimum(edges, powers.shape[1] - 1)
    bands = 10 * np.log10(np.add.reduceat(powers, edges, axis=1)[:, :-1] + 1e-9)
    bands = np.maximum(bands, bands.max() - _RANGE_DB)
    bands -= bands.mean(axis=1, keepdims=True)
    changes: _Floats = np.abs(bands[_CHANGE_HOPS:] - bands[:-_CHANGE_HOPS]).mean(axis=1)
    return changes

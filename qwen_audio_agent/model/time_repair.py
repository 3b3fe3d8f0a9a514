"""Words whose times can be, whatever times a network gave; what was worked out is flagged."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from qwen_audio_agent.model.timestamps import TimedText
from qwen_audio_agent.speech.words import Word

_ROUNDING: Final = 0.02  # a time beyond the end by no more than this is the end
_NEAR: Final = 0.1  # a time that is out of order by no more than this is moved, not thrown away
_SHORTEST: Final = 0.02  # no word is shorter, in seconds
_PER_LETTER: Final = 0.075  # seconds: 160 words of 5 letters in a minute


def repaired(timed: Sequence[TimedText], duration: float, error: float = 0.1) -> tuple[Word, ...]:
    """Words in order, inside the clip, at least 20 ms long, whatever times a model gave.

    given       | a |      | c |  | b |          b out of order
    repaired    | a |  | b || c |                b between its neighbours, and flagged

    The longest run of times that never fall is believed. Another time is moved to its neighbours
    if it is near to them; if not, or if it is missing, it is worked out from them and from the
    number of letters. Words that were touched are `estimated`, with errors as wide as the doubt.

    Args:
        timed: in the order in which they are said.
        duration: of the clip, in seconds.
        error: how far off the times of the model may be where they are possible, in seconds.
    """
    given = [
        min(time, duration) if time is not None and time <= duration + _ROUNDING else time
        for item in timed
        for time in (item.start, item.end)
    ]
    letters = [count for item in timed for count in (0, _num_letters(item.text))]
    placed = _placed(given, list(accumulate(letters)), duration)
    times = _with_room([time for time, _ in placed], duration)
    errors = [
        error + doubt + abs(time - before)
        for time, (before, doubt) in zip(times, placed, strict=True)
    ]
    kept = [
        before is not None and abs(before - time) < 1e-9
        for before, time in zip(given, times, strict=True)
    ]
    return tuple(
        Word(
            item.text,
            times[i],
            times[i + 1],
            start_error=errors[i],
            end_error=errors[i + 1],
            estimated=not (kept[i] and kept[i + 1]),
        )
        for i, item in zip(range(0, len(times), 2), timed, strict=True)
    )


def _num_letters(text: str) -> int:
    """How many letters take about as long to say; an ideograph is a syllable."""
    return max(1, sum(3 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text))


def _placed(
    given: Sequence[float | None], letters: Sequence[int], duration: float
) -> list[tuple[float, float]]:
    """Each time and how doubtful it is, in seconds: a sequence that never falls.

    Args:
        given: start and end of each word by turns.
        letters: how many letters were said until then.
        duration: of the clip, in seconds.
    """
    believed = _longest_rising(given, duration)
    anchors = [(-1, 0.0, 0), *((i, t, letters[i]) for i, t in believed)]
    anchors.append((len(given), duration, letters[-1] if letters else 0))
    placed: list[tuple[float, float]] = []
    for (i, left, said), (j, right, said_then) in pairwise(anchors):
        wanted = min(right - left, (said_then - said) * _PER_LETTER)
        for k in range(i + 1, j):
            time = given[k]
            share = (letters[k] - said) / max(1, said_then - said)
            if time is not None and left - _NEAR <= time <= right + _NEAR:
                at = max(left, min(time, right), placed[-1][0] if k > i + 1 else left)
                placed.append((at, abs(at - time)))
            else:
                at = _guessed(share, wanted, (left, right), i % 2 == 0, j % 2 == 1)
                at = max(at, placed[-1][0] if k > i + 1 else left)
                placed.append((at, max(at - left, right - at)))
        if j < len(given):
            placed.append((right, 0.0))
    return placed


def _guessed(
    share: float, wanted: float, room: tuple[float, float], after_start: bool, before_end: bool
) -> float:
    """A time somewhere in `room`, near to the edge of the word whose other edge is known."""
    left, right = room
    if after_start:
        return left + share * wanted
    if before_end:
        return right - (1 - share) * wanted
    return left + share * (right - left)


def _longest_rising(times: Sequence[float | None], duration: float) -> list[tuple[int, float]]:
    """The longest run of possible times that never fall, each with its index.

    Source: M. L. Fredman, "On computing the length of longest increasing subsequences", Discrete
    Mathematics 11 (1975).
    """
    tails: list[float] = []  # the lowest last time of a run of each length
    runs: list[list[tuple[int, float]]] = []
    for i, time in enumerate(times):
        if time is not None and 0 <= time <= duration:
            length = bisect_right(tails, time)
            tails[length : length + 1] = [time]
            runs[length : length + 1] = [[*(runs[length - 1] if length else []), (i, time)]]
    return runs[-1] if runs else []


def _with_room(times: Sequence[float], duration: float) -> list[float]:
    """The times, words that are too short made longer at the cost of what follows them."""
    roomy = list(times)
    words = range(0, len(roomy), 2)
    shortest = min(_SHORTEST, duration / max(1, len(words)))
    free = 0.0
    for i in words:
        roomy[i] = max(roomy[i], free)
        free = roomy[i + 1] = max(roomy[i + 1], roomy[i] + shortest)
    free = duration
    for i in reversed(words):
        roomy[i + 1] = min(roomy[i + 1], free)
        free = roomy[i] = max(0.0, min(roomy[i], roomy[i + 1] - shortest))
    return roomy

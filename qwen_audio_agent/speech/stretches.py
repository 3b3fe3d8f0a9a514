"""A long recording as stretches that an ear can take, and what was heard in them as one again.

              pause            no pause
| stretch 1     |  stretch 2     ~~~|
                                 |~~~   stretch 3        |
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from qwen_audio_agent.audio.activity import Activity
from qwen_audio_agent.audio.samples import Span, frame_at
from qwen_audio_agent.speech.words import Gap, Match, Transcript, Word

SHORTEST: Final = 8.0
LONGEST: Final = 30.0
_PAUSE: Final = 0.2  # shorter ones may be the closure of a stop consonant
_OVERLAP: Final = 1.0  # each side of a cut through speech: no word is longer
_HOPS_PER_SECOND: Final = 100  # of Activity.power
_MAX_DOUBTFUL: Final = 3
_SAME: Final = 1e-6  # times this near are one


def cut_at_pauses(activity: Activity) -> tuple[Span, ...]:
    """Cut a recording into stretches of `SHORTEST` to `LONGEST` seconds in its longest pauses.

    Where there is no pause for that long, the cut is made at the quietest place, and the two
    stretches overlap there so that no word is lost.

    Returns:
        Spans in order that cover the recording; one that is short enough stays whole.
    """
    sample_rate, num_frames = activity.sample_rate, activity.num_frames
    shortest, longest = round(SHORTEST * sample_rate), round(LONGEST * sample_rate)
    overlap = round(_OVERLAP * sample_rate)
    pauses = activity.pauses
    spans = []
    start = 0
    while num_frames - start > longest:
        last = min(start + longest, num_frames - shortest)
        pause = _longest_inside(pauses, Span(start + shortest, last))
        if pause.num_frames >= _PAUSE * sample_rate:
            middle = (pause.start + pause.end) // 2
            spans.append(Span(start, middle))
            start = middle
        else:
            last -= overlap
            middle = _quietest(activity, Span((start + shortest + last) // 2, last))
            spans.append(Span(start, middle + overlap))
            start = middle - overlap
    return (*spans, Span(start, num_frames))


def _longest_inside(pauses: Sequence[Span], window: Span) -> Span:
    """The longest part of a pause inside `window`; empty if there is none."""
    inside = [
        Span(max(pause.start, window.start), min(pause.end, window.end))
        for pause in pauses
        if pause.start < window.end and pause.end > window.start
    ]
    return max(inside, key=lambda span: span.num_frames, default=Span(0, 0))


def _quietest(activity: Activity, window: Span) -> int:
    """The middle of the quietest 30 ms."""
    start, end = window.seconds(activity.sample_rate)
    first = round(start * _HOPS_PER_SECOND)
    power = activity.power[first : round(end * _HOPS_PER_SECOND)]
    three = np.convolve(power, np.ones(3), mode="valid")
    return frame_at((first + int(np.argmin(three)) + 1.5) / _HOPS_PER_SECOND, activity.sample_rate)


def inside(heard: Transcript, span: Span, sample_rate: int) -> Transcript:
    """What was heard in `span`, with times from its start; words that it cuts are left out."""
    start, end = span.seconds(sample_rate)
    words = tuple(
        word.shift(-start) for word in heard.words if start <= word.start <= word.end <= end
    )
    gaps = tuple(
        replace(gap, start=gap.start - start, end=gap.end - start)
        for gap in _clipped(heard.gaps, start, end)
    )
    return replace(heard, words=words, gaps=gaps, duration=end - start)


def stitch(spans: Sequence[Span], heard: Iterable[Transcript], sample_rate: int) -> Transcript:
    """One transcript out of those of stretches, each word once.

    Args:
        spans: stretches in frames, in order; neighbours touch or overlap. At least one.
        heard: what was heard in each, with times from its start.
        sample_rate: of the recording, in Hz.
    """
    parts = [
        _later(part, span.start / sample_rate) for span, part in zip(spans, heard, strict=True)
    ]
    seams = [
        _seam((*left.words, *right.words), last.start / sample_rate, first.end / sample_rate)
        for (left, right), (first, last) in zip(pairwise(parts), pairwise(spans), strict=True)
    ]
    words: list[Word] = []
    gaps: list[Gap] = []
    for part, (start, end) in zip(parts, pairwise([0.0, *seams, math.inf]), strict=True):
        words += [
            replace(word, start=max(word.start, start), end=min(word.end, end))
            for word in part.between(start, end)
        ]
        gaps += _clipped(part.gaps, start, end)
    return replace(
        parts[0],
        words=tuple(words),
        gaps=tuple(_joined(gaps)),
        duration=spans[-1].end / sample_rate,
    )


def _later(heard: Transcript, seconds: float) -> Transcript:
    return replace(
        heard,
        words=tuple(word.shift(seconds) for word in heard.words),
        gaps=tuple(Gap(gap.start + seconds, gap.end + seconds, gap.kind) for gap in heard.gaps),
    )


def _seam(words: Sequence[Word], start: float, end: float) -> float:
    """The time in the overlap [start, end] that cuts least into the words of either hearing."""
    middle = (start + end) / 2
    near = [word for word in words if word.end > start and word.start < end]
    edges = [edge for word in near for edge in (word.start, word.end) if start <= edge <= end]

    def cost(time: float) -> tuple[float, float]:
        depth = sum(max(0.0, min(time - word.start, word.end - time)) for word in near)
        return round(depth, 3), abs(time - middle)

    return min((middle, *edges), key=cost)


def _clipped(gaps: Iterable[Gap], start: float, end: float) -> Iterator[Gap]:
    for gap in gaps:
        if gap.start < end and gap.end > start:
            yield Gap(max(gap.start, start), min(gap.end, end), gap.kind)


def _joined(gaps: Iterable[Gap]) -> list[Gap]:
    """The same gaps, those made one that a border had cut in two."""
    joined: list[Gap] = []
    for gap in gaps:
        if joined and joined[-1].kind == gap.kind and gap.start - joined[-1].end < _SAME:
            joined[-1] = Gap(joined[-1].start, gap.end, gap.kind)
        else:
            joined.append(gap)
    return joined


def widened(spans: Sequence[Span], by: float, sample_rate: int) -> tuple[Span, ...]:
    """The stretches, each but the last `by` seconds longer: what crosses a border is in one."""
    extra = round(by * sample_rate)
    last = spans[-1].end
    return tuple(Span(span.start, min(span.end + extra, last)) for span in spans)


def gather(
    spans: Sequence[Span], found: Iterable[Sequence[Match]], sample_rate: int
) -> tuple[Match, ...]:
    """One list out of what was found in overlapping stretches, each place once, best first.

    The nearest to a phrase in one stretch is of no use when it was found in another: doubtful
    places are left out if there is a sure one, and else all but the few best.
    """
    matches = [
        replace(match, start=match.start + start, end=match.end + start)
        for start, part in zip((span.start / sample_rate for span in spans), found, strict=True)
        for match in part
    ]
    matches.sort(key=lambda match: (match.doubtful, -match.probability, match.start))
    kept: list[Match] = []
    for match in matches:
        if not any(_same_place(match, other) for other in kept):
            kept.append(match)
    sure = tuple(match for match in kept if not match.doubtful)
    return sure or tuple(kept[:_MAX_DOUBTFUL])


def _same_place(a: Match, b: Match) -> bool:
    shared = min(a.end, b.end) - max(a.start, b.start)
    return shared > min(a.end - a.start, b.end - b.start) / 2

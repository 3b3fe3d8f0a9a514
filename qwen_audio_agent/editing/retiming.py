"""Chapters, timed lyrics and captions of a recording at the times where a programme has them.

    chapters   | one    | two   | three |   ->   | one | three |     two was cut out

All times follow from the time map, and from nothing else.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from qwen_audio_agent.audio.tags.values import Chapter, Tags, TimedText, listed
from qwen_audio_agent.editing.time_map import Stretch, TimeMap

_TOUCHING = Fraction(2, 1000)
"""Seconds that may lie between chapters that follow each other, as formats round their times."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part [start, end) of a recording, and the stretch where it is heard for the first time."""

    start: Fraction
    end: Fraction
    stretch: Stretch


class HeardPlaces:
    """Where a programme has the parts of one recording.

    Args:
        time_map: of the programme.
        source: id of the recording.
        sample_rate: of the recording, in Hz; the frames that are asked about are counted at it.
    """

    def __init__(self, time_map: TimeMap, source: str, sample_rate: int) -> None:
        self._num_frames = time_map.num_frames
        self._scale = Fraction(time_map.sample_rate, sample_rate)
        stretches = [stretch for stretch in time_map.stretches if stretch.source == source]
        self._pieces = list(_first_heard(stretches))
        self._starts = [piece.start for piece in self._pieces]
        self._ends = [piece.end for piece in self._pieces]

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Where frames [start, end) of the recording are: from the first of them to the last.

        Of sound that is heard several times the first time counts.

        Returns:
            (frame of the programme with the first of them that was kept, frame after the last), or
            None where nothing of them was kept.
        """
        low, high = start * self._scale, end * self._scale
        first, last = bisect_right(self._ends, low), bisect_left(self._starts, high) - 1
        if not first <= last:
            return None
        begin = self._pieces[first]
        new_start = math.ceil(begin.stretch.to_programme(max(low, begin.start)))
        finish = self._pieces[last]
        new_end = math.ceil(finish.stretch.to_programme(min(high, finish.end)))
        if new_end <= new_start:  # the recording's parts were put into another order
            new_end = math.ceil(begin.stretch.to_programme(min(high, begin.end)))
        # A tempo may leave less than a frame of it at the very end.
        return (new_start, max(new_start, new_end)) if new_start < self._num_frames else None


def retime_tags(tags: Tags, time_map: TimeMap, source: str) -> Tags:
    """The tags of a recording for a programme that was made of it.

    A chapter begins where the first of its sound that was kept is heard. One whose sound went
    entirely is left out. It ends where the next one begins, if it did so in the recording, else
    after the last of its sound.

    Args:
        tags: of the recording, in its frames.
        time_map: of the programme.
        source: id of the recording in the time map.

    Returns:
        Tags whose times are frames of the programme; `notes` name the chapters that are gone.
    """
    heard = HeardPlaces(time_map, source, tags.sample_rate)
    scale = Fraction(tags.sample_rate, time_map.sample_rate)
    first = next((s for s in time_map.stretches if s.source == source), None)
    origin = round((first.source_start - first.start * first.pace) * scale) if first else 0
    touching = math.ceil(_TOUCHING * tags.sample_rate)
    chapters, gone = _retimed_chapters(tags.chapters, heard, touching)
    notes = []
    if gone:
        titles = listed(chapter.title or "one without a title" for chapter in gone)
        notes.append(f"chapters whose sound went entirely are left out: {titles}")
    return replace(
        tags,
        sample_rate=time_map.sample_rate,
        chapters=chapters,
        origin=origin,
        timed=tuple(_retimed_texts(tags.timed, heard)),
        notes=(*tags.notes, *notes),
    )


def _first_heard(stretches: Sequence[Stretch]) -> Iterator[_Piece]:
    """Disjoint parts of a recording in its order, each with the first stretch that has it.

    Args:
        stretches: of that recording, in the order of the programme.
    """
    order = sorted(range(len(stretches)), key=lambda i: stretches[i].source_start)
    borders = sorted({p for s in stretches for p in (s.source_start, s.source_end)})
    waiting: list[int] = []
    at = 0
    held: _Piece | None = None
    for low, high in pairwise(borders):
        while at < len(order) and stretches[order[at]].source_start <= low:
            heapq.heappush(waiting, order[at])
            at += 1
        while waiting and stretches[waiting[0]].source_end <= low:
            heapq.heappop(waiting)
        if not waiting:
            continue
        stretch = stretches[waiting[0]]
        if held and held.stretch is stretch and held.end == low:
            held = replace(held, end=high)
            continue
        if held:
            yield held
        held = _Piece(low, high, stretch)
    if held:
        yield held


def _retimed_chapters(
    chapters: Sequence[Chapter], heard: HeardPlaces, touching: int
) -> tuple[tuple[Chapter, ...], list[Chapter]]:
    """The chapters that are left, re-timed; and those that went."""
    kept: list[tuple[Chapter, Chapter]] = []
    gone: list[Chapter] = []
    for chapter in chapters:
        place = heard.span(chapter.start, chapter.end)
        if place is None:
            gone.append(chapter)
        else:
            kept.append((chapter, replace(chapter, start=place[0], end=place[1])))
    kept.sort(key=lambda pair: pair[1].start)
    ends = _ends_of_gone(gone, touching)
    result = [new for _, new in kept[-1:]]
    for (old, new), (next_old, next_new) in reversed(list(pairwise(kept))):
        reach = ends(old.end)
        is_after = next_old.start - old.end >= -touching
        follows = is_after and next_old.start - reach <= touching
        is_apart = is_after or old.start - next_old.end >= -touching
        runs_over = is_apart and new.end > next_new.start
        if (follows or runs_over) and next_new.start > new.start:
            result.append(replace(new, end=next_new.start))
        else:
            result.append(new)
    return tuple(reversed(result)), gone


def _ends_of_gone(gone: Sequence[Chapter], touching: int) -> Callable[[int], int]:
    """Tells where the chapters that are gone end which follow a place without a gap."""
    starts: list[int] = []
    ends: list[int] = []
    for chapter in sorted(gone, key=lambda chapter: chapter.start):
        if ends and chapter.start - ends[-1] <= touching:
            ends[-1] = max(ends[-1], chapter.end)
        else:
            starts.append(chapter.start)
            ends.append(chapter.end)

    def end_after(place: int) -> int:
        index = bisect_right(starts, place + touching) - 1
        return max(place, ends[index]) if index >= 0 else place

    return end_after


def _retimed_texts(lines: Iterable[TimedText], heard: HeardPlaces) -> Iterator[TimedText]:
    kept = [(line, heard.span(line.start, line.end)) for line in lines]
    found = [replace(line, start=place[0], end=place[1]) for line, place in kept if place]
    return iter(sorted(found, key=lambda line: (line.key, line.start)))

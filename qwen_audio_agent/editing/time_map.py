"""Which frame of the programme is which frame of which recording: exact, both ways."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from qwen_audio_agent.editing.edit_list import BLEEP, SILENCE, EditList
from qwen_audio_agent.errors import EditError
from qwen_audio_agent.speech.words import Gap, Transcript, Word

_Timed = TypeVar("_Timed", Word, Gap)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the programme that runs through a source at an even pace.

    All frames are at the programme's rate. A tempo makes places fall between frames, so they are
    fractions, and nothing is lost however many lists lie inside each other.

    Attributes:
        start: first place in the programme.
        end: place after the last.
        source: id of a recording, or `SILENCE` or `BLEEP`.
        source_start: the place in the source that is heard at `start`.
        pace: frames of the source per frame of the programme; 1 unless there is a tempo.
    """

    start: Fraction
    end: Fraction
    source: str
    source_start: Fraction
    pace: Fraction = Fraction(1)

    @property
    def source_end(self) -> Fraction:
        """The place in the source that is heard at `end`."""
        return self.source_start + (self.end - self.start) * self.pace

    def to_source(self, place: Fraction | int) -> Fraction:
        """The place in the source that is heard at a place of the programme."""
        return self.source_start + (place - self.start) * self.pace

    def to_programme(self, place: Fraction | int) -> Fraction:
        """The place in the programme where a place of the source is heard."""
        return self.start + (place - self.source_start) / self.pace

    def goes_on_in(self, other: Stretch) -> bool:
        """Whether `other` is the same source at the same pace, without a step."""
        here = (self.source, self.pace, self.end, self.source_end)
        return here == (other.source, other.pace, other.start, other.source_start)


@dataclass(frozen=True, slots=True)
class TimeMap:
    """The stretches of a programme in order, down to the recordings.

    Attributes:
        stretches: without gaps, from frame 0 to `num_frames`.
        sample_rate: of the programme, in Hz; all frames are counted at this rate.
        num_frames: length of the programme.
    """

    stretches: tuple[Stretch, ...]
    sample_rate: int
    num_frames: int

    @classmethod
    def of(cls, edit_list: EditList, lists: Mapping[str, EditList]) -> TimeMap:
        """Map a programme, through the edit lists that its clips refer to and through tempo.

        Args:
            edit_list: the programme.
            lists: the edit lists by id; a clip whose source is not among them is a recording.

        Raises:
            EditError: an edit list contains itself.
        """
        stretches = tuple(_united(_stretches(edit_list, lists, ())))
        return cls(stretches, edit_list.sample_rate, edit_list.num_frames)

    def to_source(self, frame: int) -> tuple[str, int] | None:
        """The source, and its frame, that is heard at a frame of the programme.

        Returns:
            None outside the programme. Frames of the source are at the programme's rate.
        """
        if not 0 <= frame < self.num_frames or not self.stretches:
            return None
        index = bisect_right(self.stretches, Fraction(frame), key=lambda stretch: stretch.start) - 1
        stretch = self.stretches[index]
        return stretch.source, math.floor(stretch.to_source(frame))

    def to_programme(self, source: str, frame: int) -> tuple[int, ...]:
        """The frames of the programme at which a frame of a source is heard: none, one or more.

        Args:
            source: id of a recording.
            frame: of the source, at the programme's rate.
        """
        return tuple(
            math.ceil(stretch.to_programme(frame))
            for stretch in self.stretches
            if stretch.source == source and stretch.source_start <= frame < stretch.source_end
        )

    def most_heard(self) -> str | None:
        """The recording that is heard longest; of equals, the first. None if there is none."""
        lengths: dict[str, Fraction] = {}
        for stretch in self.stretches:
            if stretch.source not in (SILENCE, BLEEP):
                length = stretch.end - stretch.start
                lengths[stretch.source] = lengths.get(stretch.source, Fraction(0)) + length
        return max(lengths, key=lengths.__getitem__, default=None)

    def retime(self, transcripts: Mapping[str, Transcript]) -> Transcript:
        """What is said in the programme, from what is said in its sources.

        A word is there as often as its sound is, and not at all where less than half of it is left.

        Args:
            transcripts: what was heard in each source, by its id; sources without one are silent.
        """
        words: list[Word] = []
        gaps: list[Gap] = []
        for run in self._runs():
            transcript = transcripts.get(run[0].source)
            if transcript:
                words += self._heard(run, transcript.words, Fraction(1, 2))
                gaps += self._heard(run, transcript.gaps, Fraction(0))
        first = next(iter(transcripts.values()), Transcript((), 0.0))
        return replace(
            first,
            words=tuple(words),
            duration=self.num_frames / self.sample_rate,
            gaps=tuple(gaps),
        )

    def _runs(self) -> Iterator[list[Stretch]]:
        """Stretches that follow each other and go forward in one source: no word is there twice."""
        run: list[Stretch] = []
        for stretch in self.stretches:
            if run and not (
                run[-1].source == stretch.source and run[-1].source_end <= stretch.source_start
            ):
                yield run
                run = []
            run.append(stretch)
        if run:
            yield run

    def _heard(
        self, run: list[Stretch], items: Sequence[_Timed], least: Fraction
    ) -> Iterator[_Timed]:
        """The words or gaps of which at least the share `least` is heard in a run, at new times."""
        ends = [item.end for item in items]
        places: dict[int, list[Fraction]] = {}
        left: dict[int, Fraction] = {}
        for stretch in run:
            first = bisect_left(ends, stretch.source_start / self.sample_rate)
            for index in range(first, len(items)):
                start = max(Fraction(items[index].start) * self.sample_rate, stretch.source_start)
                end = min(Fraction(items[index].end) * self.sample_rate, stretch.source_end)
                if start >= stretch.source_end:
                    break
                places.setdefault(index, []).extend(map(stretch.to_programme, (start, end)))
                left[index] = left.get(index, Fraction(0)) + end - start
        for index, item in enumerate(items):
            length = (Fraction(item.end) - Fraction(item.start)) * self.sample_rate
            if index in left and left[index] >= least * length:
                start, end = places[index][0], places[index][-1]
                yield replace(
                    item, start=float(start / self.sample_rate), end=float(end / self.sample_rate)
                )


def _stretches(
    edit_list: EditList, lists: Mapping[str, EditList], outer: tuple[str, ...]
) -> Iterator[Stretch]:
    """The stretches of one list, from those of the lists inside it."""
    if not edit_list.num_frames:
        return
    inner_stretches: dict[str, list[Stretch]] = {}
    pace = Fraction(edit_list.starts[-1], edit_list.num_frames)
    for clip, first in zip(edit_list.clips, edit_list.starts, strict=False):
        start, end = first / pace, (first + clip.num_frames) / pace
        if clip.source not in lists:
            yield Stretch(start, end, clip.source, Fraction(clip.start), pace)
            continue
        if clip.source in outer:
            raise EditError(f"the edit list {clip.source} contains itself: it cannot be heard")
        inner = lists[clip.source]
        if clip.source not in inner_stretches:
            found = _stretches(inner, lists, (*outer, clip.source))
            scale = Fraction(edit_list.sample_rate, inner.sample_rate)
            inner_stretches[clip.source] = [_scaled(stretch, scale) for stretch in found]
        for stretch in inner_stretches[clip.source]:
            low = max(stretch.start, Fraction(clip.start))
            high = min(stretch.end, Fraction(clip.end))
            if low < high:
                yield Stretch(
                    start + (low - clip.start) / pace,
                    start + (high - clip.start) / pace,
                    stretch.source,
                    stretch.to_source(low),
                    stretch.pace * pace,
                )


def _scaled(stretch: Stretch, scale: Fraction) -> Stretch:
    """The same stretch counted in frames of another rate."""
    return replace(
        stretch,
        start=stretch.start * scale,
        end=stretch.end * scale,
        source_start=stretch.source_start * scale,
    )


def _united(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    """The same map with stretches that go on in the next one made one."""
    held: Stretch | None = None
    for stretch in stretches:
        if held and held.goes_on_in(stretch):
            held = replace(held, end=stretch.end)
            continue
        if held:
            yield held
        held = stretch
    if held:
        yield held

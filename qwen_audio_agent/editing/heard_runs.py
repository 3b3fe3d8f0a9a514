"""Where a programme says again what is said in a recording: once, several times, or not at all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from qwen_audio_agent.editing.time_map import Stretch, TimeMap
from qwen_audio_agent.errors import EditError


@dataclass(frozen=True, slots=True)
class HeardPlace:
    """Where a part of a recording is heard, in seconds of the programme.

    Attributes:
        start: of what is left of it.
        end: of what is left of it.
        run: number of the run of stretches that it is heard in.
        stretches: those that it is heard in, in order, with places in frames.
        sample_rate: of the programme, in Hz.
    """

    start: float
    end: float
    run: int
    stretches: Sequence[Stretch]
    sample_rate: int

    def inside(self, seconds: float) -> float:
        """Where a time of the recording is, or the next that is left of it; never outside."""
        place = Fraction(seconds) * self.sample_rate
        for stretch in self.stretches:
            if place < stretch.source_end:
                found = stretch.to_programme(max(place, stretch.source_start)) / self.sample_rate
                return min(max(float(found), self.start), self.end)
        return self.end


class HeardRuns:
    """The runs in which a programme goes forward through a recording.

    Within a run nothing is heard twice, and what lies between its stretches, such as a bleep,
    belongs to what it interrupts.

    Args:
        time_map: of the programme.
        source: id of the recording; None is the one that is heard longest.

    Raises:
        EditError: it is not heard in the programme, or none is.
    """

    def __init__(self, time_map: TimeMap, source: str | None = None) -> None:
        source = source or time_map.most_heard()
        self.duration = time_map.num_frames / time_map.sample_rate
        self._sample_rate = time_map.sample_rate
        self._runs: list[list[Stretch]] = []
        for stretch in time_map.stretches:
            if stretch.source != source:
                continue
            if not self._runs or self._runs[-1][-1].source_end > stretch.source_start:
                self._runs.append([])
            self._runs[-1].append(stretch)
        if not self._runs:
            raise EditError(f"nothing of the recording {source!r} is left in this audio")

    def places(
        self, start: float, end: float, least: float, run: int | None = None
    ) -> Iterator[HeardPlace]:
        """Where a part of the recording is heard.

        Args:
            start: in seconds of the recording.
            end: in seconds of the recording; a part without length is a point.
            least: share of it that must be left, 0 to 1; something must be.
            run: number of the only run to look at; None is all.
        """
        rate = self._sample_rate
        low, high = Fraction(start) * rate, Fraction(end) * rate
        high = max(high, low + Fraction(1, 1000))
        for number in range(len(self._runs)) if run is None else (run,):
            stretches = self._runs[number]
            first = bisect_right(stretches, low, key=lambda stretch: stretch.source_end)
            last = bisect_left(stretches, high, key=lambda stretch: stretch.source_start)
            inside = stretches[first:last]
            parts = [(max(low, s.source_start), min(high, s.source_end)) for s in inside]
            left = sum((part[1] - part[0] for part in parts), Fraction(0))
            if parts and left >= Fraction(least) * (high - low):
                new_start = inside[0].to_programme(parts[0][0]) / rate
                new_end = inside[-1].to_programme(parts[-1][1]) / rate
                yield HeardPlace(float(new_start), float(new_end), number, inside, rate)

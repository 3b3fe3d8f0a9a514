"""Where nobody says anything that stays: the pauses of a recording, and what goes between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qwen_audio_agent.audio.activity import runs
from qwen_audio_agent.cleanup.survey import Survey
from qwen_audio_agent.speech.words import Word

# The signal keeps up to 60 ms of quiet on each side of speech.
_TOUCHING: Final = 0.08
_BESIDE: Final = 0.15
_SHORTEST_CUT: Final = 0.05
_SLIVER: Final = 0.15  # seconds; so short a rest of what goes may still sound in it
_SOUNDS_DB: Final = 8.0  # above the room
_CLOSED_S: Final = 0.25  # no word has so long a pause in it
_MARGIN_S: Final = 0.03


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch in which nobody says anything that stays: pauses, and between them what goes.

    Attributes:
        start: seconds; what stays ends here.
        end: seconds; what stays begins here.
        gone: stretches inside it that are cut anyway, in order of time.
    """

    start: float
    end: float
    gone: tuple[tuple[float, float], ...] = ()

    @property
    def quiet(self) -> float:
        """Seconds that would stay of it."""
        return self.end - self.start - sum(end - start for start, end in self.gone)

    def without_middle(self, head: float, tail: float) -> Iterator[tuple[float, float]]:
        """What has to go so that `head` seconds stay at its start and `tail` at its end.

        What is cut anyway stays neither here nor there: beside a filler at the end of a pause
        `tail` seconds are left of what is quiet before it, but for slivers.
        """
        at, last = self.start + head, self.end - tail
        for start, end in self.gone:
            if start < at:
                at += end - start
                at = end if at - end < _SLIVER else at
        for start, end in reversed(self.gone):
            if end > last:
                last -= end - start
                last = start if start - last < _SLIVER else last
        for start, end in [*self.gone, (last, last)]:
            if min(start, last) - at >= _SHORTEST_CUT:
                yield at, min(start, last)
            at = max(at, end)


def united_holes(
    quiet: Sequence[tuple[float, float]], cut: Sequence[tuple[float, float]]
) -> Iterator[tuple[float, float, list[tuple[float, float]]]]:
    """Pauses and cuts that follow each other made one; which of it is cut."""
    held: tuple[float, float] | None = None
    inside: list[tuple[float, float]] = []
    has_quiet = False
    items = sorted([*((*q, False) for q in quiet), *((*c, True) for c in cut)])
    for start, end, is_cut in items:
        if held is None or start > held[1] + _TOUCHING:
            if held and has_quiet:
                yield *held, inside
            held, inside, has_quiet = (start, end), [], False
        held = (held[0], max(held[1], end))
        has_quiet |= not is_cut
        if is_cut:
            inside.append((start, end))
    if held and has_quiet:
        yield *held, inside


def between_words(
    start: float,
    end: float,
    inside: Sequence[tuple[float, float]],
    kept: Sequence[Word],
    starts: Sequence[float],
) -> Iterator[Hole]:
    """A stretch that is quiet to the signal, less the words that an ear hears at its borders.

    The signal keeps some quiet beside speech; how a word ends, the ear knows better. What it hears
    in the middle of the quiet parts it in two.
    """
    first = max(0, bisect_left(starts, start - 5.0))
    near = []
    for word in kept[first:]:
        if word.start >= end + _BESIDE:
            break
        if word.end > start - _BESIDE:
            near.append(word)
    at = start
    for word in near:
        if word.start < start + (end - start) / 2 and word.start <= start:
            at = max(at, word.end)
        elif word.end >= end:
            end = min(end, word.start)
        else:
            if word.start > at:
                yield _hole(at, word.start, inside)
            at = max(at, word.end)
    if end > at:
        yield _hole(at, end, inside)


def _hole(start: float, end: float, cut: Sequence[tuple[float, float]]) -> Hole:
    inside = [(max(a, start), min(b, end)) for a, b in cut if min(b, end) > max(a, start)]
    return Hole(start, end, tuple(inside))


def sounding(words: Sequence[Word], survey: Survey) -> Iterator[Word]:
    """Words less what is as quiet as the room, for an ear that guesses words and their times.

        heard as | love ................. |  ->  | love |

    What is left of a word in two parts comes as two words, and of one in the room alone nothing.
    """
    for word in words:
        levels = survey.levels(word.start, word.end)
        sounds = levels > survey.room_dbfs + _SOUNDS_DB
        first_hop = int(word.start * 100)
        held: tuple[int, int] | None = None
        for first, last in [*runs(sounds), (len(levels) + 1000, 0)]:
            if held and first - held[1] < _CLOSED_S * 100:
                held = (held[0], last)
                continue
            if held:
                start = max(word.start, (first_hop + held[0]) / 100 - _MARGIN_S)
                end = min(word.end, (first_hop + held[1]) / 100 + _MARGIN_S)
                yield replace(word, start=min(start, end), end=end)
            held = (first, last)

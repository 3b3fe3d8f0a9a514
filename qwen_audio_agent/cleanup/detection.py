"""From what was measured and heard to proposals: what could go, and what could be made quieter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from qwen_audio_agent.audio.files import read
from qwen_audio_agent.audio.samples import Audio, Span, frame_at
from qwen_audio_agent.cleanup.plan import Kind, Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cleanup.survey import Survey
from qwen_audio_agent.editing.joins import best_cut
from qwen_audio_agent.speech.disfluency import Disfluency, find_disfluencies
from qwen_audio_agent.speech.noises import find_noises
from qwen_audio_agent.speech.words import Word

_SEARCHED: Final = 0.03  # how far from the edge of a word the place to cut is searched
# The signal keeps up to 60 ms of quiet on each side of speech.
_TOUCHING: Final = 0.08
_BESIDE: Final = 0.15
_WORD_MARGIN: Final = 0.02  # between a word and a noise beside it
_SHORTEST_CUT: Final = 0.05
_AS_QUIET_AS_ROOM_DB: Final = 12.0


def propose(survey: Survey, recipe: Recipe) -> tuple[Proposal, ...]:
    """Find everything that a recipe asks about.

    Args:
        survey: the recording, what was measured and heard in it.
        recipe: what to look for, and what becomes of it.

    Returns:
        Proposals in order of time; what is less sure than the recipe asks for is switched off.
    """
    found = Finder(survey, recipe)
    disfluencies = found.disfluencies()
    gone = [p for p in disfluencies if p.on and p.removes]
    holes = found.holes(gone)
    proposals = [*disfluencies, *found.pauses(holes), *found.ends(holes), *found.noises()]
    return tuple(numbered(sorted(proposals, key=lambda p: (p.start, p.end))))


@dataclass(frozen=True, slots=True)
class _Hole:
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
        """What has to go so that `head` seconds stay at its start and `tail` at its end."""
        at, last = self.start + head, self.end - tail
        for start, end in [*self.gone, (last, last)]:
            if min(start, last) - at >= _SHORTEST_CUT:
                yield at, min(start, last)
            at = max(at, end)


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for each kind of thing in one recording.

    Attributes:
        survey: the recording, what was measured and heard in it.
        recipe: what to look for, and what becomes of it.
    """

    survey: Survey
    recipe: Recipe

    def read(self, span: Span) -> Audio:
        """The sound of a span of the recording."""
        return read(self.survey.file, span)

    def disfluencies(self) -> list[Proposal]:
        """Fillers, phrases, repeats and false starts."""
        recipe = self.recipe
        found = find_disfluencies(
            self.survey.transcript, recipe.fillers.phrases, emphasis=recipe.repeats.emphasis
        )
        return [self._disfluency(item) for item in found]

    def _disfluency(self, item: Disfluency) -> Proposal:
        words = self.survey.transcript.words
        section: Any = (
            self.recipe.fillers if item.kind in ("filler", "phrase") else self.recipe.repeats
        )
        start, end = self._edges(item)
        return _proposal(
            item.kind,
            section,
            (start, end),
            words=" ".join(word.text for word in words[item.first : item.last + 1]),
            confidence=item.confidence,
            reason=item.reason,
        )

    def _edges(self, item: Disfluency) -> tuple[float, float]:
        """Where to cut: the words' edges are hypotheses, and are searched on the sound."""
        words, rate = self.survey.transcript.words, self.survey.file.sample_rate
        first, last = words[item.first], words[item.last]
        before = words[item.first - 1].end if item.first else 0.0
        behind = self.survey.file.duration
        if item.last + 1 < len(words):
            behind = words[item.last + 1].start
        reach_before = min(first.start_error, _SEARCHED)
        reach_behind = min(last.end_error, _SEARCHED)
        middle = (item.start + item.end) / 2
        windows = (
            _window(item.start, min(before, item.start), middle, reach_before, rate),
            _window(item.end, middle, max(behind, item.end), reach_behind, rate),
        )
        span = Span.from_seconds(item.start, item.end, rate)
        span = best_cut(self.read, span, windows, self.survey.file.num_frames)
        return span.seconds(rate)

    def holes(self, gone: Sequence[Proposal]) -> list[_Hole]:
        """The pauses of the recording, those made one between which all that is said goes.

        A pause is where nobody speaks to the signal and to the ear alike.
        """
        survey = self.survey
        rate, activity = survey.file.sample_rate, survey.activity
        kept = [
            w for w in survey.transcript.words if not any(_covers(p, w) for p in _near(gone, w))
        ]
        starts = [word.start for word in kept]
        quiet = [pause.seconds(rate) for pause in activity.pauses]
        cut = [(p.start, p.end) for p in gone]
        holes = []
        for start, end, inside in _united(quiet, cut):
            holes += list(_between_words(start, end, inside, kept, starts))
        return holes

    def pauses(self, holes: Sequence[_Hole]) -> Iterator[Proposal]:
        """What goes of the pauses that are too long."""
        section, last = self.recipe.pauses, self.survey.file.duration
        for hole in holes:
            if hole.start <= 0 or hole.end >= last or hole.quiet <= section.longer_than:
                continue
            reason = f"nobody speaks for {hole.quiet:.2f} s"
            for span in hole.without_middle(section.to / 2, section.to / 2):
                yield _proposal(
                    "pause",
                    section,
                    span,
                    confidence=self._quiet(span),
                    reason=reason,
                    concern=self._not_quiet(span),
                )

    def ends(self, holes: Sequence[_Hole]) -> Iterator[Proposal]:
        """Dead air before the first word and after the last."""
        section, last = self.recipe.ends, self.survey.file.duration
        for hole in holes:
            is_head, is_tail = hole.start <= 0, hole.end >= last
            if is_head == is_tail:  # in the middle, or nobody speaks at all
                continue
            head, tail = (0.0, section.head) if is_head else (section.tail, 0.0)
            if hole.quiet <= head + tail:
                continue
            where = "before the first word" if is_head else "after the last word"
            for span in hole.without_middle(head, tail):
                yield _proposal(
                    "end",
                    section,
                    span,
                    confidence=self._quiet(span),
                    reason=f"{hole.quiet:.2f} s {where}",
                    concern=self._not_quiet(span),
                )

    def noises(self) -> Iterator[Proposal]:
        """Breaths and smacks between the words."""
        survey, recipe = self.survey, self.recipe
        rate = survey.file.sample_rate
        gaps = []
        edges = [(w.start, w.end) for w in survey.transcript.words]
        for (_, start), (end, _) in pairwise([(0.0, 0.0), *edges, (survey.file.duration, 0.0)]):
            if end - start > 2 * _WORD_MARGIN:
                span = Span.from_seconds(start + _WORD_MARGIN, end - _WORD_MARGIN, rate)
                gaps.append(span)
        found = find_noises(
            self.read, gaps, rate, room_dbfs=survey.room_dbfs, speech_dbfs=survey.speech_dbfs
        )
        for noise in found:
            yield _proposal(
                noise.kind,
                recipe.breaths if noise.kind == "breath" else recipe.mouth,
                (noise.start, noise.end),
                confidence=noise.confidence,
                reason=f"{noise.level_db:.0f} dB above the room, between words",
            )

    def _quiet(self, span: tuple[float, float]) -> float:
        """How sure it is that nothing is heard in a span, 0 to 1."""
        above = float(np.percentile(self.survey.levels(*span), 95)) - self.survey.room_dbfs
        return round(float(np.clip(1 - (above - 6) / 30, 0.3, 0.99)), 3)

    def _not_quiet(self, span: tuple[float, float]) -> str:
        """A concern where something is heard that is no word."""
        loudest = float(np.percentile(self.survey.levels(*span), 98))
        if loudest < self.survey.room_dbfs + _AS_QUIET_AS_ROOM_DB:
            return ""
        above = loudest - self.survey.room_dbfs
        return f"something {above:.0f} dB above the room is heard in it, and no words"


def _proposal(
    kind: Kind,
    section: Any,
    span: tuple[float, float],
    *,
    words: str = "",
    confidence: float,
    reason: str,
    concern: str = "",
) -> Proposal:
    """A proposal with the action of its section of the recipe."""
    is_sure = confidence >= getattr(section, "least_confidence", 0.0)
    return Proposal(
        id="",
        kind=kind,
        action=section.policy,
        start=round(span[0], 6),
        end=round(span[1], 6),
        words=words,
        confidence=round(confidence, 3),
        reason=reason,
        on=is_sure and not concern and section.policy != "keep",
        concern=concern or ("" if is_sure else "the ear is not sure"),
        gain_db=getattr(section, "gain_db", 0.0) if section.policy == "attenuate" else 0.0,
    )


def _window(at: float, low: float, high: float, reach: float, rate: int) -> Span:
    """Frames around a time, within `reach` and between `low` and `high` seconds."""
    start, end = max(at - reach, low), min(at + reach, high)
    return Span(frame_at(start, rate), max(frame_at(start, rate), frame_at(end, rate)))


def _near(gone: Sequence[Proposal], word: Word) -> Sequence[Proposal]:
    """The proposals that may lie on a word."""
    last = bisect_left(gone, word.end, key=lambda p: p.start)
    return gone[max(0, last - 3) : last]


def _covers(proposal: Proposal, word: Word) -> bool:
    """Whether a word goes with a proposal."""
    return proposal.start <= (word.start + word.end) / 2 < proposal.end


def _united(
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


def _between_words(
    start: float,
    end: float,
    inside: Sequence[tuple[float, float]],
    kept: Sequence[Word],
    starts: Sequence[float],
) -> Iterator[_Hole]:
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


def _hole(start: float, end: float, cut: Sequence[tuple[float, float]]) -> _Hole:
    inside = [(max(a, start), min(b, end)) for a, b in cut if min(b, end) > max(a, start)]
    return _Hole(start, end, tuple(inside))


def numbered(proposals: Sequence[Proposal]) -> Iterator[Proposal]:
    """The same proposals with names: "filler-1", "filler-2", ..."""
    counts: dict[str, int] = {}
    for proposal in proposals:
        counts[proposal.kind] = counts.get(proposal.kind, 0) + 1
        name = f"{proposal.kind.replace(' ', '-')}-{counts[proposal.kind]}"
        yield replace(proposal, id=name)

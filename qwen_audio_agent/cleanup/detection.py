"""From what was measured and heard to proposals: what could go, and what could be made quieter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from qwen_audio_agent.audio.files import read
from qwen_audio_agent.audio.samples import Audio, Span, frame_at
from qwen_audio_agent.cleanup.filler_edges import whole_filler
from qwen_audio_agent.cleanup.holes import Hole, between_words, sounding, united_holes
from qwen_audio_agent.cleanup.plan import Kind, Proposal
from qwen_audio_agent.cleanup.quiet import Quiet, beside_noises, voiceless
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cleanup.survey import Survey
from qwen_audio_agent.editing.joins import best_cut
from qwen_audio_agent.speech.disfluency import Disfluency, find_disfluencies
from qwen_audio_agent.speech.held_vowels import HeldVowel
from qwen_audio_agent.speech.noises import LONGEST_GAP, find_noises
from qwen_audio_agent.speech.words import Word

_SEARCHED: Final = 0.03  # how far from the edge of a word the place to cut is searched
_SHORTEST_CUT: Final = 0.05
_WORD_MARGIN: Final = 0.02  # between a word and a noise beside it
_QUIET_WORD_DB: Final = 12.0
_LONGEST_FILLER: Final = 1.5  # seconds; what is held longer is music, or a singer
_DOUBTED: Final = 0.4  # at most, of what need not be so
_INSIDE: Final = (0.1, 0.02)  # seconds; a vowel that has more of a word on both sides is its own
# What is surer than this lies in a word that was heard wrongly: of actors and synthetic voices that
# nothing was fitted on, 8 of 8.
_SURE: Final = 0.6
_TOLD: Final = 0.25  # what is less sure is nothing, unless it was heard
_UNHEARD: Final = 0.5  # of a held vowel must lie between words


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
    noises = list(found.noises())
    gone = [p for p in disfluencies if p.on and p.removes]
    holes = found.holes(gone, noises)
    quiet = [*found.pauses(holes, noises), *found.ends(holes, noises)]
    proposals = [*disfluencies, *quiet, *noises]
    return tuple(numbered(sorted(proposals, key=lambda p: (p.start, p.end))))


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
        proposals = [self._disfluency(item) for item in found]
        return sorted([*proposals, *self._held(proposals)], key=lambda p: p.start)

    @property
    def _guesses(self) -> bool:
        """Whether words are too often wrong to say that a sound is one because it was heard."""
        return self.survey.transcript.reliable is False

    def _held(self, heard: Sequence[Proposal]) -> Iterator[Proposal]:
        """Fillers that the ear passed over, or took for words."""
        transcript = self.survey.transcript
        if transcript.language.split("-")[0].lower() != "en":
            return
        starts = [word.start for word in transcript.words]
        known = [(p.start, p.end) for p in heard if p.kind in ("filler", "phrase")]
        for vowel in self.survey.held:
            if vowel.confidence < _TOLD or any(
                vowel.start < end and vowel.end > start for start, end in known
            ):
                continue
            near = max(0, bisect_left(starts, vowel.start) - 3)
            inside = [
                (word.start, word.end)
                for word in transcript.words[near : near + 12]
                if word.start < vowel.end and word.end > vowel.start
            ]
            covered = sum(min(vowel.end, end) - max(vowel.start, start) for start, end in inside)
            if not self._guesses and covered > (1 - _UNHEARD) * (vowel.end - vowel.start):
                continue
            is_part = any(
                start < vowel.start - _INSIDE[0] and end > vowel.end + _INSIDE[1]
                for start, end in inside
            )
            is_doubted = is_part and vowel.confidence < _SURE
            yield self._held_proposal(vowel, _DOUBTED if is_doubted else 1.0)

    def _held_proposal(self, vowel: HeldVowel, most: float) -> Proposal:
        rate, last = self.survey.file.sample_rate, self.survey.file.duration
        start, end = self._whole((vowel.start, min(vowel.end, last)))
        middle = (start + end) / 2
        windows = (
            _window(start, 0.0, middle, _SEARCHED, rate),
            _window(end, middle, last, _SEARCHED, rate),
        )
        span = Span.from_seconds(start, end, rate)
        return _proposal(
            "filler",
            self.recipe.fillers,
            best_cut(self.read, span, windows, self.survey.file.num_frames).seconds(rate),
            words="uh",
            confidence=min(vowel.confidence, most),
            reason=f"a vowel held for {vowel.end - vowel.start:.2f} s",
        )

    def _disfluency(self, item: Disfluency) -> Proposal:
        words = self.survey.transcript.words
        section: Any = (
            self.recipe.fillers if item.kind in ("filler", "phrase") else self.recipe.repeats
        )
        start, end = self._edges(item)
        confidence = item.confidence
        is_imagined = self._held_there(item) == 0  # as in music
        if item.kind == "filler" and (is_imagined or end - start > _LONGEST_FILLER):
            confidence = min(confidence, _DOUBTED)
        is_known_to_hear = self.survey.transcript.reliable is True
        if not is_known_to_hear and item.kind != "filler":
            confidence = min(confidence, _DOUBTED)
        return _proposal(
            item.kind,
            section,
            (start, end),
            words=" ".join(word.text for word in words[item.first : item.last + 1]),
            confidence=confidence,
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
        start, end = item.start, item.end
        if item.kind == "filler" and self._held_there(item) >= _TOLD:
            start, end = self._whole((start, end))
        middle = (start + end) / 2
        windows = (
            _window(start, min(before, start), middle, reach_before, rate),
            _window(end, middle, max(behind, end), reach_behind, rate),
        )
        span = Span.from_seconds(start, end, rate)
        span = best_cut(self.read, span, windows, self.survey.file.num_frames)
        return span.seconds(rate)

    def _held_there(self, item: Disfluency) -> float:
        """How sure it is that a filler is held where the ear heard one; 1 for an ear that knows."""
        if not self._guesses:
            return 1.0
        held = self.survey.held
        after = bisect_left(held, item.end, key=lambda vowel: vowel.start)
        there = [v.confidence for v in held[max(0, after - 9) : after] if v.end > item.start]
        return max(there, default=0.0)

    def _whole(self, found: tuple[float, float]) -> tuple[float, float]:
        """All of a filler, as far as no word that is known begins or ends there."""
        if self._guesses:
            return whole_filler(found, self.survey, self.read)
        words, middle = self.survey.transcript.words, sum(found) / 2
        next_one = bisect_left(words, middle, key=lambda word: word.start)
        near = words[max(0, next_one - 3) : next_one]
        before = max((word.end for word in near if word.end < middle), default=0.0)
        behind = words[next_one].start if next_one < len(words) else self.survey.file.duration
        return whole_filler(found, self.survey, self.read, (before, behind))

    def holes(self, gone: Sequence[Proposal], noises: Sequence[Proposal] = ()) -> list[Hole]:
        """The pauses of the recording, those made one between which all that is said goes.

        A pause is where nobody speaks to the signal and to the ear alike; breaths and smacks are
        part of it.
        """
        survey = self.survey
        rate, activity = survey.file.sample_rate, survey.activity
        words: Iterable[Word] = survey.transcript.words
        if self._guesses:
            words = sounding(survey.transcript.words, survey)
            words = [w for w in words if not any(_covers(p, w) for p in _near(noises, w))]
        kept = [w for w in words if not any(_covers(p, w) for p in _near(gone, w))]
        starts = [word.start for word in kept]
        quiet = [pause.seconds(rate) for pause in activity.pauses]
        quiet += [(noise.start, noise.end) for noise in noises]
        quiet += voiceless(activity, survey)
        cut = [(p.start, p.end) for p in gone]
        holes = []
        for start, end, inside in united_holes(quiet, cut):
            holes += list(between_words(start, end, inside, kept, starts))
        return holes

    def pauses(self, holes: Sequence[Hole], noises: Sequence[Proposal] = ()) -> Iterator[Proposal]:
        """What goes of the pauses that are too long, together with the breaths and smacks there.

        Other sounds in them stay, and are asked about.
        """
        section, last = self.recipe.pauses, self.survey.file.duration
        for hole in holes:
            if hole.start <= 0 or hole.end >= last or hole.quiet <= section.longer_than:
                continue
            quiet = Quiet(self.survey, _in_hole(noises, hole), hole.gone)
            reason = f"nobody speaks for {hole.quiet:.2f} s"
            for whole in hole.without_middle(section.to / 2, section.to / 2):
                parts = quiet.parts(whole) or [beside_noises(whole, quiet.noises)]
                unknown = [(a, b) for (_, a), (b, _) in pairwise(parts) if quiet.concern((a, b))]
                for span in sorted([*parts, *unknown]):
                    if span[1] - span[0] >= _SHORTEST_CUT:
                        yield self._silence("pause", section, span, reason, quiet)

    def ends(self, holes: Sequence[Hole], noises: Sequence[Proposal] = ()) -> Iterator[Proposal]:
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
            quiet = Quiet(self.survey, _in_hole(noises, hole), hole.gone)
            reason = f"{hole.quiet:.2f} s {where}"
            for span in hole.without_middle(head, tail):
                for part in quiet.beyond(span, head, tail) if quiet.concern(span) else [span]:
                    yield self._silence("end", section, part, reason, quiet)

    def _silence(
        self, kind: Kind, section: Any, span: tuple[float, float], reason: str, quiet: Quiet
    ) -> Proposal:
        return _proposal(
            kind,
            section,
            span,
            confidence=quiet.confidence(span),
            reason=reason,
            concern=quiet.concern(span),
        )

    def noises(self) -> Iterator[Proposal]:
        """Breaths and smacks between the words."""
        survey, recipe = self.survey, self.recipe
        rate = survey.file.sample_rate
        gaps = []
        edges = [(w.start, w.end) for w in survey.transcript.words if not self._may_be_breath(w)]
        last = survey.file.duration
        if edges:  # of dead air what lies beside speech
            edges = [(0.0, max(0.0, edges[0][0] - LONGEST_GAP)), *edges]
            last = min(last, edges[-1][1] + LONGEST_GAP)
        for (_, start), (end, _) in pairwise([*edges, (last, 0.0)]):
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

    def _may_be_breath(self, word: Word) -> bool:
        """Whether an ear that guesses may have heard a word in a breath: it is that quiet."""
        if not self._guesses:
            return False
        loud = float(np.percentile(self.survey.levels(word.start, word.end), 90))
        return loud < self.survey.speech_dbfs - _QUIET_WORD_DB


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


def _in_hole(noises: Sequence[Proposal], hole: Hole) -> Sequence[Proposal]:
    """The noises that may reach into a hole; they are in order of time, and short."""
    first = bisect_left(noises, hole.start - LONGEST_GAP, key=lambda p: p.start)
    return noises[first : bisect_left(noises, hole.end + LONGEST_GAP, key=lambda p: p.start)]


def _near(gone: Sequence[Proposal], word: Word) -> Sequence[Proposal]:
    """The proposals that may lie on a word."""
    last = bisect_left(gone, word.end, key=lambda p: p.start)
    return gone[max(0, last - 3) : last]


def _covers(proposal: Proposal, word: Word) -> bool:
    """Whether a word goes with a proposal."""
    return proposal.start <= (word.start + word.end) / 2 < proposal.end


def numbered(proposals: Sequence[Proposal]) -> Iterator[Proposal]:
    """The same proposals with names: "filler-1", "filler-2", ..."""
    counts: dict[str, int] = {}
    for proposal in proposals:
        counts[proposal.kind] = counts.get(proposal.kind, 0) + 1
        name = f"{proposal.kind.replace(' ', '-')}-{counts[proposal.kind]}"
        yield replace(proposal, id=name)

"""A clean-up is heard again at its joins before it counts as done; what is not clean is left in.

    plan            | A |um| B |uh| C |  ->  | A | B |uh| C |    the cut of "uh" went into a word

Every join is measured for a click. Where words were cut, the join is heard again as well, and
judged as an edit of a session is; pauses are measured alone. A cut that clicks, or that clips a
word of an ear whose words are reliable, is taken back, for a clean-up asks nobody and keeping is
always safe. What is left of a cut word, and all that an ear may have guessed, is only told.

Measured on 540 s of made episodes of the split "tune" (seeds 200 to 202, and 300), heard by
PocketSphinx, whose words are guesses: of 53 right cuts of fillers 3 are said to clip a word, of two
wrong ones 1. To take back what it says would leave in more that is right than that is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from qwen_audio_agent.audio.files import AudioFile
from qwen_audio_agent.audio.samples import Span, frame_at
from qwen_audio_agent.audio.scratch import scratch_folder
from qwen_audio_agent.cleanup.applying import ordinary_places, programme
from qwen_audio_agent.cleanup.plan import Plan, Proposal
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.editing.verify.finding import Finding, VerdictKind
from qwen_audio_agent.editing.verify.new_joins import Join, Side
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.editing.verify.signal import judge_signal
from qwen_audio_agent.editing.verify.word_edges import judge_words
from qwen_audio_agent.speech.hearing import Listener

SPOKEN: Final = ("filler", "phrase", "repeat", "false start")
"""Kinds of proposals with which words go."""
_CLICK: Final = "seam"
_CLIPPED: Final = ("clipped word left", "clipped word right")
_UNSURE: Final = 0.03  # seconds that the edge of a word may be off; aligned words are compared
_ROLLED: Final = 0.02  # seconds; a join that would click was rolled by less


@dataclass(frozen=True, slots=True)
class BadJoin:
    """A join that is not clean.

    Attributes:
        proposals: ids of what is done there.
        kind: what is wrong.
        at: seconds of the recording.
        detail: the evidence in a few words.
        track: number of the recording in which it was heard, from 1.
    """

    proposals: tuple[str, ...]
    kind: VerdictKind
    at: float
    detail: str = ""
    track: int = 1

    @property
    def text(self) -> str:
        """`clipped word left (by 90 ms)`."""
        return f"{self.kind} ({self.detail})" if self.detail else self.kind


@dataclass(frozen=True, slots=True)
class Again:
    """What was heard of a clean-up at its joins.

    Attributes:
        plan: with what was taken back switched off, and a concern that says why.
        num_joins: of what the plan makes, in all its recordings.
        num_heard: of those, the ones that were listened to; all are measured.
        taken_back: the joins that there are not any more.
        told: those that are not clean and are there.
    """

    plan: Plan
    num_joins: int
    num_heard: int
    taken_back: tuple[BadJoin, ...] = ()
    told: tuple[BadJoin, ...] = ()

    @property
    def num_clean(self) -> int:
        """Joins at which nothing is wrong."""
        return self.num_joins - len(self.told)

    @property
    def text(self) -> str:
        """One line for a person."""
        joins = "1 join" if self.num_joins == 1 else f"{self.num_joins} joins"
        back = f"; {len(self.taken_back)} taken back" if self.taken_back else ""
        return f"{self.num_heard} of {joins}, the others measured: {self.num_clean} clean{back}"

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each join that is not clean: which cut was taken back, or is as it was."""
        lines = [
            f"{', '.join(join.proposals)} at {join.at:.2f} s {then}: {join.text}"
            for joins, then in ((self.taken_back, "is left in"), (self.told, "is not clean"))
            for join in joins
        ]
        return tuple(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the plan."""
        return {
            "joins": self.num_joins,
            "heard": self.num_heard,
            "clean": self.num_clean,
            "taken_back": [asdict(join) for join in self.taken_back],
            "told": [asdict(join) for join in self.told],
        }


def hear_again(
    plan: Plan,
    files: Sequence[AudioFile],
    listener: Listener,
    *,
    cache_folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Again:
    """Hear what a plan would make, and take back what is not clean; nothing is written.

    What somebody switched on although it has a concern is decided, and is only told.

    Args:
        plan: what to do.
        files: the recordings of the plan, one but for several microphones.
        listener: who listens; joins that it remembers, or keeps on disk, cost nothing.
        cache_folder: for sound on the way; a temporary one by default.
        progress: told how much is done, 0 to 1.

    Raises:
        EditError: nothing would be left.
        HearingError: the ear cannot listen.
        AudioFileError: a recording cannot be read.
    """
    given, taken_back = plan, list[BadJoin]()
    is_sure = getattr(listener.ear, "reliable", None) is True
    kinds = (_CLICK, *_CLIPPED) if is_sure else (_CLICK,)
    with scratch_folder() as folder:
        sources = Sources(cache_folder or folder)
        tracks = [
            _Track(plan, number, file, sources, listener) for number, file in enumerate(files, 1)
        ]
        while True:
            joins = [join for track in tracks for join in track.joins(plan)]
            bad = list[BadJoin]()
            for done, join in enumerate(joins):
                bad += join.judged()
                if progress:
                    progress(done / len(joins))
            decided = {p.id for p in plan.active if p.concern}
            back = [b for b in bad if b.kind in kinds and not decided.issuperset(b.proposals)]
            if not back:
                break
            taken_back += back
            plan = _with_concerns(plan, back, on=False)
    plan = _with_concerns(plan, bad, on=True)
    # What was heard is part of what is proposed: nobody edited the plan by it.
    plan = plan if given.is_edited else replace(plan, proposed="")
    heard = sum(join.is_spoken for join in joins)
    if unload := getattr(listener.ear, "unload", None):
        unload()  # what is written next wants the room
    return Again(plan, len(joins), heard, tuple(taken_back), tuple(bad))


def _with_concerns(plan: Plan, bad: Sequence[BadJoin], *, on: bool) -> Plan:
    """The plan with what was heard as concerns of its proposals, which stay on or go off."""
    found = {name: join.text for join in reversed(bad) for name in join.proposals}
    then = "was heard" if on else "was heard, so it is left in"
    changed = [
        replace(p, on=on, concern=f"{found[p.id]} {then}") if p.id in found and not p.concern else p
        for p in plan.proposals
    ]
    return replace(plan, proposals=tuple(changed))


class _Track:
    """One recording of a plan, and what was heard in it so far."""

    def __init__(
        self, plan: Plan, number: int, file: AudioFile, sources: Sources, listener: Listener
    ) -> None:
        episode = plan.tracks[number - 1]
        self.number = number
        self.listener = listener
        self._sources = sources
        self._source = f"t{number}s{episode.sha256[:16]}"
        sources.add_file(self._source, file)
        whole = EditList.from_file(self._source, file)
        self.before = HeardAudio(whole, sources, listener)
        self._ordinary = ordinary_places(episode, sources, self._source)
        self.judged: dict[tuple[int, int, bool], tuple[Finding, ...]] = {}

    def joins(self, plan: Plan) -> Iterator[_CutJoin]:
        """The joins that a plan makes in this recording."""
        made = programme(plan, self._sources, self._source, self.number, self._ordinary)
        after = HeardAudio(made, self._sources, self.listener)
        done = [p for p in plan.active if p.action != "attenuate" and p.track in (0, self.number)]
        spans = [(p.span(made.sample_rate), p) for p in done]
        for left, right in pairwise([None, *after.time_map.stretches, None]):
            # Muted sound is of another place of the recording, or of none.
            is_left, is_right = (s is not None and s.source == self._source for s in (left, right))
            end = math.ceil(left.source_end) if left and is_left else None
            start = math.ceil(right.source_start) if right and is_right else None
            frame = math.ceil(right.start) if right else made.num_frames
            there = tuple(_made_by(spans, end, start, frame_at(_ROLLED, made.sample_rate)))
            if there:
                yield _CutJoin(self, after, frame, (end, start), there)


def _made_by(
    spans: Sequence[tuple[Span, Proposal]], end: int | None, start: int | None, reach: int
) -> list[Proposal]:
    """The proposals that make a join: the recording is heard up to `end`, then from `start` on.

    One of them is None where the programme begins or ends, or is silent.
    """
    first, last = -1 if end is None else end, math.inf if start is None else start
    muted = [
        p
        for span, p in spans
        if not p.removes and (abs(span.start - first) <= reach or abs(span.end - last) <= reach)
    ]
    if muted or (end is None and start is None):
        return muted
    return [
        p
        for span, p in spans
        if p.removes and span.start >= first - reach and span.end <= last + reach
    ]


@dataclass(frozen=True, slots=True)
class _CutJoin:
    """A join of what a plan makes.

    Attributes:
        track: the recording.
        after: what is made of it.
        frame: of what is made.
        sides: frames of the recording at which the sound before ends, and at which that after it
            begins; None for a side that there is not.
        proposals: that make it.
    """

    track: _Track
    after: HeardAudio
    frame: int
    sides: tuple[int | None, int | None]
    proposals: tuple[Proposal, ...]

    @property
    def is_spoken(self) -> bool:
        """Whether words were cut here."""
        return any(p.removes and p.kind in SPOKEN for p in self.proposals)

    def judged(self) -> Iterator[BadJoin]:
        """What is wrong, if anything: a click before a clipped word, and that before the rest."""
        known = self.track.judged
        end, start = self.sides
        key = (-1 if end is None else end, -1 if start is None else start, self.is_spoken)
        if key not in known:
            known[key] = tuple(self._findings())
        for finding in sorted(known[key], key=_weight)[-1:]:
            # A word is clipped by what cuts words; a click is of all that meets there.
            named = [p for p in self.proposals if finding.kind == _CLICK or p.kind in SPOKEN]
            names = tuple(p.id for p in named)
            at = self.proposals[0].start
            yield BadJoin(names, finding.kind, round(at, 3), finding.detail, self.track.number)

    def _findings(self) -> Iterator[Finding]:
        before, (end, start) = self.track.before, self.sides
        left = None if end is None else Side(before, end, 0, "start")
        right = None if start is None else Side(before, start, 0, "end")
        join = Join(self.frame, left, right)
        yield from judge_signal(before, self.after, join)
        if self.is_spoken:
            first, last = end or 0, before.num_frames if start is None else start
            words = " ".join(p.words for p in self.proposals if p.kind in SPOKEN)
            slack = frame_at(_UNSURE, before.sample_rate)
            span = Span(first, max(first, last))
            place = Place(1, span, before.sample_rate, words or None, (slack, slack))
            yield from judge_words(self.track.listener, self.after, join, (place,))


def _weight(finding: Finding) -> tuple[bool, bool, float]:
    return finding.kind == _CLICK, finding.kind in _CLIPPED, finding.seconds

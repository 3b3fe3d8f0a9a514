"""What a clean-up found and did, compared with the truth of a made episode.

Found things are matched by overlap: half of the shorter one. What may be called either way is left
out of both counts: pauses about as long as the recipe's limit, or made long by a filler that goes,
or full of a noise of the recording;
breaths in recordings that nobody labelled; words that a reader says twice because they are so
written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import episode_files
import numpy as np
import soundfile
from episodes import Times, Truth, joined_times

from qwen_audio_agent.audio.files import AudioFile, read
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.cleanup.plan import Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.editing.clicks import measure_join, ordinary_measure

FADE_S = 0.015
# Pauses this near the limit may be called long or not: the edges of speech are no points.
_UNSURE_S = (-0.05, 0.2)
_NOISY = 0.3  # of a pause in which a recording's own noise is as loud as speech
_SHRED_S = 0.08  # a shorter sound of a recording may be a smack as well as speech
_AROUND_S = 0.05
_ORDINARY_S = 30.0


@dataclass
class Count:
    """What was to be found and what was, over all episodes."""

    truths: int = 0
    hit: int = 0
    found: int = 0
    right: int = 0

    def add(
        self, truths: Sequence[Times], found: Sequence[Times], either: Sequence[Times] = ()
    ) -> list[Times]:
        """Count one episode; what was found and is not there is returned."""
        right = [span for span in found if matches(span, truths)]
        wrong = [span for span in found if not matches(span, truths)]
        wrong = [span for span in wrong if not matches(span, either)]
        self.truths += len(truths)
        self.hit += sum(matches(span, found) for span in truths)
        self.found += len(right) + len(wrong)
        self.right += len(right)
        return wrong

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 if nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 if nothing is there."""
        return self.hit / self.truths if self.truths else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass
class Tally:
    """Everything that is counted, over all episodes.

    Attributes:
        counts: by kind of thing.
        wrong: (episode, kind, start, end) of what was found and is not there.
        missed: the same of what is there and was not found.
        bursts: of speech that has to stay.
        lost_s: seconds of them that went.
        lost_by: the same by the kind of proposal that they went with.
        minutes: of output.
        joins: in the output.
        clicks: of those.
        compared: samples outside fades that were compared with the source.
        changed: of those.
        chapters: that the sources had.
        chapters_kept: that the outputs have.
        chapter_frames: how far off each kept chapter is, in frames of the output.
        loudness_lu: how far off each output is.
        true_peak_dbtp: of each output.
        heard_s: seconds of listening, and of sound that was listened to.
    """

    counts: dict[str, Count] = field(default_factory=dict)
    wrong: list[tuple[str, str, float, float]] = field(default_factory=list)
    missed: list[tuple[str, str, float, float]] = field(default_factory=list)
    bursts: int = 0
    lost_s: float = 0.0
    lost_by: dict[str, float] = field(default_factory=dict)
    minutes: float = 0.0
    joins: int = 0
    clicks: int = 0
    compared: int = 0
    changed: int = 0
    chapters: int = 0
    chapters_kept: int = 0
    chapter_frames: list[float] = field(default_factory=list)
    loudness_lu: list[float] = field(default_factory=list)
    true_peak_dbtp: list[float] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=lambda: [0.0, 0.0])


def matches(span: Times, others: Sequence[Times]) -> bool:
    """Whether a span has half of the shorter of both in common with one of the others."""
    start, end = span
    return any(
        min(end, b) - max(start, a) >= 0.5 * min(end - start, b - a) > 0
        for a, b in others
        if a < end and b > start
    )


def overlap(spans: Sequence[Times], others: Sequence[Times]) -> float:
    """Seconds that two lists of spans have in common; the second in order and apart."""
    starts = [start for start, _ in others]
    total = 0.0
    for start, end in spans:
        for a, b in others[max(0, bisect_left(starts, start) - 1) :]:
            if a >= end:
                break
            total += max(0.0, min(end, b) - max(start, a))
    return total


def without(spans: Sequence[Times], others: Sequence[Times]) -> list[Times]:
    """What is left of spans where others are taken out of them."""
    left: list[Times] = []
    for start, end in spans:
        at = start
        for a, b in sorted(others):
            if a < end and b > at:
                if a - at > 1e-9:
                    left.append((at, a))
                at = max(at, b)
        if end - at > 1e-9:
            left.append((at, end))
    return left


def time_spans(items: Sequence[dict[str, object]], end: str = "end") -> list[Times]:
    """The spans of entries of the truth."""
    return [(float(str(item["start"])), float(str(item[end]))) for item in items]


def staying_speech(truth: Truth) -> list[Times]:
    """The bursts that no clean-up may touch: all but fillers and first tries."""
    gone = [*time_spans(truth.fillers), *time_spans(truth.repeats)]
    return [(a, b) for a, b in without(truth.speech, gone) if b - a >= 0.03]


def true_pauses(truth: Truth, limit: float) -> tuple[list[Times], list[Times]]:
    """The pauses that are longer than a limit, and those that may be called so or not."""
    noises = [(a, b) for a, b in truth.noises]
    surely = [
        (a, b)
        for a, b in truth.pauses
        if b - a > limit + _UNSURE_S[1] and overlap([(a, b)], noises) < _NOISY * (b - a)
    ]
    perhaps = [(a, b) for a, b in truth.pauses if b - a > limit + _UNSURE_S[0]]
    music = [(a, b) for a, b in truth.music]
    spoken = [(a, b) for a, b in staying_speech(truth) if b - a >= _SHRED_S]
    sounds = joined_times(sorted([*spoken, *music]), 1e-6)
    perhaps += [(a, b) for (_, a), (b, _) in pairwise(sounds) if b - a > limit + _UNSURE_S[0]]
    return surely, perhaps


def written_repeats(truth: Truth) -> list[Times]:
    """Words, up to three, that are the same as those before them, by the text that was read."""
    words = [w for w in truth.words if w["kind"] == "word"]
    texts = [w["text"] for w in words]
    return [
        (float(str(words[i]["start"])), float(str(words[i + 2 * size - 1]["end"])))
        for size in (1, 2, 3)
        for i in range(len(words) - 2 * size + 1)
        if texts[i : i + size] == texts[i + size : i + 2 * size]
    ]


def count_found(
    tally: Tally, name: str, truth: Truth, proposals: Sequence[Proposal], recipe: Recipe
) -> None:
    """Count what was found in one episode, as far as it is switched on."""
    found: dict[str, list[Times]] = {}
    for proposal in proposals:
        if proposal.on:
            found.setdefault(proposal.kind, []).append((proposal.start, proposal.end))
    surely, perhaps = true_pauses(truth, recipe.pauses.longer_than)
    natural = [(a, b) for a, b in truth.natural]
    duration = truth.num_frames / truth.sample_rate
    ends = [(0.0, truth.head[1])] * (truth.head[1] > recipe.ends.head + 0.2)
    ends += [(truth.tail[0], duration)] * (duration - truth.tail[0] > recipe.ends.tail + 0.2)
    repeats = [*found.get("repeat", []), *found.get("false start", [])]
    lists = {
        "filler": (time_spans(truth.fillers), found.get("filler", []), []),
        "repeat": (time_spans(truth.repeats, "again"), repeats, written_repeats(truth)),
        "pause": (surely, found.get("pause", []), perhaps),
        "end": (ends, found.get("end", []), []),
        "breath": (truth.breaths, found.get("breath", []), natural),
        "mouth": (truth.clicks, found.get("mouth", []), natural),
    }
    for kind, (truths, spans, either) in lists.items():
        wrong = tally.counts.setdefault(kind, Count()).add(truths, spans, either)
        tally.wrong += [(name, kind, *span) for span in wrong]
        missed = [span for span in truths if not matches(span, spans)]
        tally.missed += [(name, kind, *span) for span in missed]
    staying = staying_speech(truth)
    for proposal in proposals:
        if proposal.on and proposal.removes:
            lost = overlap([(proposal.start, proposal.end)], staying)
            tally.lost_by[proposal.kind] = tally.lost_by.get(proposal.kind, 0.0) + lost


def count_lost(tally: Tally, truth: Truth, kept: Sequence[Span]) -> None:
    """Count the speech that is not among the kept frames."""
    rate = truth.sample_rate
    staying = staying_speech(truth)
    stays = [span.seconds(rate) for span in kept]
    tally.bursts += len(staying)
    tally.lost_s += sum(b - a for a, b in staying) - overlap(staying, stays)


def count_kept(tally: Tally, source: AudioFile, output: AudioFile, kept: Sequence[Span]) -> None:
    """Compare what stays with the source, sample for sample but for the fades at joins."""
    fade = round(FADE_S * source.sample_rate)
    at = 0
    with soundfile.SoundFile(source.path) as was, soundfile.SoundFile(output.path) as now:
        for span in kept:
            if span.num_frames > 2 * fade:
                inner = Span(span.start + fade, span.end - fade)
                was.seek(inner.start)
                now.seek(at + inner.start - span.start)
                frames = min(inner.num_frames, now.frames - now.tell())
                a = was.read(frames, dtype="int32", always_2d=True)
                b = now.read(frames, dtype="int32", always_2d=True)
                tally.compared += a.size
                tally.changed += int(np.count_nonzero(a != b))
            at += span.num_frames


def count_joins(tally: Tally, source: AudioFile, output: AudioFile, kept: Sequence[Span]) -> None:
    """Count the joins that click, against unedited places of the source."""
    rate = source.sample_rate
    first = max(0, source.num_frames // 2 - round(_ORDINARY_S * rate))
    looked_at = Span(first, min(source.num_frames, first + round(2 * _ORDINARY_S * rate)))
    ordinary = ordinary_measure(read(source, looked_at), 1000, 7)
    at = 0
    for span in kept[:-1]:
        at += span.num_frames
        start = max(0, at - round(_AROUND_S * rate))
        around = Span(start, min(output.num_frames, at + round(_AROUND_S * rate)))
        tally.joins += 1
        tally.clicks += measure_join(read(output, around), at - start).is_click(ordinary)
    tally.minutes += output.duration / 60


def count_chapters(tally: Tally, truth: Truth, output: Path, kept: Sequence[Span]) -> None:
    """How far the chapters of the output are from where their sound went."""
    rate = truth.sample_rate
    found = {title: start for start, title in episode_files.read_chapters(output)}
    for chapter in truth.chapters:
        tally.chapters += 1
        if (start := found.get(str(chapter["title"]))) is None:
            continue
        frame = round(float(str(chapter["start"])) * rate)
        wanted = sum(min(span.end, frame) - span.start for span in kept if span.start < frame)
        tally.chapters_kept += 1
        tally.chapter_frames.append(abs(start * rate - wanted))

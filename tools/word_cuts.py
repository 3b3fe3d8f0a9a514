"""Cuts of labelled words by name, through an ear: what they clip of their neighbours and leave."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import truth

from qwen_audio_agent import Session
from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.errors import ToolError
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.words import Word

FAR_S = 0.04
NEAR_S = 0.05


@dataclass(frozen=True)
class Cut:
    """What one cut did, in seconds; all None where the words were not found.

    Attributes:
        group: which row it counts in.
        edges: how far start and end are from the labels.
        clipped: of the neighbours, before and after.
        leaked: of the words that should go, before and after.
        is_called_clean: what the agent says of it.
    """

    group: str
    edges: tuple[float, float] | None = None
    clipped: tuple[float, float] = (0.0, 0.0)
    leaked: tuple[float, float] = (0.0, 0.0)
    is_called_clean: bool = False

    @property
    def is_far_off(self) -> bool:
        return max(*self.clipped, *self.leaked) > FAR_S


def rows(
    recordings: Sequence[truth.Recording], num_cuts: int, ear: str, seed: int
) -> list[dict[str, object]]:
    """A row of figures for each kind of label and number of words."""
    rng = random.Random(seed)  # noqa: S311 - no secret is drawn
    labelled = [recording for recording in recordings if recording.words]
    choices = [(r, first, size) for r in labelled for first, size in _unique(r.words)]
    rng.shuffle(choices)
    cuts: list[Cut] = []
    with tempfile.TemporaryDirectory() as folder:
        for recording in labelled:
            chosen = [choice[1:] for choice in choices[:num_cuts] if choice[0] is recording]
            with Session.create(
                Path(folder) / recording.id, [recording.path], ear=open_ear(ear)
            ) as session:
                cuts += [_cut(session, recording, first, size) for first, size in chosen]
            print(f"{len(cuts)} cuts of words", file=sys.stderr)
    return [
        _row(name, [c for c in cuts if c.group == name]) for name in sorted({c.group for c in cuts})
    ]


def _unique(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """First word and number of words of all phrases, of one or two words, that are said once."""
    texts = [word.text for word in words]
    for size in (1, 2):
        phrases = [" ".join(texts[i : i + size]) for i in range(len(texts) - size + 1)]
        for first, phrase in enumerate(phrases):
            if f" {' '.join(texts)} ".count(f" {phrase} ") == 1:
                yield first, size


def _cut(session: Session, recording: truth.Recording, first: int, size: int) -> Cut:
    words = recording.words
    named = words[first : first + size]
    group = f"{recording.labels} labels, {recording.kind}, {size} word{'s' * (size > 1)}"
    try:
        step = session.call("cut", audio=1, words=" ".join(word.text for word in named))
    except ToolError:
        return Cut(group)
    before = words[first - 1].end if first else 0.0
    after = words[first + size].start if first + size < len(words) else session.audio(1).duration
    return _judged(group, step, (before, named[0].start, named[-1].end, after))


def _judged(group: str, step: Step, times: tuple[float, float, float, float]) -> Cut:
    before, start, end, after = times
    (place,) = step.places
    return Cut(
        group,
        edges=(place.start - start, place.end - end),
        clipped=(max(0.0, before - place.start), max(0.0, place.end - after)),
        leaked=(max(0.0, place.start - start), max(0.0, end - place.end)),
        is_called_clean=not step.bad,
    )


def _row(name: str, cuts: Sequence[Cut]) -> dict[str, object]:
    done = [cut for cut in cuts if cut.edges]
    edges = [abs(edge) for cut in done for edge in cut.edges or ()]
    near = sum(max(map(abs, cut.edges or ())) <= NEAR_S for cut in done)
    return {
        "cuts by name": name,
        "asked": len(cuts),
        "not found": len(cuts) - len(done),
        "mean edge error ms": round(1000 * statistics.fmean(edges or [0.0])),
        "both edges within 50 ms": _share(near, len(done)),
        "clipped ms": round(1000 * statistics.fmean([sum(cut.clipped) for cut in done] or [0.0])),
        "leaked ms": round(1000 * statistics.fmean([sum(cut.leaked) for cut in done] or [0.0])),
        "clip or leak over 40 ms": _share(sum(cut.is_far_off for cut in done), len(done)),
        "of these called clean": _share(
            sum(cut.is_far_off and cut.is_called_clean for cut in done),
            sum(cut.is_far_off for cut in done),
        ),
    }


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}"

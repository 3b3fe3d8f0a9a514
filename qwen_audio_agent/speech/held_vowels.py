"""Um, uh and er by their sound alone: vowels that are held still.

    the | uuuh | old | gate      half a second in which nothing moves

An ear that knows words hears a filler as the nearest word ("a", "the", "love") or passes it over.
Here no words are known: a stretch counts by how long and how still it is, how level, what quiet it
has beside it, and how its timbre, at its beginning and its end, differs from the other still sounds
of the voice that speaks; see `held_frames.py`. A small network judges, whose weights are made by
`tools/fit_held_vowels.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.hops import Hops
from qwen_audio_agent.speech.held_frames import NUM_BANDS, Frames, stretches

_Floats = NDArray[np.float64]

# Hops. Of 387 fillers found of people who were left out of a fit none was shorter than 0.12 s.
_SHORTEST: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """A network with one hidden layer, of as many features as `held_frames.FEATURES` names.

    Attributes:
        hidden: (features, units).
        hidden_bias: (units,).
        output: (units,).
        output_bias: what the sum begins with; more than 0 in all is rather a filler.
    """

    hidden: _Floats
    hidden_bias: _Floats
    output: _Floats
    output_bias: float

    def __call__(self, features: _Floats) -> _Floats:
        """How sure it is, 0 to 1, of each row of features."""
        units = np.tanh(features @ self.hidden + self.hidden_bias)
        sure: _Floats = 1 / (1 + np.exp(-(units @ self.output + self.output_bias)))
        return sure


@cache
def fitted_judge() -> Judge:
    """The judge that was fitted."""
    text = resources.files(__package__).joinpath("lists/held_vowels.json").read_text("utf-8")
    read = json.loads(text)
    hidden, bias, output = (np.array(read[name]) for name in ("hidden", "hidden_bias", "output"))
    return Judge(hidden, bias, output, read["output_bias"])


@dataclass(frozen=True, slots=True)
class HeldVowel:
    """A stretch that sounds like a filler.

    Attributes:
        start: seconds.
        end: seconds.
        confidence: 0 to 1.
    """

    start: float
    end: float
    confidence: float


def find_held_vowels(
    hops: Iterable[Hops], least: float = 0.25, judge: Judge | None = None
) -> list[HeldVowel]:
    """Find what sounds like um, uh or er in a recording of any length, in constant memory.

    Args:
        hops: every hop of the recording, from `audio.hops.hops_of`.
        least: confidence of what is told.
        judge: who says how sure it is; the one that was fitted.

    Returns:
        In order of time, not overlapping: of what overlaps the surest is told.
    """
    return surest(candidates(hops), least, judge or fitted_judge())


def surest(found: Iterable[Candidate], least: float, judge: Judge) -> list[HeldVowel]:
    """What a judge says of stretches, in order of time; the arguments as in `find_held_vowels`."""
    scored = [(float(judge(c.features)), c) for c in found if c.end - c.start >= _SHORTEST]
    apart: list[tuple[float, Candidate]] = []
    for confidence, one in sorted(scored, key=lambda item: -item[0]):
        if confidence < least:
            break
        if all(one.last <= other.first or one.first >= other.last for _, other in apart):
            apart.append((confidence, one))
    vowels = (HeldVowel(c.start / 100, c.end / 100, round(sure, 3)) for sure, c in apart)
    return sorted(vowels, key=lambda vowel: vowel.start)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A stretch that is still enough, in hops of 10 ms.

    Attributes:
        first: the first that is looked at.
        last: the one after those.
        start: where the vowel begins.
        end: where it ends.
        features: what `held_frames.FEATURES` names.
    """

    first: int
    last: int
    start: int
    end: int
    features: _Floats


def candidates(hops: Iterable[Hops]) -> Iterator[Candidate]:
    """Every stretch that is still enough, whatever it is; they may overlap.

    Args:
        hops: as in `find_held_vowels`.
    """
    at = 0
    before = current = np.zeros((0, NUM_BANDS), np.float32)
    for following in chain(stretches(hops), [before]):
        if len(current):
            around = np.concatenate([before, current, following])
            frames = Frames.of(around)
            for first, last in sorted(set(frames.still())):
                if len(before) <= first < len(before) + len(current):
                    moved = at - len(before)
                    start, end = frames.edges(first, last)
                    if frames.is_music(first, last):
                        continue
                    features = frames.features(first, last)
                    yield Candidate(
                        first + moved, last + moved, start + moved, end + moved, features
                    )
        at += len(current)
        before, current = current, following

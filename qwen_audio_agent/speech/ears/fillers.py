"""Um and uh: what the language model of the decoder does not expect, and so rarely hears.

A filler is a vowel held still. It is looked for as a word like any other, but must also be long and
change less than the vowels of words do, and must not lie inside a longer word that was heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.speech.ears.acoustics import AcousticModel, Floats
from qwen_audio_agent.speech.ears.alignment import best_path, phrase_graph, spot
from qwen_audio_agent.speech.ears.anything import phone_loop

TEXTS: Final = frozenset({"uh", "um", "er", "erm", "hm", "hmm", "mm", "uhm", "ah"})
"""Words that are fillers when they are heard as such."""

_FORMS: Final = (("AH",), ("AH", "M"), ("ER",), ("HH", "M"), ("AA",), ("AA", "M"))
_HANDICAP: Final = 1.5
_MOST: Final = 40  # candidates in one stretch
_LEAST_TOTAL: Final = 6.0
_LEAST_GAIN: Final = -0.5  # log-likelihood per frame against any other phones
_SHORTEST: Final = 20  # frames of 10 ms
# Median distance of mel cepstra 80 ms apart. Fillers of eight recordings had 18 to 32, the longest
# vowels of read words 34 and more.
_STILL: Final = 33.0
_STILL_ALONE: Final = 40.0  # the same of a short word heard with a pause on each side
_PAUSE: Final = 20  # frames
_NEAR: Final = 4  # frames on each side of that distance
_COVERED: Final = 0.6  # of a heard word, which is then taken to be the filler misheard


@dataclass(frozen=True, slots=True)
class Filler:
    """A filler in frames of 10 ms: [first, last], and how it sounds."""

    first: int
    last: int
    text: str

    def covers(self, first: int, last: int) -> bool:
        """Whether most of the frames [first, last] lie in it."""
        common = min(self.last, last) - max(self.first, first) + 1
        return common >= _COVERED * (last - first + 1)

    def touches(self, first: int, last: int) -> bool:
        """Whether more than its edge lies in the frames [first, last]."""
        return min(self.last, last) - max(self.first, first) + 1 > _NEAR


def find_fillers(
    model: AcousticModel,
    scores: Floats,
    cepstra_rows: NDArray[np.float64],
    words: Sequence[tuple[int, int]],
) -> list[Filler]:
    """Find held vowels that are no part of a longer word.

    Args:
        model: the acoustic model.
        scores: float32 (T, senones) of the model.
        cepstra_rows: float64 (T, 13).
        words: first and last frame of each word heard.

    Returns:
        Fillers, not overlapping, in order of time.
    """
    graph = phrase_graph(model, [_FORMS])
    emitted = graph.emissions(scores)
    loop = phone_loop(model, scores)
    sums, begins = spot(graph, emitted - loop[:, None] + np.float32(_HANDICAP))
    changes = _changes(cepstra_rows)
    frames = np.arange(len(sums))
    found = []
    for _ in range(_MOST):
        last = int(sums.argmax())
        if sums[last] < _LEAST_TOTAL:
            break
        first = int(begins[last])
        sums[(begins <= last) & (frames >= first)] = -np.inf
        inside = slice(first, last + 1)
        filler = Filler(first, last, "uh")
        still = _STILL_ALONE if _is_alone(filler, words) else _STILL
        if last - first + 1 < _SHORTEST or np.median(changes[inside]) > still:
            continue
        path = best_path(graph, emitted[inside])
        if path is None:
            continue
        gain = emitted[inside][np.arange(len(path)), path] - loop[inside]
        if graph.names[graph.phones[path[-1]]] == model.phone("M"):
            filler = replace(filler, text="um")
        is_apart = all(filler.covers(*word) or not filler.touches(*word) for word in words)
        if is_apart and gain.mean() >= _LEAST_GAIN:
            found.append(filler)
    return sorted(found, key=lambda filler: filler.first)


def _is_alone(filler: Filler, words: Sequence[tuple[int, int]]) -> bool:
    """Whether it was heard as one short word with a pause before and after it."""
    covered = [word for word in words if filler.covers(*word)]
    if len(covered) != 1:
        return False
    first, last = covered[0]
    return all(
        word == covered[0] or word[1] < first - _PAUSE or word[0] > last + _PAUSE for word in words
    )


def _changes(cepstra_rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much the spectrum changes around each frame: the distance over 80 ms, without level."""
    shape = np.pad(cepstra_rows[:, 1:], ((_NEAR, _NEAR), (0, 0)), mode="edge")
    distances = np.linalg.norm(shape[2 * _NEAR :] - shape[: -2 * _NEAR], axis=1)
    return np.asarray(distances)

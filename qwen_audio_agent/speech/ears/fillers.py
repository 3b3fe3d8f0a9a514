"""Um and uh: what the language model of the decoder does not expect, and so rarely hears.

A filler is a vowel held still. It is looked for as a word like any other, but must also be long and
change less than the vowels of words do, and must not lie inside a longer word that was heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.speech.ears.acoustics import AcousticModel, Floats
from qwen_audio_agent.speech.ears.alignment import best_path, phrase_graph, spot
from qwen_audio_agent.speech.ears.anything import phone_loop
from qwen_audio_agent.speech.ears.cepstra import cepstra
from qwen_audio_agent.speech.ears.senone_scores import SenoneScores
from qwen_audio_agent.speech.ears.voicing import levels_and_periodicity
from qwen_audio_agent.speech.pronunciation import holding

_SHORT_FORMS: Final = (("AH",), ("AH", "M"), ("ER",), ("HH", "M"), ("AA",), ("AA", "M"))
# The acoustic model has learnt "+SPN+" from spoken noise, um and uh among it.
_FORMS: Final = (("+SPN+",), *(held for form in _SHORT_FORMS for held in holding(form)))
_HANDICAP: Final = 1.5
_MOST: Final = 40  # candidates in one stretch
_LEAST_TOTAL: Final = 23.0  # log-likelihood in all against any other phones, and
_LEAST_GAIN: Final = -0.5  # per frame
_SHORTEST: Final = 20  # frames of 10 ms
# Median distance of mel cepstra 80 ms apart; that of words is 40 and more, but for long vowels.
_STILL: Final = 36.0
_NEAR: Final = 4  # frames on each side of that distance
# A filler is as loud as the speech around it, where breath and room are not, a laugh is louder.
_LEVELS: Final = (-15.0, 6.0)  # dB against the level that a tenth of the frames exceed
_LOUD: Final = 10.0  # dB below that level: frames of speech
_LEAST_VOICED: Final = 0.9  # of the periodicity of those frames
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
    model: AcousticModel, scores: SenoneScores, samples: Floats, words: Sequence[tuple[int, int]]
) -> list[Filler]:
    """Find held vowels that are no part of a longer word.

    Args:
        model: the acoustic model.
        scores: of the sound.
        samples: float32 (n,) of 16 kHz mono, the sound that was scored.
        words: first and last frame of each word heard.

    Returns:
        Fillers, not overlapping, in order of time.
    """
    graph = phrase_graph(model, [_FORMS])
    emitted = graph.emissions(scores)
    loop = phone_loop(model, scores.of_phones)
    sums, begins = spot(graph, emitted - loop[:, None] + np.float32(_HANDICAP))
    sounds_like_one = _sound(samples, len(scores))
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
        is_apart = all(filler.covers(*word) or not filler.touches(*word) for word in words)
        if last - first + 1 < _SHORTEST or not is_apart or not sounds_like_one(inside):
            continue
        path = best_path(graph, emitted[inside])
        if path is None:
            continue
        gain = emitted[inside][np.arange(len(path)), path] - loop[inside]
        if graph.names[graph.phones[path[-1]]] == model.phone("M"):
            filler = replace(filler, text="um")
        if gain.mean() >= _LEAST_GAIN:
            found.append(filler)
    return sorted(found, key=lambda filler: filler.first)


def _sound(samples: Floats, num_frames: int) -> Callable[[slice], bool]:
    """Whether frames are held still, voiced and as loud as the rest."""
    levels, periodicity = levels_and_periodicity(samples, num_frames)
    changes = _changes(cepstra(samples))
    loud = np.percentile(levels, 90)
    least = _LEAST_VOICED * np.median(periodicity[levels > loud - _LOUD])

    def sounds_like_one(inside: slice) -> bool:
        level = np.median(levels[inside]) - loud
        return bool(
            np.median(changes[inside]) <= _STILL
            and _LEVELS[0] <= level <= _LEVELS[1]
            and np.median(periodicity[inside]) >= least
        )

    return sounds_like_one


def _changes(cepstra_rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much the spectrum changes around each frame: the distance over 80 ms, without level."""
    shape = np.pad(cepstra_rows[:, 1:], ((_NEAR, _NEAR), (0, 0)), mode="edge")
    distances = np.linalg.norm(shape[2 * _NEAR :] - shape[: -2 * _NEAR], axis=1)
    return np.asarray(distances)

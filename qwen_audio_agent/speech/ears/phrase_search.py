"""Where a phrase may have been said, and how much speaks for each place.

The phrase's own states are laid over the sound wherever they fit best. At each such place they are
weighed against what else could explain it: the best state of every frame, a free loop of phones,
and the words that were heard there. One logistic regression makes a probability of that.

    heard     | mr | coulter | is | he | a | parcel | of |       letters do not agree
    phrase    | mister quilter |                                 sounds nearly do: found
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qwen_audio_agent.speech.ears.acoustics import AcousticModel, Floats
from qwen_audio_agent.speech.ears.alignment import (
    SILENCE,
    Integers,
    StateGraph,
    best_path,
    phrase_graph,
    sentence_graph,
    spot,
)
from qwen_audio_agent.speech.ears.anything import phone_distances, phone_loop
from qwen_audio_agent.speech.ears.senone_scores import SenoneScores
from qwen_audio_agent.speech.pronunciation import Pronunciations

_PEAKS: Final = 5  # places looked at, by the mean and by the sum of the fit
_GAP: Final = 0.8  # a phone left out or put in, on the scale of `phone_distances`
_SLACK: Final = 3  # frames by which heard words may reach over a place

# Weights of `Evidence.values` in the log-odds that the phrase was said there. Fitted by
# tools/fit_phrase_score.py on 23 read recordings and 59 stretches of telephone prompts.
_WEIGHTS: Final = (
    *(-0.1703, 0.4329, 0.2276, 0.49, 0.0577),
    *(-1.8438, 2.9393, 2.2568, 2.7629, 0.0855),
)
_INTERCEPT: Final = -3.356

# Log-likelihood per frame by which a phrase that is there falls behind a loop that may say
# anything; given back when its edges are settled, lest it end early.
_HANDICAP: Final = 1.0
_REACH: Final = 25  # frames by which an edge may move when it is settled
_NEIGHBOURS: Final = 2  # heard words on each side that help to place the edges
_TRUSTED: Final = 10  # frames that their word may differ from that of the phrase alone
_MARGIN: Final = 60  # frames within which they must be


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of the free decoding.

    Attributes:
        text: the word.
        first: first frame of 10 ms.
        last: last frame, inside the word.
    """

    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against a phrase at one place; all fits are natural logarithms.

    Attributes:
        loop: fit of the phrase less that of the phone loop, per frame.
        best: fit less that of the best state of each frame, per frame.
        heard: fit less that of the words heard there, per frame.
        worst_word: the lowest `loop` of a single word.
        worst_phone: the lowest `loop` of a single phone.
        distance: of its phones from those of the words heard there, per phone; 0 to 1.
        same: 1 if the words heard there are the phrase.
        shared: how much of its words was heard there, 0 to 1.
        size: logarithm of the number of its phones.
        total: sum over the frames of what `loop` is the mean of.
    """

    loop: float
    best: float
    heard: float
    worst_word: float
    worst_phone: float
    distance: float
    same: float
    shared: float
    size: float
    total: float

    @property
    def values(self) -> Floats:
        """The evidence as the regression takes it, tamed at the ends."""
        heard, phone = min(max(self.heard, -6.0), 3.0), max(self.worst_phone, -15.0)
        loop, best = max(self.loop, -10.0), max(self.best, -15.0)
        word = max(self.worst_word, -15.0)
        rest = (self.distance, self.same, self.shared, self.size, self.total / 10)
        return np.array([loop, best, heard, word, phone, *rest], np.float32)

    @property
    def probability(self) -> float:
        """That the phrase was said at this place."""
        odds = float(self.values @ np.array(_WEIGHTS, np.float32)) + _INTERCEPT
        return 1.0 / (1.0 + float(np.exp(-np.clip(odds, -50, 50))))


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a phrase may have been said.

    Attributes:
        first: first frame of 10 ms.
        last: last frame, inside the phrase.
        heard: the words of the free decoding there.
        evidence: what speaks for it.
        first_spread: frames between two estimates of `first`.
        last_spread: the same of `last`.
    """

    first: int
    last: int
    heard: str
    evidence: Evidence
    first_spread: int = 0
    last_spread: int = 0


class PhraseSearch:
    """The search for phrases in one stretch of sound; what all phrases share is computed once."""

    def __init__(
        self,
        model: AcousticModel,
        pronunciations: Pronunciations,
        scores: SenoneScores,
        heard: Sequence[HeardWord],
    ) -> None:
        self._model = model
        self._pronunciations = pronunciations
        self._scores = scores
        self._heard = tuple(heard)
        self._best = scores.best
        self._loop = phone_loop(model, scores.of_phones)
        self._heard_fit = self._fit_of_heard()
        self._distances = phone_distances(model)

    def _fit_of_heard(self) -> Floats:
        if not self._heard:
            return self._loop
        spoken = [self._pronunciations.of(word.text) for word in self._heard]
        graph = sentence_graph(self._model, spoken)
        emitted = graph.emissions(self._scores)
        path = best_path(graph, emitted)
        return self._loop if path is None else emitted[np.arange(len(path)), path]

    def places(self, words: Sequence[str]) -> list[Place]:
        """Where `words` may have been said, not overlapping, most probable first."""
        spoken = [self._pronunciations.of(word) for word in words]
        graph = phrase_graph(self._model, spoken)
        emitted = graph.emissions(self._scores)
        sums, begins = spot(graph, emitted - self._loop[:, None])
        found = []
        for end in _peaks(sums, begins):
            first = int(begins[end])
            path = best_path(graph, emitted[first : end + 1])
            if path is not None:
                fit = emitted[np.arange(first, end + 1), path]
                owners, phones = np.array(graph.owners)[path], np.array(graph.phones)[path]
                said = [graph.names[k] for k in np.unique(phones[owners != SILENCE])]
                found.append(self._place(words, first, fit, owners, phones, said))
        found.sort(key=lambda place: -place.evidence.probability)
        lead = emitted - self._loop[:, None] + np.float32(_HANDICAP)
        return apart([self._settle(words, graph, lead, place) for place in apart(found)])

    def _settle(self, words: Sequence[str], graph: StateGraph, lead: Floats, place: Place) -> Place:
        """The same place with its best edges, and how far two ways of placing them disagree.

        Where the phrase was heard as itself, the words around it are trusted to hold its edges;
        where it was not, they are likely to be wrong too.
        """
        start, end = max(0, place.first - _REACH), place.last + 1 + _REACH
        sums, begins = spot(graph, lead[start:end])
        last = int(sums.argmax())
        alone = replace(place, first=start + int(begins[last]), last=start + last)
        between = self._between_neighbours(words, alone)
        if between is None:
            return alone
        first_spread, last_spread = abs(alone.first - between.first), abs(alone.last - between.last)
        same = bool(place.evidence.same)
        return replace(
            alone,
            first=between.first if same and first_spread <= _TRUSTED else alone.first,
            last=between.last if same and last_spread <= _TRUSTED else alone.last,
            first_spread=first_spread,
            last_spread=last_spread,
        )

    def _between_neighbours(self, words: Sequence[str], place: Place) -> Place | None:
        """The place of the phrase if the words heard before and after it are right."""
        before, after = [], []
        for word in self._heard:
            if _mostly_inside(word, place.first, place.last):
                continue
            if place.first - _MARGIN < word.last and word.first + word.last < 2 * place.first:
                before.append(word)
            elif word.first < place.last + _MARGIN and word.first + word.last > 2 * place.last:
                after.append(word)
        before, after = before[-_NEIGHBOURS:], after[:_NEIGHBOURS]
        start = before[0].first if before else max(0, place.first - _REACH)
        end = after[-1].last + 1 if after else place.last + 1 + _REACH
        sentence = [*(w.text for w in before), *words, *(w.text for w in after)]
        graph = sentence_graph(self._model, [self._pronunciations.of(w) for w in sentence])
        path = best_path(graph, graph.emissions(self._scores.between(start, end)))
        if path is None:
            return None
        owners = np.array(graph.owners)[path]
        inside = (owners >= len(before)) & (owners < len(before) + len(words))
        first, last = np.flatnonzero(inside)[[0, -1]]
        return replace(place, first=start + int(first), last=start + int(last))

    def _place(
        self,
        words: Sequence[str],
        first: int,
        fit: Floats,
        owners: Integers,
        phones: Integers,
        said: Sequence[int],
    ) -> Place:
        inside = slice(first, first + len(fit))
        last = inside.stop - 1
        gain = fit - self._loop[inside]
        near = [w for w in self._heard if w.last >= first - _SLACK and w.first <= last + _SLACK]
        within = [w.text for w in near if _mostly_inside(w, first, last)]
        sounds = [phone for word in near for phone in self._pronunciations.of(word.text)[0]]
        by_word = [gain[owners == word].mean() for word in range(len(words))]
        by_phone = [gain[phones == k].mean() for k in np.unique(phones[owners != SILENCE])]
        evidence = Evidence(
            loop=float(gain.mean()),
            best=float((fit - self._best[inside]).mean()),
            heard=float((fit - self._heard_fit[inside]).mean()),
            worst_word=float(min(by_word)),
            worst_phone=float(min(by_phone)),
            distance=self._distance(said, sounds),
            same=float(within == list(words)),
            shared=sum(word in within for word in words) / len(words),
            size=float(np.log(len(said))),
            total=float(gain.sum()),
        )
        return Place(first, last, " ".join(within), evidence)

    def _distance(self, wanted: Sequence[int], heard: Sequence[str]) -> float:
        """The least cost of turning some stretch of `heard` into `wanted`, per phone wanted."""
        numbers = [self._model.phone(name) for name in heard]
        before = np.zeros(len(numbers) + 1)
        for phone in wanted:
            row = np.empty_like(before)
            row[0] = before[0] + _GAP
            for j, other in enumerate(numbers):
                swap = before[j] + self._distances[phone, other]
                row[j + 1] = min(swap, before[j + 1] + _GAP, row[j] + _GAP)
            before = row
        return float(min(1.0, before.min() / len(wanted)))


def _mostly_inside(word: HeardWord, first: int, last: int) -> bool:
    return min(word.last, last) - max(word.first, first) > 0.5 * (word.last - word.first)


def _peaks(sums: Floats, begins: Integers) -> list[int]:
    """The ends of the best stretches, by mean fit and by total fit, each apart from the others."""
    ends: set[int] = set()
    frames = np.arange(len(sums))
    for measure in (sums / (frames - begins + 1), sums.copy()):
        for _ in range(_PEAKS):
            end = int(measure.argmax())
            if measure[end] < -1e20:
                break
            ends.add(end)
            measure[(begins <= end) & (frames >= begins[end])] = -np.inf
    return sorted(ends)


def apart(places: Sequence[Place]) -> list[Place]:
    """Those that do not overlap a better one."""
    kept: list[Place] = []
    for place in places:
        if all(place.first > other.last or place.last < other.first for other in kept):
            kept.append(place)
    return kept

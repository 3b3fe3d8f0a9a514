"""Where known words lie in the sound: the best path through the states of their phones.

states   m1 m2 m3 ih1 ih2 ih3 d1 d2 d3 ...     in order, each may last, silence may come between
frames   .  .  .  .  .  .  .  .  .  .  .       each is given to one state, so that the fit is best
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.speech.ears.acoustics import (
    BEGIN,
    END,
    INTERNAL,
    SINGLE,
    AcousticModel,
    Floats,
)
from qwen_audio_agent.speech.pronunciation import Phones

Integers = NDArray[np.intp]

SILENCE = -1
"""The owner of states that belong to no word."""
_NEVER = np.float32(-1e30)
_PAUSE_COST = -2.0  # inside a phrase, a pause must be worth having


class Scores(Protocol):
    """How well senones explain the frames of a sound; `SenoneScores` is one."""

    def of(self, senones: NDArray[np.int16]) -> Floats:
        """Log-likelihoods of some senones: float32 (T, senones)."""
        ...


@dataclass(slots=True)
class StateGraph:
    """States in order of time, and which may follow which.

    Attributes:
        model: what the states sound like.
        senones: the senones of each state; several where the neighbouring sound is not known.
        owners: the number of the word that each state belongs to, or SILENCE.
        phones: the running number of the phone that each state belongs to.
        names: for each running number which phone of the model that is.
        arcs: (from, to, log probability); the arc from each state to itself among them.
        starts: states that a path may start in.
        ends: states that a path may end in.
    """

    model: AcousticModel
    senones: list[NDArray[np.int16]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    phones: list[int] = field(default_factory=list)
    names: list[int] = field(default_factory=list)
    arcs: list[tuple[int, int, float]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def add_phone(
        self, phone: int, senones: Sequence[NDArray[np.int16]], owner: int
    ) -> tuple[int, int]:
        """Append the states of one phone, one after another; the first and the last of them."""
        first = len(self.senones)
        for place, choices in enumerate(senones):
            state = first + place
            if place:
                self.arcs.append((state - 1, state, float(self.model.leaves[phone, place - 1])))
            self.arcs.append((state, state, float(self.model.stays[phone, place])))
            self.senones.append(choices)
            self.owners.append(owner)
            self.phones.append(len(self.names))
        self.names.append(phone)
        return first, len(self.senones) - 1

    def add_word(
        self, phones: Phones, left: int | None, right: int | None, owner: int
    ) -> tuple[int, int]:
        """Append a word between the phones `left` and `right` (None: any); first and last state."""
        numbers = [self.model.phone(name) for name in phones]
        around = [left, *numbers, right]
        ends: list[tuple[int, int]] = []
        for i, phone in enumerate(numbers):
            place = INTERNAL
            if len(numbers) == 1:
                place = SINGLE
            elif i in (0, len(numbers) - 1):
                place = END if i else BEGIN
            states = self.model.states(phone, around[i], around[i + 2], place)
            ends.append(self.add_phone(phone, states, owner))
            if i:
                self.follow([ends[-2][1]], ends[-1][0])
        return ends[0][0], ends[-1][1]

    def follow(self, sources: Sequence[int], target: int, extra: float = 0.0) -> None:
        """Let `target` come after any of `sources`, last states of phones."""
        for source in sources:
            phone = self.names[self.phones[source]]
            self.arcs.append((source, target, float(self.model.leaves[phone, -1]) + extra))

    def emissions(self, scores: Scores) -> Floats:
        """How well each state explains each frame: float32 (T, states)."""
        wanted = np.unique(np.concatenate(self.senones))
        known = scores.of(wanted)
        emitted = np.empty((len(known), len(self.senones)), np.float32)
        for state, choices in enumerate(self.senones):
            several = known[:, np.searchsorted(wanted, choices)]
            if len(choices) == 1:
                emitted[:, state] = several[:, 0]
            else:
                best = several.max(axis=1)
                mean = np.exp(several - best[:, None]).mean(axis=1)
                emitted[:, state] = best + np.log(mean)
        return emitted

    def table(self) -> tuple[Integers, Floats]:
        """The arcs by target: sources and log probabilities, each (most arcs, states)."""
        before: list[list[tuple[int, float]]] = [[] for _ in self.senones]
        for source, target, cost in self.arcs:
            before[target].append((source, cost))
        shape = max(map(len, before)), len(before)
        sources, costs = np.zeros(shape, np.intp), np.full(shape, _NEVER, np.float32)
        for target, arcs in enumerate(before):
            for k, (source, cost) in enumerate(arcs):
                sources[k, target], costs[k, target] = source, cost
        return sources, costs


def sentence_graph(model: AcousticModel, words: Sequence[Sequence[Phones]]) -> StateGraph:
    """All that is said: silence or noise may come before, between and after the words.

    Args:
        model: the acoustic model.
        words: for each word its pronunciations, any of which may be used.
    """
    graph = StateGraph(model)
    silence = model.phone("SIL")
    before: list[int] = []
    for i in range(len(words)):
        pauses, after_pauses = _add_pauses(graph, before, ("SIL", "+NSN+"), 0.0)
        firsts, lasts = _add_pronunciations(graph, words, i, silence, before + after_pauses)
        if not i:
            graph.starts = pauses + firsts
        before = lasts
    graph.ends = before + _add_pauses(graph, before, ("SIL", "+NSN+"), 0.0)[1]
    return graph


def phrase_graph(model: AcousticModel, words: Sequence[Sequence[Phones]]) -> StateGraph:
    """Some words anywhere: any sound may come before and after, short silences between them."""
    graph = StateGraph(model)
    before: list[int] = []
    for i in range(len(words)):
        if i:
            before = before + _add_pauses(graph, before, ("SIL",), _PAUSE_COST)[1]
        firsts, before = _add_pronunciations(graph, words, i, None, before)
        if not i:
            graph.starts = firsts
    graph.ends = before
    return graph


def _add_pauses(
    graph: StateGraph, before: Sequence[int], names: Sequence[str], cost: float
) -> tuple[list[int], list[int]]:
    """Append a choice of pauses after `before`; their first and their last states."""
    firsts, lasts = [], []
    for name in names:
        phone = graph.model.phone(name)
        states = [graph.model.senones[phone, place : place + 1] for place in range(3)]
        first, last = graph.add_phone(phone, states, SILENCE)
        graph.follow(before, first, cost)
        firsts.append(first)
        lasts.append(last)
    return firsts, lasts


def _add_pronunciations(
    graph: StateGraph,
    words: Sequence[Sequence[Phones]],
    i: int,
    outside: int | None,
    before: Sequence[int],
) -> tuple[list[int], list[int]]:
    """Append all pronunciations of word `i` after `before`; their first and their last states."""
    left = graph.model.phone(words[i - 1][0][-1]) if i else outside
    right = graph.model.phone(words[i + 1][0][0]) if i + 1 < len(words) else outside
    firsts, lasts = [], []
    for phones in words[i]:
        first, last = graph.add_word(phones, left, right, i)
        graph.follow(before, first)
        firsts.append(first)
        lasts.append(last)
    return firsts, lasts


def best_path(graph: StateGraph, emitted: Floats) -> Integers | None:
    """The best state for each frame, from a start to an end of the graph.

    Args:
        graph: the states.
        emitted: float32 (T, states) of `StateGraph.emissions`.

    Returns:
        One state per frame, or None if there are more states than frames.
    """
    sources, costs = graph.table()
    now = np.full(emitted.shape[1], _NEVER, np.float32)
    now[graph.starts] = emitted[0, graph.starts]
    arcs = np.zeros(emitted.shape, np.min_scalar_type(len(sources)))  # the best one into each state
    columns = np.arange(emitted.shape[1])
    for t in range(1, len(emitted)):
        options = now[sources] + costs
        arcs[t] = best = options.argmax(axis=0)
        now = options[best, columns] + emitted[t]
    state = max(graph.ends, key=lambda end: now[end])
    if now[state] < _NEVER / 2:
        return None
    path = np.empty(len(emitted), np.intp)
    for t in range(len(emitted) - 1, -1, -1):
        path[t] = state
        state = sources[arcs[t, state], state]
    return path


def spot(graph: StateGraph, emitted: Floats) -> tuple[Floats, Integers]:
    """How well the graph fits if it may start at any frame and ends at this one.

    Args:
        graph: the states.
        emitted: float32 (T, states), less the log-likelihood of "anything else" in each frame.

    Returns:
        For each frame the sum over the path that ends there, and the frame where that path starts.
    """
    sources, costs = graph.table()
    columns = np.arange(emitted.shape[1])
    now = np.full(emitted.shape[1], _NEVER, np.float32)
    began = np.zeros(emitted.shape[1], np.intp)
    sums, begins = np.empty(len(emitted), np.float32), np.empty(len(emitted), np.intp)
    for t, fit in enumerate(emitted):
        options = now[sources] + costs
        best = options.argmax(axis=0)
        now, began = options[best, columns], began[sources[best, columns]]
        for start in graph.starts:
            if now[start] < 0:
                now[start], began[start] = 0, t
        now += fit
        end = max(graph.ends, key=lambda state: now[state])
        sums[t], begins[t] = now[end], began[end]
    return sums, begins

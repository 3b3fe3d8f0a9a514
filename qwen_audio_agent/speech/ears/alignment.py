"""Where known words lie in the sound: the best path through their states.

states   m1 m2 m3 ih1 ih2 ih3 d1 d2 d3 ...        frames  . . . . . . . . . . . .
path     each frame is given to one state, in order, so that the sum of log-likelihoods is best
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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

_NEVER = np.float32(-1e30)


@dataclass(slots=True)
class StateGraph:
    """States in order of time, and which may follow which; state 0 .. are numbered as added.

    Attributes:
        senones: the senone of each state.
        owners: what each state belongs to (a word's number, or -1 for silence).
        phones: running number of the phone that each state belongs to.
        arcs: (from, to, log probability), without the arc from each state to itself.
        stays: log probability of staying one frame longer.
    """

    senones: list[int] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    phones: list[int] = field(default_factory=list)
    arcs: list[tuple[int, int, float]] = field(default_factory=list)
    stays: list[float] = field(default_factory=list)
    num_phones: int = 0

    def add_phone(
        self, model: AcousticModel, phone: int, senones: NDArray[np.int16], owner: int
    ) -> tuple[int, int]:
        """Append the states of one phone, one after another; returns the first and the last."""
        first = len(self.senones)
        for place, senone in enumerate(senones):
            if place:
                self.arcs.append((first + place - 1, first + place, model.leaves[phone, place - 1]))
            self.senones.append(int(senone))
            self.owners.append(owner)
            self.phones.append(self.num_phones)
            self.stays.append(float(model.stays[phone, place]))
        self.num_phones += 1
        return first, len(self.senones) - 1

    def add_word(
        self, model: AcousticModel, phones: Phones, context: tuple[int, int], owner: int
    ) -> tuple[int, int]:
        """Append a word said as `phones` between the phones of `context`; first and last state."""
        numbers = [context[0], *(model.phone(name) for name in phones), context[1]]
        first = last = -1
        for i, phone in enumerate(numbers[1:-1], start=1):
            place = INTERNAL
            if len(phones) == 1:
                place = SINGLE
            elif i in (1, len(phones)):
                place = BEGIN if i == 1 else END
            senones = model.states(phone, numbers[i - 1], numbers[i + 1], place)
            start, end = self.add_phone(model, phone, senones, owner)
            if first < 0:
                first = start
            else:
                self.connect(model, last, start)
            last = end
        return first, last

    def connect(self, model: AcousticModel, source: int, target: int, extra: float = 0.0) -> None:
        """Let `target` follow `source`, the last state of a phone."""
        phone = model.phone_of_senone[self.senones[source]]
        self.arcs.append((source, target, float(model.leaves[phone, -1]) + extra))


def best_path(
    graph: StateGraph, scores: Floats, starts: Sequence[int], ends: Sequence[int]
) -> tuple[NDArray[np.intp], float]:
    """The best sequence of states for all frames, from one of `starts` to one of `ends`.

    Args:
        graph: the states.
        scores: float32 (T, senones) of `AcousticModel.log_likelihoods`.
        starts: states in which the first frame may be.
        ends: states in which the last frame may be.

    Returns:
        The state of each frame, and the log-likelihood of the whole; minus infinity if none fits.
    """
    num_states = len(graph.senones)
    before = [[(s, stay)] for s, stay in enumerate(graph.stays)]
    for source, target, cost in graph.arcs:
        before[target].append((source, cost))
    width = max(len(arcs) for arcs in before)
    sources = np.zeros((width, num_states), np.intp)
    costs = np.full((width, num_states), _NEVER, np.float32)
    for target, arcs in enumerate(before):
        for k, (source, cost) in enumerate(arcs):
            sources[k, target], costs[k, target] = source, cost
    emitted = scores[:, graph.senones]
    now = np.full(num_states, _NEVER, np.float32)
    now[list(starts)] = emitted[0, list(starts)]
    came_from = np.zeros((len(scores), num_states), np.int32)
    columns = np.arange(num_states)
    for t in range(1, len(scores)):
        options = now[sources] + costs
        best = options.argmax(axis=0)
        came_from[t] = sources[best, columns]
        now = options[best, columns] + emitted[t]
    state = int(max(ends, key=lambda s: now[s]))
    total = float(now[state])
    path = np.empty(len(scores), np.intp)
    for t in range(len(scores) - 1, -1, -1):
        path[t] = state
        state = int(came_from[t, state])
    return path, total if total > _NEVER / 2 else -np.inf


def word_graph(
    model: AcousticModel, words: Sequence[Sequence[Phones]]
) -> tuple[StateGraph, list[int], list[int]]:
    """Words in order, each in any of its pronunciations, silence or noise allowed between them.

    Returns:
        The graph, the states it may start in, and those it may end in.
    """
    graph = StateGraph()
    silence = model.phone("SIL")
    starts: list[int] = []
    open_ends: list[int] = []

    def enter(first: int) -> None:
        if open_ends:
            for end in open_ends:
                graph.connect(model, end, first)
        else:
            starts.append(first)

    def pause() -> list[int]:
        exits = []
        for name in ("SIL", "+NSN+"):
            phone = model.phone(name)
            first, last = graph.add_phone(model, phone, model.senones[phone], -1)
            enter(first)
            exits.append(last)
        return exits

    def edge_phone(index: int, which: int) -> int:
        if not 0 <= index < len(words):
            return silence
        return model.phone(words[index][0][which])

    for i, pronunciations in enumerate(words):
        exits = pause()
        if i == 0:
            first_exits, open_ends = exits, exits
        else:
            open_ends = open_ends + exits
        lasts = []
        for phones in pronunciations:
            context = (edge_phone(i - 1, -1), edge_phone(i + 1, 0))
            first, last = graph.add_word(model, phones, context, i)
            enter(first)
            if i == 0:
                starts.append(first)
            lasts.append(last)
        open_ends = lasts
    del first_exits
    return graph, starts, open_ends + pause()

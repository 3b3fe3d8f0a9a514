"""The order of the steps: what a person says means the recording as they heard it, before any step.

    "cut from 1 to 2 s and from 5 to 6 s"      cut(5, 6), then cut(1, 2)

So a step that would make times or counts of another step mean something else comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from qwen_audio_agent.chat_models.intents import (
    Cut,
    Effect,
    Find,
    Insert,
    Keep,
    Move,
    Replace,
    Step,
    Tidy,
    Transcribe,
    Undo,
)
from qwen_audio_agent.chat_models.named import END, ORDINALS, START, Moment, Passage
from qwen_audio_agent.chat_models.references import passages_of, phrases_of
from qwen_audio_agent.errors import InstructionError


def in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps in an order in which none changes what a later one means, near the order given.

    Raises:
        InstructionError: there is no such order.
    """
    for first, second in combinations(steps, 2):
        if _overlap(first, second):
            raise InstructionError(
                "Two of the stretches of time overlap, so I do not know whether the second counts "
                "from before or after the first edit; give one of them at a time."
            )
    waiting = list(steps)
    ordered: list[Step] = []
    while waiting:
        free = (s for s in waiting if not any(disturbs(s, o) for o in waiting if o is not s))
        step = next(free, None)
        if step is None:
            raise InstructionError(
                "Each of these edits would change what the times or counts of the other mean; "
                "give them one at a time."
            )
        waiting.remove(step)
        ordered.append(step)
    if ordered != list(steps) and any(isinstance(step.action, Undo) for step in steps):
        raise InstructionError("Which of the edits shall be undone? Give them one at a time.")
    return tuple(ordered)


def disturbs(first: Step, second: Step) -> bool:
    """Whether doing `first` would make `second` mean something else."""
    if first.audio != second.audio and first.audio and second.audio:
        return False
    if isinstance(second.action, Find | Transcribe):
        return False
    return _shifts_times(first, second) or _shifts_counts(first, second)


def _shifts_times(first: Step, second: Step) -> bool:
    """Whether a time of `second` lies behind what `first` makes longer or shorter."""
    times = [moment for moment in _moments(second) if moment not in (START, END)]
    match first.action:
        case Tidy() | Effect("tempo") | Keep() | Move() | Replace():
            return bool(times)
        case Insert(_, None):
            return any(moment.anchor == "end" for moment in times)
        case Insert(_, place) if place is not None:
            return any(_behind(moment, _first_moment(Passage(place.edge))) for moment in times)
        case Cut(passage):
            return any(_behind(moment, _first_moment(passage)) for moment in times)
    return False


def _behind(moment: Moment, edited: Moment | None) -> bool:
    """Whether an edit at `edited` (None: somewhere) moves `moment`."""
    if moment.anchor == "end":
        return edited is not None and edited.anchor == "end" and edited.seconds < moment.seconds
    return edited is None or (edited.anchor == "start" and edited.seconds < moment.seconds)


def _first_moment(passage: Passage) -> Moment | None:
    """Where a passage starts, if that is a time."""
    if passage.part == "before":
        return START
    return passage.start if isinstance(passage.start, Moment) else None


def _shifts_counts(first: Step, second: Step) -> bool:
    """Whether `first` takes an occurrence away that `second` counts."""
    if not isinstance(first.action, Cut | Move | Replace):
        return False
    return any(
        gone.text.casefold() == counted.text.casefold()
        and gone.which in ORDINALS
        and counted.which in ORDINALS
        and ORDINALS.index(gone.which) < ORDINALS.index(counted.which)
        for gone in phrases_of(first.action)
        for counted in phrases_of(second.action)
    )


def _moments(step: Step) -> list[Moment]:
    return [
        edge
        for passage in passages_of(step.action)
        for edge in (passage.start, passage.end)
        if isinstance(edge, Moment)
    ]


def _overlap(first: Step, second: Step) -> bool:
    """Whether two steps change the length of stretches that share some time."""
    if first.audio != second.audio and first.audio and second.audio:
        return False
    match first.action, second.action:
        case ((Cut(one) | Keep(one)), (Cut(other) | Keep(other))):
            here, there = _seconds(one), _seconds(other)
            if here is None or there is None:
                return False
            if isinstance(first.action, Keep) or isinstance(second.action, Keep):
                return True
            return here[0] < there[1] and there[0] < here[1]
    return False


def _seconds(passage: Passage) -> tuple[float, float] | None:
    """Start and end in seconds, on a line whose end is far away; None unless both are times."""
    far = 1e9
    match passage:
        case Passage(Moment() as start, Moment() as end):
            first, last = (
                far - edge.seconds if edge.anchor == "end" else edge.seconds
                for edge in (start, end)
            )
            return first, last
    return None

"""Passages: words, or a stretch between words or times (grammar/stretches.lark)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.named import (
    END,
    START,
    Beside,
    Edge,
    Moment,
    Passage,
    Pause,
    Phrase,
    Share,
)
from qwen_audio_agent.chat_models.reading.times import Bare, Length, moment_of, same_unit
from qwen_audio_agent.errors import InstructionError


def stretch(start: Any, end: Any) -> Passage:
    """From one edge to another.

    Raises:
        InstructionError: the end is not after the start, or a unit is missing.
    """
    first, last = same_unit(start, end)
    if isinstance(first, Moment) and isinstance(last, Moment) and first.anchor == last.anchor:
        backwards = first.anchor == "end"
        if (first.seconds <= last.seconds) if backwards else (first.seconds >= last.seconds):
            raise InstructionError(
                f"The stretch would start at {first.seconds:g} s and end at {last.seconds:g} s; "
                "the end must come after the start."
            )
    return Passage(first, last)


def all_after(edge: Any) -> Passage:
    """Everything after an edge."""
    place = moment_of(edge)
    return stretch(place, END) if isinstance(place, Moment) else Passage(place, part="after")


def all_before(edge: Any) -> Passage:
    """Everything before an edge."""
    place = moment_of(edge)
    return stretch(START, place) if isinstance(place, Moment) else Passage(place, part="before")


def first_part(length: Length) -> Passage:
    """The first seconds."""
    return stretch(START, length)


def last_part(length: Length) -> Passage:
    """The last seconds."""
    return stretch(Moment(length.seconds, "end"), END)


def length_from(start: Any, length: Length) -> Passage:
    """So many seconds from a time on.

    Raises:
        InstructionError: it starts at words, or is counted from the end.
    """
    moment = moment_of(start)
    if not isinstance(moment, Moment) or moment.anchor == "end":
        raise InstructionError(
            "I can count a length from a time only; say until which word it goes, "
            "or give both times."
        )
    return stretch(moment, Moment(round(moment.seconds + length.seconds, 6)))


@v_args(inline=True)
class Stretches(Transformer[Token, Any]):
    """What the rules of grammar/stretches.lark mean."""

    def edge(self, value: Any) -> Any:
        return value

    def words(self, edge: Edge) -> Passage:
        return Passage(edge)

    def passage(self, passage: Passage) -> Passage:
        return passage

    def stretch_told(self, *told: Any) -> Passage:
        """ "A cough from 3 to 5 s": what is told of it changes nothing."""
        passage: Passage = told[-1]
        return passage

    another_one = words
    plain_words = words
    quoted_passage = words
    solid = passage
    sure = passage
    known_passage = passage
    named = passage

    def from_to(self, start: Any, end: Any) -> Passage:
        return stretch(start, end)

    def until(self, start: Any, end: Any) -> Passage:
        """From the start up to words, they stay; between two phrases both are meant."""
        if start == START and not isinstance(moment_of(end), Moment):
            return Passage(end, part="before")
        return stretch(start, end)

    def seconds_to(self, start: float, end: float) -> Passage:
        return stretch(Bare(start), Bare(end))

    def minutes_to(self, start: float, end: float) -> Passage:
        return stretch(Length(start * 60, 60), Length(end * 60, 60))

    def between(self, start: Any, end: Any) -> Passage:
        passage = stretch(start, end)
        both_times = isinstance(passage.start, Moment) and isinstance(passage.end, Moment)
        return passage if both_times else replace(passage, between=True)

    def from_on(self, edge: Any) -> Passage:
        return stretch(edge, END)

    def all_to(self, edge: Any) -> Passage:
        return stretch(START, edge)

    def from_for(self, start: Any, length: Length) -> Passage:
        return length_from(start, length)

    def for_from(self, length: Length, start: Any) -> Passage:
        if start == END:
            return last_part(length)
        return self.from_for(start, length)

    def beside_before(self, length: Length, edge: Phrase | Pause) -> Passage:
        """ "The half second before X"."""
        return Passage(Beside("before", edge, length.seconds), Beside("before", edge))

    def beside_after(self, length: Length, edge: Phrase | Pause) -> Passage:
        return Passage(Beside("after", edge), Beside("after", edge, length.seconds))

    def for_until(self, length: Length, end: Any) -> Passage:
        """The length before a moment."""
        moment = moment_of(end)
        if moment == END:
            return last_part(length)
        if not isinstance(moment, Moment) or moment.anchor == "end":
            raise InstructionError("I can count a length back from a time only; give both times.")
        if moment.seconds < length.seconds:
            raise InstructionError(
                f"There are no {length.seconds:g} s before {moment.seconds:g} s."
            )
        return stretch(Moment(round(moment.seconds - length.seconds, 6)), moment)

    def ends(self, first: Length, last: Length | float) -> list[Passage]:
        """Both ends of the recording; a bare number has the unit of the other."""
        if not isinstance(last, Length):
            if first.unit is None:
                raise InstructionError(f"Write {last:g} with its unit.")
            last = Length(last * first.unit, first.unit)
        return [first_part(first), last_part(last)]

    def same_ends(self, length: Length) -> list[Passage]:
        return self.ends(length, length)

    def ends_turned(self, first: float, last: Length) -> list[Passage]:
        if last.unit is None:
            raise InstructionError(f"Write {first:g} with its unit.")
        return self.ends(Length(first * last.unit, last.unit), last)

    def all_after(self, edge: Any) -> Passage:
        return all_after(edge)

    def all_before(self, edge: Any) -> Passage:
        return all_before(edge)

    def first_length(self, length: Length) -> Passage:
        return first_part(length)

    def last_length(self, length: Length) -> Passage:
        return last_part(length)

    def same_stretch(self, passage: Passage) -> Passage:
        return passage

    def first_share(self, share: float) -> Passage:
        return Passage(START, Share(share))

    def last_share(self, share: float) -> Passage:
        return Passage(Share(1 - share), END)

    def second_half(self) -> Passage:
        return self.last_share(0.5)

    def middle_third(self) -> Passage:
        return Passage(Share(1 / 3), Share(2 / 3))

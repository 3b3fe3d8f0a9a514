"""Numbers, lengths and points in time (grammar/times.lark)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.named import END, START, Moment
from qwen_audio_agent.chat_models.sentence import SECONDS_OF
from qwen_audio_agent.errors import InstructionError


@dataclass(frozen=True, slots=True)
class Length:
    """A length in seconds; `unit`: of its number, in seconds, None for several ("1:30")."""

    seconds: float
    unit: float | None = None


@dataclass(frozen=True, slots=True)
class Bare:
    """A number without a unit where a time is expected."""

    value: float


def moment_of(value: Any) -> Any:
    """A moment from a length or a bare number of seconds; anything else unchanged."""
    match value:
        case Length(seconds):
            return Moment(_tidy(seconds))
        case Bare(number):
            return Moment(_tidy(number))
    return value


def same_unit(start: Any, end: Any) -> tuple[Any, Any]:
    """The two ends of a stretch; a bare number takes the unit of the other: "from 1 to 2 minutes".

    Raises:
        InstructionError: the other has no one unit.
    """
    match start, end:
        case Bare(number), Length(_, unit):
            return moment_of(Length(number * _known(unit, number), unit)), moment_of(end)
        case Length(_, unit), Bare(number) if unit is None or unit >= 1:
            return moment_of(start), moment_of(
                Length(number * _known(unit, number, same=1.0), unit)
            )
    return moment_of(start), moment_of(end)


def _known(unit: float | None, number: float, same: float | None = None) -> float:
    if unit is None or (same is not None and unit != same):
        raise InstructionError(
            f"I do not know whether {number:g} means seconds or minutes there; "
            f'write it with its unit, such as "{number:g} s" or "{number:g} min".'
        )
    return unit


def _tidy(seconds: float) -> float:
    """A time without the dust of binary arithmetic, to a microsecond."""
    return round(seconds, 6)


@v_args(inline=True)
class Times(Transformer[Token, Any]):
    """What the rules of grammar/times.lark mean."""

    def number(self, token: Token) -> float:
        return float(token.value.value)

    def one(self) -> float:
        return 1.0

    def and_half(self, *tokens: Token) -> float:
        """ "Three and a half"; "one and a half" has no token of its number."""
        return (float(tokens[0].value.value) if tokens else 1.0) + 0.5

    def zero(self) -> float:
        return 0.0

    def minus(self, token: Token) -> float:
        return -float(token.value.value)

    def clock(self, token: Token) -> Length:
        text, seconds = token.value.text.lower(), token.value.value
        single = re.fullmatch(r"[\d.]+([a-z]+)", text)
        return Length(seconds, SECONDS_OF[single[1]] if single else None)

    def clocks(self, minutes: Token, seconds: Token) -> Length:
        """ "1m 5s"."""
        long, short = self.clock(minutes), self.clock(seconds)
        if long.unit is None or short.unit is None or long.unit <= short.unit:
            raise InstructionError(
                f'I do not know what time "{minutes.value.text} {seconds.value.text}" is.'
            )
        return Length(long.seconds + short.seconds)

    def seconds(self, number: float) -> Length:
        return Length(number, 1.0)

    def minutes(self, number: float) -> Length:
        return Length(number * 60, 60.0)

    def hours(self, number: float) -> Length:
        return Length(number * 3600, 3600.0)

    def milliseconds(self, number: float) -> Length:
        return Length(number / 1000, 0.001)

    def minutes_seconds(self, minutes: float, seconds: float) -> Length:
        return Length(minutes * 60 + seconds)

    def hours_minutes(self, hours: float, minutes: float) -> Length:
        return Length(hours * 3600 + minutes * 60)

    def length(self, length: Length) -> Length:
        return length

    def half(self) -> float:
        return 0.5

    def quarter(self) -> float:
        return 0.25

    def quarters(self, number: float) -> float:
        return number / 4

    def a_third(self) -> float:
        return 1 / 3

    def thirds(self, number: float) -> float:
        return number / 3

    def seconds_more(self, number: float, fraction: float) -> Length:
        return Length(_tidy(number + fraction), 1.0)

    def minutes_more(self, number: float, fraction: float) -> Length:
        return Length(_tidy((number + fraction) * 60), 60.0)

    def second_more(self, fraction: float) -> Length:
        return self.seconds_more(1.0, fraction)

    def minute_more(self, fraction: float) -> Length:
        return self.minutes_more(1.0, fraction)

    def second_part(self, fraction: float) -> Length:
        return Length(_tidy(fraction))

    def minute_part(self, fraction: float) -> Length:
        return Length(_tidy(fraction * 60))

    def hour_part(self, fraction: float) -> Length:
        return Length(_tidy(fraction * 3600))

    def half_hour(self) -> Length:
        return Length(1800.0)

    def a_minute_and(self, seconds: float) -> Length:
        return Length(60 + seconds)

    def one_hour(self) -> Length:
        return Length(3600.0)

    def quarter_seconds(self, number: float) -> Length:
        return Length(_tidy(number / 4))

    def tenth_seconds(self, number: float) -> Length:
        return Length(_tidy(number / 10))

    def bare_seconds(self, number: float) -> Length:
        return Length(number, 1.0)

    def one_second(self) -> Length:
        return Length(1.0)

    def one_minute(self) -> Length:
        return Length(60.0)

    def half_second(self) -> Length:
        return Length(0.5)

    def half_minute(self) -> Length:
        return Length(30.0)

    def tenth_second(self) -> Length:
        return Length(0.1)

    def two_seconds(self) -> Length:
        return Length(2.0)

    def at(self, length: Length) -> Length:
        return length

    def bare(self, number: float) -> Bare:
        if number < 0:
            raise InstructionError(f"{number:g} is before the start; a time is 0 s or more.")
        return Bare(number)

    def at_second(self, number: float) -> Length:
        return Length(number, 1.0)

    def at_minute(self, number: float) -> Length:
        return Length(number * 60, 60.0)

    def at_start(self) -> Moment:
        return START

    def at_end(self) -> Moment:
        return END

    def before_end(self, length: Length) -> Moment:
        return Moment(length.seconds, "end")

"""Noise, loudness, fades, speed, the other effects and undo (grammar/level.lark)."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import (
    Denoise,
    Effect,
    Fade,
    Gain,
    Passage,
    Undo,
)
from qwen_audio_agent.chat_models.reading.times import Length
from qwen_audio_agent.errors import InstructionError

HALF_STRENGTH = 0.5
"""Strength of "a bit", "lightly", "half"."""


def _number(children: tuple[Any, ...]) -> float | None:
    """The one number among the children of a rule."""
    return next((child for child in children if isinstance(child, float)), None)


def _length(children: tuple[Any, ...]) -> float | None:
    return next((child.seconds for child in children if isinstance(child, Length)), None)


def _gain(children: tuple[Any, ...], sign: int) -> Gain:
    """A change of level; `sign`: +1 or -1 where words say the direction, 0 where a number does."""
    decibels = _number(children)
    if decibels is None:
        raise InstructionError('By how many dB? For example "3 dB louder".')
    if sign and decibels < 0:
        raise InstructionError(
            f"The words and the sign of {decibels:g} dB say opposite things; write for example "
            f'"3 dB louder" or "change the level by {decibels:g} dB".'
        )
    passage = next((child for child in children if isinstance(child, Passage)), None)
    return Gain(decibels * (sign or 1), passage)


def _tempo(factor: float, faster: bool | None = None) -> Effect:
    if (faster is True and factor <= 1) or (faster is False and factor >= 1):
        word = "faster" if faster else "slower"
        raise InstructionError(
            f"{factor:g} times the speed is not {word}; write for example "
            '"speed up to 1.25x" or "slow down to 80 %".'
        )
    return Effect("tempo", round(factor, 6))


@v_args(inline=True)
class Level(Transformer[Token, Any]):
    """What the rules of grammar/level.lark mean."""

    def half_strength(self) -> float:
        return HALF_STRENGTH

    def full_strength(self) -> float:
        return 1.0

    def percent(self, number: float) -> float:
        return self.strength_ratio(number / 100)

    def strength_ratio(self, number: float) -> float:
        if not 0 < number <= 1:
            raise InstructionError(
                f"A strength of {number:g} is not possible; it goes from 0 to 1, or to 100 %."
            )
        return number

    def denoise(self, *children: Any) -> Denoise:
        strength = _number(children)
        return Denoise() if strength is None else Denoise(strength)

    def denoise_so(self, _complaint: Denoise, denoise: Denoise) -> Denoise:
        return denoise

    def denoise_percent(self, number: float) -> Denoise:
        return Denoise(self.percent(number))

    def decibels(self, number: float) -> float:
        return number

    def the_whole(self) -> None:
        return None

    def loud_what(self, passage: Passage) -> Passage:
        return passage

    def louder(self, *children: Any) -> Gain:
        return _gain(children, 1)

    def quieter(self, *children: Any) -> Gain:
        return _gain(children, -1)

    louder_whole = louder
    quieter_whole = quieter

    def gain_signed(self, *children: Any) -> Gain:
        return _gain(children, 0)

    gain_of = gain_signed

    def signed_decibels(self, token: Token) -> float:
        return float(token.value.value)

    def loud_solid(self, passage: Passage | None) -> Passage | None:
        return passage

    def fade_in(self, *children: Any) -> Fade:
        return Fade(rise=True, fall=False, seconds=_length(children))

    def fade_out(self, *children: Any) -> Fade:
        return Fade(rise=False, fall=True, seconds=_length(children))

    def fade_both(self, *children: Any) -> Fade:
        return Fade(rise=True, fall=True, seconds=_length(children))

    def fade_in_out(self, rise: Length, fall: Length) -> list[Fade]:
        return [
            Fade(rise=True, fall=False, seconds=rise.seconds),
            Fade(rise=False, fall=True, seconds=fall.seconds),
        ]

    def lufs(self, number: float) -> float:
        if number >= 0:
            raise InstructionError(
                f"A loudness of {number:g} LUFS is not possible; speech is at -23 to -14 LUFS. "
                f"Do you mean -{abs(number):g} LUFS?"
            )
        return number

    def normalise_bare(self, token: Token) -> Effect:
        """ "Normalise to -16": a level below zero is meant in LUFS."""
        return Effect("normalize", self.lufs(float(token.value.value)))

    def fade(self, fade: Fade) -> Fade:
        return fade

    def hertz(self, number: float) -> float:
        return number

    def kilohertz(self, number: float) -> float:
        return number * 1000

    def ratio_of(self, number: float, *tokens: Token) -> float:
        if any(
            token.value.kind in ("NUMBER", "SIGNED") and token.value.value != 1 for token in tokens
        ):
            raise InstructionError(f"A ratio is written as {number:g}:1.")
        return number

    def ratio_plain(self, number: float) -> float:
        return number

    def normalise(self, *children: Any) -> Effect:
        return Effect("normalize", _number(children))

    def highpass(self, *children: Any) -> Effect:
        return Effect("highpass", _number(children))

    def compress(self, *children: Any) -> Effect:
        return Effect("compress", _number(children))

    def deess(self, *_children: Any) -> Effect:
        return Effect("deess")

    def declick(self, *_children: Any) -> Effect:
        return Effect("declick")

    def by_percent(self, number: float) -> float:
        return number

    def faster_percent(self, number: float) -> Effect:
        return _tempo(1 + number / 100, faster=True)

    faster_plain = faster_percent

    def slower_percent(self, number: float) -> Effect:
        return _tempo(1 - number / 100, faster=False)

    slower_plain = slower_percent

    def faster_to_percent(self, number: float) -> Effect:
        return _tempo(number / 100, faster=True)

    def slower_to_percent(self, number: float) -> Effect:
        return _tempo(number / 100, faster=False)

    def to_percent(self, number: float) -> Effect:
        return _tempo(number / 100)

    def faster_to(self, factor: float) -> Effect:
        return _tempo(factor, faster=True)

    def slower_to(self, factor: float) -> Effect:
        return _tempo(factor, faster=False)

    def to_factor(self, factor: float) -> Effect:
        return _tempo(factor)

    def double_speed(self) -> Effect:
        return _tempo(2.0)

    def half_speed(self) -> Effect:
        return _tempo(0.5)

    def factor(self, value: Token | float) -> float:
        return value if isinstance(value, float) else float(value.value.value)

    def factor_and_half(self, number: float) -> float:
        return number + 0.5

    def two(self) -> float:
        return 2.0

    def half_factor(self) -> float:
        return 0.5

    def tempo(self, effect: Effect) -> Effect:
        return effect

    def undo(self) -> Undo:
        return Undo()

    def undo_times(self, number: float) -> Undo:
        if number < 1 or number != int(number):
            raise InstructionError(f"{number:g} is no number of edits; undo 1 or more.")
        return Undo(int(number))

    def undo_twice(self) -> Undo:
        return Undo(2)

"""Noise, loudness and fades (grammar/noise.lark, grammar/level.lark)."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import (
    Denoise,
    Fade,
    Gain,
    Passage,
)
from qwen_audio_agent.chat_models.reading.times import Length
from qwen_audio_agent.errors import InstructionError

HALF_STRENGTH = 0.5
"""Strength of "a bit", "lightly", "half"."""


def number_among(children: tuple[Any, ...]) -> float | None:
    """The one number among the children of a rule."""
    return next((child for child in children if isinstance(child, float)), None)


def _length(children: tuple[Any, ...]) -> float | None:
    return next((child.seconds for child in children if isinstance(child, Length)), None)


def _gain(children: tuple[Any, ...], sign: int) -> Gain:
    """A change of level; `sign`: +1 or -1 where words say the direction, 0 where a number does."""
    decibels = number_among(children)
    if decibels is None:
        raise InstructionError('By how many dB? For example "3 dB louder".')
    if sign and decibels < 0:
        raise InstructionError(
            f"The words and the sign of {decibels:g} dB say opposite things; write for example "
            f'"3 dB louder" or "change the level by {decibels:g} dB".'
        )
    passage = next((child for child in children if isinstance(child, Passage)), None)
    return Gain(decibels * (sign or 1), passage)


@v_args(inline=True)
class Level(Transformer[Token, Any]):
    """What the rules of grammar/noise.lark and level.lark mean."""

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
        strength = number_among(children)
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

    def fade(self, fade: Fade) -> Fade:
        return fade

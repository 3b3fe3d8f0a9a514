"""Noise, loudness and fades (grammar/noise.lark, grammar/level.lark)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import Action, Denoise, Effect, Fade, Gain
from qwen_audio_agent.chat_models.named import It, Passage
from qwen_audio_agent.chat_models.reading.times import Length
from qwen_audio_agent.errors import InstructionError

LIGHT_STRENGTH = 0.3
"""Strength of "a bit", "lightly", "gently"."""
HALF_STRENGTH = 0.5
BIT_DECIBELS = 3.0
"""What "a bit louder" is: a change that one hears and that breaks nothing."""
TWICE_DECIBELS = 6.0
"""What "twice as loud" is: twice the amplitude."""


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


@dataclass(frozen=True, slots=True)
class Softly:
    """How strongly; `amount`: of what has no strength it cannot be said ("cut it a bit")."""

    amount: bool

    def of(self, action: Action) -> Action:
        """The action, done so.

        Raises:
            InstructionError: it has no strength.
        """
        match action:
            case Denoise(strength) if strength in (1, LIGHT_STRENGTH):
                return Denoise(LIGHT_STRENGTH)
            case Denoise():
                raise InstructionError("How strongly: a bit, or as you say first? Say it once.")
            case Effect("compress" | "deess" | "declick" | "highpass", None):
                return action
        if self.amount:
            raise InstructionError("How much is a bit of that? Give a number, or name words.")
        return action


@dataclass(frozen=True, slots=True)
class Fully:
    """ "As strongly as possible": what the tools do where nothing is said."""

    def of(self, action: Action) -> Action:
        """The action, which is done so.

        Raises:
            InstructionError: it has no strength, or another one.
        """
        match action:
            case Denoise(1.0) | Effect("compress" | "deess" | "declick" | "highpass", None):
                return action
        raise InstructionError("How strongly? Say it once, as a number.")


@v_args(inline=True)
class Level(Transformer[Token, Any]):
    """What the rules of grammar/noise.lark and level.lark mean."""

    def gently(self) -> Softly:
        return Softly(amount=False)

    def fully(self) -> Fully:
        return Fully()

    def slightly(self) -> Softly:
        return Softly(amount=True)

    def light_strength(self) -> float:
        return LIGHT_STRENGTH

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

    def denoise_so_much(self, complaint: Action, strength: float) -> Denoise:
        if complaint != Denoise():
            raise InstructionError("How much of that shall go? I can only take all of it.")
        return Denoise(strength)

    def denoise_percent(self, number: float) -> Denoise:
        return Denoise(self.percent(number))

    def decibels(self, number: float) -> float:
        return number

    def how_much(self, decibels: float) -> float:
        return decibels

    def a_bit(self) -> float:
        return BIT_DECIBELS

    def twice_as_loud(self, *children: Any) -> Gain:
        return _gain((TWICE_DECIBELS, *children), 1)

    def half_as_loud(self, *children: Any) -> Gain:
        return _gain((TWICE_DECIBELS, *children), -1)

    def changed_as(self, *children: Any) -> Gain:
        """ "Make X twice as loud"."""
        passage = next((child for child in children if isinstance(child, Passage)), None)
        (gain,) = (child for child in children if isinstance(child, Gain))
        return replace(gain, passage=passage)

    def the_whole(self) -> None:
        return None

    def loud_what(self, passage: Passage) -> Passage:
        return passage

    def louder(self, *children: Any) -> Gain:
        return _gain(children, 1)

    def quieter(self, *children: Any) -> Gain:
        return _gain(children, -1)

    def louder_whole(self, *children: Any) -> Gain:
        """ "And 2 dB louder", of what the steps before are about."""
        return replace(self.louder(*children), passage=Passage(It()))

    def louder_there(self, *children: Any) -> Gain:
        """ "Add 4 dB there": never the whole."""
        return replace(self.louder(*children), passage=Passage(It(part=True)))

    def quieter_whole(self, *children: Any) -> Gain:
        return replace(self.quieter(*children), passage=Passage(It()))

    def gain_signed(self, *children: Any) -> Gain:
        return _gain(children, 0)

    gain_of = gain_signed

    def gain_within(self, gain: Gain, passage: Passage) -> Gain:
        """ "Make it 3 dB louder from 5 to 10 s"."""
        if gain.passage not in (None, Passage(It()), Passage(It(part=True))):
            raise InstructionError("Which of the two shall change its level? Name one.")
        return replace(gain, passage=passage)

    def within_gain(self, passage: Passage, gain: Gain) -> Gain:
        """ "From 5 to 10 s, 3 dB louder"."""
        return self.gain_within(gain, passage)

    def signed_decibels(self, token: Token) -> float:
        return float(token.value.value)

    def loud_solid(self, passage: Passage | None) -> Passage | None:
        return passage

    def fade_in(self, *children: Any) -> Fade:
        return Fade(rise=True, fall=False, seconds=_length(children))

    def fade_out(self, *children: Any) -> Fade:
        return Fade(rise=False, fall=True, seconds=_length(children))

    def fade_in_bare(self, number: float) -> Fade:
        return Fade(rise=True, fall=False, seconds=number, is_bare=True)

    def fade_out_bare(self, number: float) -> Fade:
        return Fade(rise=False, fall=True, seconds=number, is_bare=True)

    def fade_both(self, *children: Any) -> Fade:
        return Fade(rise=True, fall=True, seconds=_length(children))

    def fade_in_out(self, rise: Length, fall: Length) -> list[Fade]:
        return [
            Fade(rise=True, fall=False, seconds=rise.seconds),
            Fade(rise=False, fall=True, seconds=fall.seconds),
        ]

    def fade(self, fade: Fade) -> Fade:
        return fade

"""The effects on the whole, speed and undo (grammar/effects.lark, tempo.lark, undoing.lark)."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import Action, Effect, Undo
from qwen_audio_agent.chat_models.reading.level import number_among
from qwen_audio_agent.errors import InstructionError


def _tempo(factor: float, faster: bool | None = None) -> Effect:
    if (faster is True and factor <= 1) or (faster is False and factor >= 1):
        word = "faster" if faster else "slower"
        raise InstructionError(
            f"{factor:g} times the speed is not {word}; write for example "
            '"speed up to 1.25x" or "slow down to 80 %".'
        )
    return Effect("tempo", round(factor, 6))


@v_args(inline=True)
class Effects(Transformer[Token, Any]):
    """What the rules of grammar/effects.lark, tempo.lark and undoing.lark mean."""

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

    def hertz(self, number: float) -> float:
        return number

    def kilohertz(self, number: float) -> float:
        return number * 1000

    def ratio_of(self, number: float, *tokens: Token) -> float:
        if any(
            token.value.kind in ("NUMBER", "SIGNED", "NUMWORD") and token.value.value != 1
            for token in tokens
        ):
            raise InstructionError(f"A ratio is written as {number:g}:1.")
        return number

    def ratio_plain(self, number: float) -> float:
        return number

    def normalise(self, *children: Any) -> Effect:
        return Effect("normalize", number_among(children))

    def highpass(self, *children: Any) -> Effect:
        return Effect("highpass", number_among(children))

    def compress(self, *children: Any) -> Effect:
        return Effect("compress", number_among(children))

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

    def wanted_sound(self, action: Action) -> Action:
        """ "I want the rumble below 80 Hz cut off"."""
        return action

    def at_last(self, action: Action) -> Action:
        """ "At the end normalise it"."""
        return action

    def tempo(self, effect: Effect) -> Effect:
        return effect

    def undo(self, *again: Undo) -> Undo:
        return again[0] if again else Undo()

    def undo_times(self, number: float) -> Undo:
        if number < 1 or number != int(number):
            raise InstructionError(f"{number:g} is no number of edits; undo 1 or more.")
        return Undo(int(number))

    def undo_twice(self) -> Undo:
        return Undo(2)

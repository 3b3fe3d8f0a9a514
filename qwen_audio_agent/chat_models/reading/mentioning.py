"""What is only named, for a later "it" (grammar/mentioning.lark)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import (
    Action,
    Again,
    Cut,
    Denoise,
    Effect,
    Fill,
    Insert,
    Join,
    Keep,
    Mention,
    Move,
    Replace,
    Silence,
    Tidy,
)
from qwen_audio_agent.chat_models.named import It, Near, Passage, Phrase
from qwen_audio_agent.chat_models.reading.choosing import Chosen
from qwen_audio_agent.errors import InstructionError

_OF_DOING = frozenset(
    ["do", "doing", "done", "idea", "shame", "regret", "wise", "unwise", "unfair"]
)
"""Words that judge an order rather than the recording."""


@dataclass(frozen=True, slots=True)
class Instead:
    """What shall not be done: "mute it instead of cutting it"."""

    kind: Literal["cut", "mute", "bleep"]

    def of(self, action: Action) -> Action:
        """The action, if it is another.

        Raises:
            InstructionError: it is just that.
        """
        match action:
            case Cut():
                kind = "cut"
            case Silence(_, fill):
                kind = "bleep" if fill == "bleep" else "mute"
            case _:
                return action
        if kind == self.kind:
            raise InstructionError("That says two opposite things; say only what to do.")
        return action


@dataclass(frozen=True, slots=True)
class Filling:
    """What is heard in the place of what is muted."""

    fill: Fill

    def of(self, action: Action) -> Action:
        """The action with this filling.

        Raises:
            InstructionError: it mutes nothing, or the filling is another one already.
        """
        match action:
            case Silence(_, "room"):
                return replace(action, fill=self.fill)
            case Silence(_, fill) if fill == self.fill:
                return action
        raise InstructionError("What shall be heard there? Say it once, with what to mute.")


@dataclass(frozen=True, slots=True)
class Unneeded:
    """ "We have no use for it", of what goes."""

    def of(self, action: Action) -> Action:
        """The action, if it takes something away.

        Raises:
            InstructionError: it does not.
        """
        if isinstance(action, Cut | Silence | Tidy | Denoise | Effect):
            return action
        raise InstructionError("Shall it stay or go? Say only what to do.")


@dataclass(frozen=True, slots=True)
class Length:
    """Whether the recording keeps its length: "without changing the length", "close the gap"."""

    same: bool

    def of(self, action: Action) -> Action:
        """The action, if the length is then as told.

        Raises:
            InstructionError: it is not.
        """
        longer_or_shorter = isinstance(action, Cut | Keep | Insert | Join | Tidy) or (
            isinstance(action, Effect) and action.name == "tempo"
        )
        if longer_or_shorter == self.same and not isinstance(action, Move | Replace | Mention):
            raise InstructionError(
                "A cut closes the gap, and a mute keeps the length; say which of them you mean."
            )
        return action


@v_args(inline=True)
class Mentioning(Transformer[Token, Any]):
    """What the rules of grammar/mentioning.lark mean; what is told of a thing changes nothing."""

    def aside(self, *_words: Token) -> None:
        return None

    def judged(self, *words: Token) -> None:
        """ "It's too long" tells why; "it's wrong to do that" may take the order back.

        Raises:
            InstructionError: it is said of the order itself.
        """
        if {word.value.text.lower() for word in words} & _OF_DOING:
            raise InstructionError("Shall I do it or not? Say only what to do.")

    def filled_digital(self) -> Filling:
        return Filling("digital")

    def filled_room(self) -> Filling:
        return Filling("room")

    def unneeded(self) -> Unneeded:
        return Unneeded()

    def same_length(self) -> Length:
        return Length(same=True)

    def gap_closed(self) -> Length:
        return Length(same=False)

    def instead_of_cut(self) -> Instead:
        return Instead("cut")

    def instead_of_mute(self) -> Instead:
        return Instead("mute")

    def instead_of_bleep(self) -> Instead:
        return Instead("bleep")

    def avoid_cut(self, passage: Passage) -> tuple[Mention, Instead]:
        return Mention(passage, chatter=True), Instead("cut")

    def avoid_mute(self, passage: Passage) -> tuple[Mention, Instead]:
        return Mention(passage, chatter=True), Instead("mute")

    def avoid_bleep(self, passage: Passage) -> tuple[Mention, Instead]:
        return Mention(passage, chatter=True), Instead("bleep")

    def told(self, *_words: Token) -> None:
        return None

    def mention(self, *children: Any) -> Mention:
        thing = next(child for child in children if isinstance(child, Passage | Phrase))
        return Mention(thing if isinstance(thing, Passage) else Passage(thing))

    def mention_told(self, phrase: Phrase, *_words: Token) -> Mention:
        """What is told of unquoted words may be no more than chatter."""
        return Mention(Passage(phrase), chatter=True, unsure=True)

    def mention_near(self, phrase: Phrase, near: Near) -> Mention:
        return Mention(Passage(replace(phrase, near=near)))

    def again(self, passages: list[Passage]) -> list[Action]:
        return [Again(passage) for passage in passages]

    def again_which(self, chosen: Chosen) -> Again:
        return Again(Passage(It(chosen.which, chosen.times)))

    def mention_count(self, phrase: Phrase, *told: Any) -> Mention:
        times = next((number for number in told if isinstance(number, int)), phrase.times)
        return Mention(Passage(replace(phrase, times=times)))

    def mention_every(self, phrase: Phrase) -> Mention:
        return Mention(Passage(replace(phrase, which="every")))

    def how_often(self, number: float) -> int:
        return int(number)

    def twice(self) -> int:
        return 2

    def once(self) -> int:
        return 1

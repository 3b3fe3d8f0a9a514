"""Which occurrence is meant, and words told by their number (grammar/choosing.lark)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.named import (
    ORDINALS,
    Counted,
    It,
    Near,
    Passage,
    Pause,
    Phrase,
    Several,
    Side,
    Which,
)
from qwen_audio_agent.chat_models.reading.times import Length, moment_of
from qwen_audio_agent.errors import InstructionError

_Edge = TypeVar("_Edge")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which occurrence, and how often the words are said if that is told ("both": 2)."""

    which: Which | Several
    times: int | None = None

    def of(self, edge: _Edge) -> _Edge:
        """A phrase or "it" with this choice; anything else unchanged."""
        if isinstance(edge, Phrase | It):
            return replace(edge, which=self.which, times=self.times)
        return edge


def _number(chosen: Chosen) -> int:
    """1 for the first, -1 for the last.

    Raises:
        InstructionError: it is no one occurrence.
    """
    if chosen.which == "last":
        return -1
    if isinstance(chosen.which, Several) or chosen.which not in ORDINALS:
        raise InstructionError("Which of them do you mean? Number them: the first, the second.")
    return ORDINALS.index(chosen.which) + 1


@dataclass(frozen=True, slots=True)
class ButNot:
    """Which of all stays: "cut every "hello", except the last"."""

    number: int

    def of(self, passage: Passage) -> Passage:
        """The passage without that occurrence.

        Raises:
            InstructionError: it is not about every one.
        """
        match passage:
            case Passage(Phrase(_, "every") as phrase, None, "it"):
                which = Several((self.number,), others=True)
                return replace(passage, start=replace(phrase, which=which))
        raise InstructionError('Except which? For example every "hello" but the first.')


@dataclass(frozen=True, slots=True)
class NotWhich:
    """Which occurrence stays, of an action on another: "the first, not the second"."""

    which: Which | Several

    def of(self, passage: Passage) -> Passage:
        """The same passage.

        Raises:
            InstructionError: it is that one, or not one of several.
        """
        match passage:
            case Passage(Phrase(_, which) | It(which), None, "it") if which not in (
                "only",
                "every",
                self.which,
            ) and not isinstance(which, Several):
                return passage
        raise InstructionError("Which of them do you mean? Name only that one.")


def _later(chosen: Chosen) -> int:
    """The number of a second that is surely counted as on the clock.

    Raises:
        InstructionError: it may be the start ("the first second") or is counted from the end.
    """
    number = _number(chosen)
    if number < 2:
        raise InstructionError("Give that time in seconds from the start, such as 3 s.")
    return number


_Beside = tuple[Side | None, Phrase | Pause | None]


@v_args(inline=True)
class Choosing(Transformer[Token, Any]):
    """What the rules of grammar/choosing.lark mean."""

    def first(self) -> Chosen:
        return Chosen("first")

    def second(self) -> Chosen:
        return Chosen("second")

    def third(self) -> Chosen:
        return Chosen("third")

    def fourth(self) -> Chosen:
        return Chosen("fourth")

    def fifth(self) -> Chosen:
        return Chosen("fifth")

    def last(self) -> Chosen:
        return Chosen("last")

    def every(self) -> Chosen:
        return Chosen("every")

    everywhere = every

    def both(self) -> Chosen:
        return Chosen("every", times=2)

    def all_of_them(self, number: float) -> Chosen:
        return Chosen("every", times=int(number))

    def which_one(self, chosen: Chosen) -> Chosen:
        return chosen

    def several(self, *choices: Chosen) -> Chosen:
        return Chosen(Several(tuple(_number(choice) for choice in choices)))

    def first_several(self, number: float) -> Chosen:
        return Chosen(Several(tuple(range(1, int(number) + 1))))

    def last_several(self, number: float) -> Chosen:
        return Chosen(Several(tuple(range(-int(number), 0))))

    def others(self) -> Chosen:
        return Chosen(Several(others=True))

    def but_not(self, chosen: Chosen) -> ButNot:
        return ButNot(_number(chosen))

    def not_which(self, chosen: Chosen) -> NotWhich:
        return NotWhich(chosen.which)

    def phrase_but(self, phrase: Phrase, *but: Chosen) -> Phrase:
        """ "Every "hello" but the first"."""
        if phrase.which != "every":
            raise InstructionError(
                f'Which "{phrase.text}" is that? For example every "{phrase.text}" but the first.'
            )
        return replace(phrase, which=Several(tuple(map(_number, but)), others=True))

    def nth_second(self, chosen: Chosen) -> Length:
        """ "From the 3rd second to the 5th": as on the clock, after so many seconds."""
        return Length(float(_later(chosen)), 1.0)

    def nth_minute(self, chosen: Chosen) -> Length:
        return Length(60.0 * _later(chosen), 60.0)

    def phrase_opening(self, phrase: Phrase) -> Phrase:
        return replace(phrase, near=Near("start"))

    def phrase_middle(self, phrase: Phrase) -> Phrase:
        return replace(phrase, near=Near("middle"))

    def phrase_all_but(self, chosen: Chosen, phrase: Phrase, *_plural: Token) -> Phrase:
        return replace(phrase, which=Several((_number(chosen),), others=True))

    def phrase_closing(self, phrase: Phrase) -> Phrase:
        return replace(phrase, near=Near("end"))

    def near_after(self, moment: Any) -> Near:
        return Near("after", moment_of(moment))

    def near_before(self, moment: Any) -> Near:
        return Near("before", moment_of(moment))

    def next_after(self, edge: Phrase | Pause) -> Near:
        return Near("after", edge, nearest=True)

    def next_before(self, edge: Phrase | Pause) -> Near:
        return Near("before", edge, nearest=True)

    def near_start(self) -> Near:
        return Near("start")

    def near_middle(self) -> Near:
        return Near("middle")

    def near_end(self) -> Near:
        return Near("end")

    def near_time(self, length: Length) -> Near:
        return Near("at", moment_of(length))

    def words_near(self, edge: Phrase | It, near: Near) -> Passage:
        return Passage(replace(edge, near=near))

    def words_after(self, edge: Phrase | Pause) -> tuple[Side, Phrase | Pause]:
        return "after", edge

    def words_before(self, edge: Phrase | Pause) -> tuple[Side, Phrase | Pause]:
        return "before", edge

    def nth_word(self, chosen: Chosen, near: _Beside = (None, None)) -> Counted:
        number = _number(chosen)
        return Counted(number if number < 0 else number - 1, 1, *near)

    def first_words(self, number: float, near: _Beside = (None, None)) -> Counted:
        return Counted(0, int(number), *near)

    def last_words(self, number: float, near: _Beside = (None, None)) -> Counted:
        return Counted(-int(number), int(number), *near)

    def word_near(self, near: _Beside) -> Counted:
        return self.words_beside(1, near)

    def words_beside(self, number: float, near: _Beside) -> Counted:
        return (
            self.first_words(number, near) if near[0] == "after" else self.last_words(number, near)
        )

    def counted_words(self, counted: Counted) -> Counted:
        return counted

"""From a sentence to an instruction; of what is not understood it says where, and what is near."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

from qwen_audio_agent.chat_models.clauses import orders_alone
from qwen_audio_agent.chat_models.intents import Instruction, Step
from qwen_audio_agent.chat_models.parser import NotParsed, open_parser
from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.reading import read
from qwen_audio_agent.chat_models.references import says_nothing_of_it
from qwen_audio_agent.chat_models.sentence import LEFT_OUT, split
from qwen_audio_agent.chat_models.suggestions import not_understood
from qwen_audio_agent.chat_models.typos import corrected, is_english
from qwen_audio_agent.errors import InstructionError


class NotUnderstoodError(InstructionError):
    """The words of an instruction make no sense, or two, before anything is heard."""


@lru_cache(maxsize=64)
def understand(sentence: str) -> Instruction:
    """What a sentence asks for; kept a while, because a plan is made anew for each of its steps.

    Raises:
        NotUnderstoodError: some of it is not understood, so that none of it shall be done.
        InstructionError: it makes no sense otherwise.
    """
    parser = open_parser()
    pieces = split(sentence, parser.vocabulary, parser.outside)
    if not pieces:
        raise InstructionError("What shall I do with the recording?")
    understood = True
    steps: tuple[Step, ...] = ()
    try:
        steps = _read(pieces, sentence)
    except NotParsed:
        understood = False
    others = {}
    if not understood or _holds_free_words(pieces):
        others = _other_readings(pieces, sentence)
    others.pop(steps, None)
    if understood:
        others = {meant: slips for meant, slips in others.items() if not _may_be_meant(slips)}
    if len(others) == 1 and not _may_be_meant(next(iter(others.values()))):
        ((meant, slips),) = others.items()
        return Instruction(
            meant, tuple(f'I read "{typed.text}" as "{word}".' for typed, word in slips)
        )
    if others:
        raise NotUnderstoodError(_ask_about(others))
    if not understood:
        raise NotUnderstoodError(not_understood(sentence, pieces, parser.stop(_told(pieces))))
    return Instruction(steps)


_Slips = tuple[tuple[Piece, str], ...]


def _read(pieces: Sequence[Piece], sentence: str) -> tuple[Step, ...]:
    told = _told(pieces)
    orders = orders_alone(told)
    idle: tuple[Step, ...] = ()
    for some in (told, orders) if len(orders) < len(told) else (told,):
        for start in ("start", "loose"):
            with suppress(NotParsed):
                steps = tuple(read(open_parser().parse(some, start), sentence))
                if not says_nothing_of_it(steps):
                    return steps
                idle = idle or steps
    if idle:
        return idle
    raise NotParsed


def _told(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces that change an instruction."""
    told = [piece for piece in pieces if piece.kind not in LEFT_OUT]
    return [piece for at, piece in enumerate(told) if not _floats(told, at)]


_FLOATING = ("both", "all")
_BEFORE_FLOATING = (
    "should",
    "must",
    "can",
    "could",
    "may",
    "shall",
    "to",
    "need",
    "have",
    "'ll",
    "are",
)
_BEHIND_FLOATING = (
    "be",
    "go",
    "get",
    "come",
    "disappear",
    "vanish",
    "become",
    "have",
    "need",
    "should",
    "must",
    "can",
    "want",
    "could",
    "may",
)


def _floats(told: Sequence[Piece], at: int) -> bool:
    """Whether a piece says once more that all are meant: "X and Y should both go"."""
    if told[at].kind not in _FLOATING or not 0 < at < len(told) - 1:
        return False
    before, behind = told[at - 1], told[at + 1]
    if behind.kind not in _BEHIND_FLOATING:
        return False
    return before.kind in (*_BEFORE_FLOATING, "QUOTED", "PLURAL", "WORD")


def _holds_free_words(pieces: Sequence[Piece]) -> bool:
    return any(piece.kind == "WORD" for piece in pieces)


def _other_readings(pieces: Sequence[Piece], sentence: str) -> dict[tuple[Step, ...], _Slips]:
    """What the sentence means when words are taken for slips, and which words those are."""
    readings: dict[tuple[Step, ...], _Slips] = {}
    for variant in corrected(pieces, open_parser().vocabulary):
        slips = tuple(
            (piece, other.kind)
            for piece, other in zip(pieces, variant, strict=True)
            if piece.kind != other.kind
        )
        try:
            readings.setdefault(_read(variant, sentence), slips)
        except (NotParsed, InstructionError):
            continue
    return readings


def _may_be_meant(slips: _Slips) -> bool:
    """Whether a word may be no slip, because it is English; words that change nothing may."""
    return any(is_english(typed.text) for typed, word in slips if word not in LEFT_OUT)


def _ask_about(readings: dict[tuple[Step, ...], _Slips]) -> str:
    slips = {(piece.text, word) for some in readings.values() for piece, word in some}
    questions = " or ".join(f'"{word}" for "{typed}"' for typed, word in sorted(slips))
    return (
        f"Do you mean {questions}? Write it once more, with words of the recording "
        "between quotation marks. Nothing was edited."
    )

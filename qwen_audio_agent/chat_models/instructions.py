"""From a sentence to an instruction; of what is not understood it says where, and what is near."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial

from qwen_audio_agent.chat_models.clauses import Kind, orders_alone
from qwen_audio_agent.chat_models.doubtful import is_open, said_apart, said_beside
from qwen_audio_agent.chat_models.intents import Instruction, Mention, Step
from qwen_audio_agent.chat_models.parser import NotParsed, open_parser
from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.reading import read
from qwen_audio_agent.chat_models.references import says_nothing_of_it
from qwen_audio_agent.chat_models.remarks import labelled
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
    pieces = split(sentence, open_parser().vocabulary, open_parser().outside)
    if not pieces:
        raise InstructionError("What shall I do with the recording?")
    return _understood(pieces, sentence)


def _understood(pieces: list[Piece], sentence: str) -> Instruction:
    if what := is_open(pieces):
        raise NotUnderstoodError(
            f'Does "{what}" change what I shall do? Say only what to do. Nothing was edited.'
        )
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
        raise NotUnderstoodError(
            not_understood(sentence, pieces, open_parser().stop(_told(pieces)))
        )
    return Instruction(steps)


@lru_cache(maxsize=64)
def understand_orders(sentence: str) -> Instruction | None:
    """What a sentence asks for without what it only tells; None where it tells nothing.

    Raises:
        InstructionError: what is left makes no sense.
    """
    pieces = split(sentence, open_parser().vocabulary, open_parser().outside)
    for some in list(_attempts(_told(pieces), sentence))[1:]:
        with suppress(NotParsed):
            return Instruction(tuple(read(open_parser().parse(some), sentence)))
    return None


def check_named(sentence: str, named: Sequence[str], heard: Callable[[], Sequence[str]]) -> None:
    """Make sure that what is said in a recording and stands apart is named by a step.

    Args:
        sentence: that is understood.
        named: the phrases of the steps.
        heard: gives what is said in each recording, in lower case; asked only where it matters,
            for listening takes long.

    Raises:
        InstructionError: something is not, so that it is unclear why it stands there.
    """
    pieces = split(sentence, open_parser().vocabulary, open_parser().outside)
    clauses = said_beside(_told(pieces))
    if clauses and (apart := said_apart(clauses, heard(), named)):
        raise InstructionError(
            f'What about "{apart}"? That is said in the recording: say what to do with it, '
            "or leave it out. Nothing was edited."
        )


_Slips = tuple[tuple[Piece, str], ...]


def _read(pieces: Sequence[Piece], sentence: str) -> tuple[Step, ...]:
    told = _told(pieces)
    idle: tuple[Step, ...] = ()
    for some in _attempts(told, sentence):
        for start in ("start", "loose"):
            with suppress(NotParsed):
                steps = tuple(read(open_parser().parse(some, start), sentence))
                if not says_nothing_of_it(steps):
                    return steps
                idle = idle or steps
    if idle:
        return idle
    raise NotParsed


def _attempts(told: list[Piece], sentence: str) -> Iterator[list[Piece]]:
    """The pieces, then without all that may tell something, then without what plainly does.

    Where what is told names what "it" is, there is no third.
    """
    yield told
    told = labelled(told)
    loosely = orders_alone(told, partial(_kind_of, sentence=sentence))
    if loosely != told:
        yield loosely
    plainly = orders_alone(told)
    if len(plainly) < len(told) and plainly != loosely and not any(map(_is_added, loosely)):
        yield plainly


def _is_added(piece: Piece) -> bool:
    return piece.start == piece.end and piece.kind not in (",", "STOP")


def _kind_of(pieces: Sequence[Piece], sentence: str) -> Kind:
    """What some pieces are that stand alone; what makes no sense is meant as an order."""
    try:
        steps = read(open_parser().parse(pieces), sentence)
    except NotParsed:
        return ""
    except InstructionError:
        return "order"
    return "named" if all(isinstance(step.action, Mention) for step in steps) else "order"


def _told(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces that change an instruction."""
    told = _with_would([piece for piece in pieces if piece.kind not in LEFT_OUT])
    return [piece for at, piece in enumerate(told) if not _floats(told, at)]


def _with_would(told: list[Piece]) -> list[Piece]:
    """ "I should like", "I should be grateful": the "would" of older people."""
    return [
        replace(piece, kind="would")
        if piece.kind == "should"
        and 0 < at < len(told) - 1
        and told[at - 1].kind in ("i", "we")
        and told[at + 1].kind
        in ("be", "like", "love", "prefer", "appreciate", "much", "so", "quite")
        else piece
        for at, piece in enumerate(told)
    ]


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

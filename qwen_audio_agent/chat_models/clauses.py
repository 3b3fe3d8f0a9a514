"""What people tell beside their orders, clause by clause: why, what happened, small talk.

    I talk way too slowly here, so speed it up by 15 %.     ->  speed it up by 15 %.
    I stumbled from 42 to 47.5 s, so cut that.              ->  from 42 to 47.5 s , cut that.

Only a clause that plainly tells something is left out: it says who or what it is about, holds
no word of an edit, no wish, no condition and nothing that takes an order back. Of one that tells
of a place, the place stays, for a later "that". Anything else stays as it was said, and is refused
where nobody understands it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import groupby

from qwen_audio_agent.chat_models.pieces import Piece

_SLOTS = {"QUOTED", "PLURAL", "FILE", "NUMBER", "SIGNED", "TIME", "FACTOR", "OTHER"}
_UNITS = {"s", "sec", "secs", "second", "seconds", "minute", "minutes", "min", "mins", "ms", "mark"}
_IN_PLACE = _UNITS | {
    "from",
    "to",
    "between",
    "and",
    "until",
    "till",
    "through",
    "at",
    "up",
    "a",
    "half",
}
_TELLS_NO_MORE = ("report", "edit", "block", "negation", "judging")
_MODALS = ("can", "could", "would", "will", "please")
_GREETINGS = (
    *("hi", "hey", "hello", "there", "ok", "okay", "oh", "well", "hiya", "right", "alright"),
    *("good", "morning", "afternoon", "evening"),
)
_JOINING = ("so", "and", "but", "then", "because", "since", "as", "that", "also", "plus")


@dataclass(frozen=True, slots=True)
class _Clause:
    """Some pieces, with the mark that ends them."""

    pieces: tuple[Piece, ...]
    mark: Piece | None

    @property
    def words(self) -> list[str]:
        return [piece.text.lower().replace("’", "'") for piece in self.pieces]


def orders_alone(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without the clauses that only tell something.

    Args:
        pieces: of a sentence that is not understood as it is.

    Returns:
        The same pieces where no clause can be left out; never none at all.
    """
    clauses = [part for clause in _clauses(pieces) for part in _parted(clause)]
    kept: list[_Clause] = []
    told_before = False
    for index, clause in enumerate(clauses):
        before = clauses[index - 1] if index else None
        last = index == len(clauses) - 1
        telling = _is_telling(clause, before, told_before=told_before, last=last)
        if telling and (place := _place(clause)):
            kept.append(_Clause(place, clause.mark))
        elif not telling or any(piece.kind in _SLOTS for piece in clause.pieces):
            kept.append(_without_joining(clause) if told_before or not kept else clause)
            telling = False
        told_before = telling
    if not kept or all(_is_place(clause) for clause in kept):
        return list(pieces)
    return [piece for clause in kept for piece in (*clause.pieces, clause.mark) if piece]


def _clauses(pieces: Sequence[Piece]) -> list[_Clause]:
    """Parted at commas and at the ends of sentences."""
    clauses: list[_Clause] = []
    for is_mark, group in groupby(pieces, lambda piece: piece.kind in (",", "STOP", "?")):
        some = tuple(group)
        if not is_mark:
            clauses.append(_Clause(some, None))
        elif clauses:
            clauses[-1] = replace(clauses[-1], mark=some[-1])
    return clauses


def _parted(clause: _Clause) -> list[_Clause]:
    """Parted before a reason, and before "so" or a request that follows what is told."""
    words = clause.words
    for at in range(1, len(words)):
        before, after = clause.pieces[:at], clause.pieces[at:]
        if (
            words[at] in _words("reason")
            or (
                words[at] in ("so", "and", "but")
                and (
                    (_only_tells(before) and _names_something(after))
                    or _asks(words[at + 1 : at + 5])
                    or (words[at : at + 1] == ["so"] and _orders(words, at + 1))
                )
            )
            or _tells_on(words, at)
            or _asks_on(words, at)
        ):
            return [_Clause(before, _comma(after[0])), *_parted(_Clause(after, clause.mark))]
    return [clause]


def _only_tells(before: Sequence[Piece]) -> bool:
    """Whether what stands before a joining word tells something and names nothing."""
    clause = _Clause(tuple(before), None)
    if clause.words[0] in _words("question"):
        return False
    return not any(piece.kind in _SLOTS for piece in before) and _is_telling(
        clause, None, told_before=False, last=False
    )


def _names_something(pieces: Sequence[Piece]) -> bool:
    """Whether there is something to edit, or an edit."""
    edits = _words("edit") | _words("verb") | _words("choice")
    return any(piece.kind in _SLOTS or piece.text.lower() in edits for piece in pieces)


def _orders(words: Sequence[str], at: int) -> bool:
    """Whether a verb of an edit stands there."""
    return at < len(words) and words[at] in _words("verb")


def _asks_on(words: Sequence[str], at: int) -> bool:
    """Whether a question begins there, without a comma: "... are harsh can you soften them"."""
    return words[at] in _MODALS and words[at - 1] not in _words("linking") and _asks(words[at:])


def _tells_on(words: Sequence[str], at: int) -> bool:
    """Whether something is told from there to the end, without a comma: "... he takes forever"."""
    return (
        words[at] in _words("run_on")
        and words[at - 1] not in _words("linking")
        and len(words) - at > 1
        and not set(words[at:]) & frozenset[str]().union(*map(_words, _TELLS_NO_MORE))
    )


def _comma(piece: Piece) -> Piece:
    return Piece(",", ",", piece.start, piece.start)


def _asks(words: Sequence[str]) -> bool:
    """Whether a request begins here."""
    text = " ".join(words) + " "
    return any(text.startswith(f"{request} ") for request in _words("request", lines=True))


def _is_telling(clause: _Clause, before: _Clause | None, *, told_before: bool, last: bool) -> bool:
    """Whether a clause only tells something; `told_before`: the one before it did."""
    told_apart = before is not None and before.mark is not None and before.mark.kind != ","
    pieces = [piece for piece in clause.pieces if not _of_place(piece)]
    words = [piece.text.lower().replace("’", "'") for piece in pieces]
    while words and words[0] in (*_JOINING, *_GREETINGS, *_words("reason")):
        words, pieces = words[1:], pieces[1:]
    known = set(words)
    if _is_purpose(clause):
        return True
    if clause.words[0] == "but" and not told_before:
        return False
    if not words or known & (_words("edit") | _words("block")):
        return False
    if _wishes(clause.words) and not (last and told_apart and _asks_for_itself(clause.words)):
        return False
    if (clause.mark is not None and clause.mark.kind == "?") or (
        not last and set(words[-3:]) & _words("report")
    ):
        return False
    if known & _words("negation") and known & _words("wish"):
        return False
    if known <= _words("small") or words[0] in _words("opening"):
        return True
    if told_before and words[0] in _words("going_on"):
        return not known & _words("choice")
    return _says_of_what(words, pieces)


def _is_purpose(clause: _Clause) -> bool:
    """ "To make it flow better, ...": what for; it may hold words of edits, but names nothing."""
    words = [word for word in clause.words if word not in ("in", "order", "so", "as", "just")]
    told_of = _words("block") | _words("negation") | _words("choice") | _words("report")
    return (
        len(words) > 1
        and words[0] == "to"
        and words[1] in _words("purpose_verb")
        and not set(words[2:]) & told_of
        and not any(piece.kind in _SLOTS | {"NUMWORD"} for piece in clause.pieces)
    )


def _asks_for_itself(words: Sequence[str]) -> bool:
    """ "I want to open with some gratitude": what the person means to do."""
    text = " ".join(words)
    return any(text.startswith(f"{purpose} ") for purpose in _words("purpose", lines=True))


def _wishes(words: Sequence[str]) -> bool:
    return any(_asks(words[at:]) for at in range(len(words)))


def _says_of_what(words: Sequence[str], pieces: Sequence[Piece]) -> bool:
    """Whether a clause begins with who or what it is about, and goes on with a verb."""
    if words[0] in _words("subject"):
        return len(words) > 1
    verb = next((at for at, word in enumerate(words[:6]) if word in _words("finite")), 0)
    if not verb or set(words[:verb]) & _words("object"):
        return False
    return pieces[0].kind in ("WORD", "WHOSE", "SOUND") or words[0] in _words("noun")


def _is_place(clause: _Clause) -> bool:
    return all(piece.kind in _SLOTS or piece.text.lower() in _IN_PLACE for piece in clause.pieces)


def _place(clause: _Clause) -> tuple[Piece, ...]:
    """The one place that is told of: a run of quoted words or times; empty if there is none."""
    runs = [tuple(run) for in_place, run in groupby(clause.pieces, _of_place) if in_place]
    runs = [run for run in runs if any(piece.kind in _SLOTS | {"NUMWORD"} for piece in run)]
    if len(runs) != 1 or any(piece.kind in ("FILE", "OTHER", "SIGNED") for piece in runs[0]):
        return ()
    run = runs[0]
    while run and run[-1].kind not in _SLOTS and run[-1].text.lower() not in _UNITS:
        run = run[:-1]
    while run and run[0].text.lower() in ("and", "to", "at", "up"):
        run = run[1:]
    return run


def _of_place(piece: Piece) -> bool:
    return piece.kind in _SLOTS or piece.kind == "NUMWORD" or piece.text.lower() in _IN_PLACE


def _without_joining(clause: _Clause) -> _Clause:
    pieces = clause.pieces
    while len(pieces) > 1 and pieces[0].text.lower() in ("so", "and", "but", "then"):
        pieces = pieces[1:]
    return replace(clause, pieces=pieces)


@cache
def _words(name: str, *, lines: bool = False) -> frozenset[str]:
    """A list of `grammar/telling.txt`: its words, or its lines."""
    folder = resources.files("qwen_audio_agent.chat_models") / "grammar"
    lists = (folder / "telling.txt").read_text("utf-8").split("\n# ")
    text = next(some for some in lists if some.split(":", 1)[0].strip("# \n") == name)
    _, _, body = text.partition("\n")
    return frozenset(filter(None, body.split("\n") if lines else body.split()))

"""What people tell beside their orders, clause by clause: why, what happened, small talk.

    I talk way too slowly here, so speed it up by 15 %.     ->  speed it up by 15 %.
    I stumbled from 42 to 47.5 s, so cut that.              ->  from 42 to 47.5 s , cut that.

Only a clause that plainly tells something is left out: it says who or what it is about, holds
no word of an edit, no wish, no condition and nothing that takes an order back. Of one that tells
of a place, the place stays, for a later "that". Anything else stays as it was said, and is refused
where nobody understands it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal

from qwen_audio_agent.chat_models.beginnings import (
    asks,
    asks_for_itself,
    asks_on,
    orders,
    tells_on,
    wishes,
)
from qwen_audio_agent.chat_models.clause import Clause, clauses_of
from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.remarks import (
    deliberates,
    drops_subject,
    is_doubtful_heading,
    is_errand,
    is_fine,
    is_label,
    is_purpose,
    is_spelled_out,
    judges_order,
    restates,
)
from qwen_audio_agent.chat_models.telling import (
    asks_for_assent,
    begins_reason,
    goes_on,
    is_remark,
    leads_to_request,
    refers,
    told_words,
    without_opinion,
)

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
_TOGETHER = ("be so kind", "be so good", "be so nice")
_STEMS = ("jingle", "intro", "outro", "FILE")
_GREETINGS = (
    *("hi", "hey", "hello", "there", "ok", "okay", "oh", "well", "hiya", "right", "alright"),
    *("good", "morning", "afternoon", "evening"),
)
_JOINING = ("so", "and", "but", "then", "because", "since", "as", "that", "also", "plus")


Kind = Literal["order", "named", ""]
"""What some pieces are that stand alone: an order, something that is only named, or neither."""


def orders_alone(
    pieces: Sequence[Piece], kind_of: Callable[[Sequence[Piece]], Kind] | None = None
) -> list[Piece]:
    """The pieces without the clauses that only tell something.

    Args:
        pieces: of a sentence that is not understood as it is.
        kind_of: what some pieces are that stand alone; without it, only what plainly tells
            something is left out.

    Returns:
        The same pieces where no clause can be left out; never none at all.
    """
    clauses = [part for clause in clauses_of(pieces) for part in _parted(clause)]
    kept: list[Clause] = []
    told_before = False
    for index, clause in enumerate(clauses):
        before = clauses[index - 1] if index else None
        behind = clauses[index + 1 :]
        telling = _is_telling(clause, before, told_before=told_before, last=not behind)
        telling = telling and not _may_condition(clause, behind)
        loosely = not telling and kind_of is not None and _tells_loosely(clause, behind, kind_of)
        fine = before is not None and is_fine(clause.pieces, before.pieces)
        place = _place(clause) if telling and not fine else ()
        if kind_of and (telling or loosely):
            place = () if _names_itself(behind) else place
            if not place and (named := _named(clause, behind, kind_of)):
                kept.append(named)
                told_before = True
                continue
        if (telling or loosely) and not place and _may_be_meant(clause, behind):
            telling = loosely = False
        if telling and place:
            kept.append(Clause(place, clause.mark))
        elif not loosely and (not telling or (any(map(_is_slot, clause.pieces)) and not kind_of)):
            kept.append(_without_joining(clause) if told_before or not kept else clause)
            telling = False
        told_before = telling or loosely
    if not kept or all(_is_place(clause) for clause in kept):
        return list(pieces)
    return [piece for clause in kept for piece in (*clause.pieces, clause.mark) if piece]


def _is_slot(piece: Piece) -> bool:
    return piece.kind in _SLOTS


def _tells_loosely(
    clause: Clause, behind: Sequence[Clause], kind_of: Callable[[Sequence[Piece]], Kind]
) -> bool:
    """Whether a clause is a reason or a remark, or leads to a request, and is no order itself."""
    names = any(piece.kind in _SLOTS | {"NUMWORD"} for piece in clause.pieces)
    if _takes_back(clause):
        return False
    if is_remark(clause.words, names=names):
        return True
    if not names and behind and is_label(clause.words, clause.mark) and requests(behind[0]):
        return True
    if clause.mark is not None and clause.mark.kind == "?":
        return False
    request = next((other.words for other in behind if requests(other)), None)
    if request is None or not leads_to_request(clause.words, request):
        return False
    if not names and is_spelled_out(clause.words, behind[0].words) and _names_itself(behind):
        return True
    if requests(clause) and not asks_for_itself(clause.words):
        return False
    verb = set(clause.words[1:8]) & (told_words("finite") | {"should", "must", "may", "can"})
    if (
        not without_opinion(clause.words)
        and not verb
        and clause.words[0] not in told_words("subject")
    ):
        return False
    return kind_of(clause.pieces) != "order"


def _may_condition(clause: Clause, behind: Sequence[Clause]) -> bool:
    """Whether the order behind it may hold only then: "when he complains, cut it"."""
    if clause.words[0] not in told_words("condition") or not behind:
        return False
    return not any(map(_is_slot, clause.pieces)) and requests(behind[0])


def _may_be_meant(clause: Clause, behind: Sequence[Clause]) -> bool:
    """Whether the "it" of the order behind a clause may be a part or an audio that it names."""
    if not behind or not requests(behind[0]):
        return False
    order = set(behind[0].words)
    if not order & {"it", "them", "those", "these"} or order & told_words("taking_back"):
        return False
    about = told_words("part") | set(_STEMS)
    quoted = {word for piece in clause.pieces for word in piece.text.lower().split()}
    return bool(set(clause.words) & about or quoted & set(_STEMS))


def requests(clause: Clause) -> bool:
    """Whether a clause begins as an order does."""
    words = list(clause.words)
    while len(words) > 1 and words[0] in ("so", "and", "but", "then", "also", "now", "just"):
        words = words[1:]
    return asks(words) or orders(words, 0) or (words[0] in told_words("question") - {"were"})


def _names_itself(behind: Sequence[Clause]) -> bool:
    """Whether the next order says itself what it is about."""
    order = next((other for other in behind if requests(other)), None)
    return order is not None and not refers(order.words) and any(map(_is_slot, order.pieces))


def _named(
    clause: Clause, behind: Sequence[Clause], kind_of: Callable[[Sequence[Piece]], Kind]
) -> Clause | None:
    """What a clause is about, for the "it" of the order behind it: "about X"."""
    order = next((other for other in behind if requests(other)), None)
    if order is None or not refers(order.words):
        return None
    start = without_opinion(clause.words)
    words = clause.words[start:]
    verb = next((at for at, word in enumerate(words[:9]) if word in told_words("finite")), 0)
    while verb and words[verb - 1].endswith("ly"):
        verb -= 1
    about = clause.pieces[start : start + verb]
    stems = [piece for piece in clause.pieces if piece.kind in _STEMS]
    done = set(words) & (told_words("edit") | {"already"})
    if (
        len(stems) == 1
        and not done
        and (len(about) == 1 or clause.words[0] in told_words("subject"))
    ):
        scope = Piece("in", "in", stems[0].start, stems[0].start)
        return Clause((scope, *stems), _comma(stems[0]))
    if not about or words[0] in (*told_words("subject"), "that", "this", "those"):
        return None
    if not set(words[:verb]) & told_words("part") and not any(
        _is_slot(piece) or piece.kind == "NUMWORD" for piece in about
    ):
        return None
    named = (Piece("about", "about", about[0].start, about[0].start), *about)
    return Clause(named, _comma(clause.pieces[-1])) if kind_of(named) == "named" else None


def _parted(clause: Clause) -> list[Clause]:
    """Parted before a reason, and before "so" or a request that follows what is told."""
    words = clause.words
    for at in range(1, len(words)):
        before, after = clause.pieces[:at], clause.pieces[at:]
        if (
            words[at] in told_words("reason")
            or (begins_reason(words, at) and not _places(words, after, at))
            or (
                words[at] in ("so", "and", "but")
                and " ".join(words[at - 1 : at + 2]) not in _TOGETHER
                and words[at - 1 : at + 1] not in (["nothing", "but"], ["anything", "but"])
                and (
                    (_only_tells(before) and _names_something(after))
                    or asks(words[at + 1 : at + 5])
                    or (words[at : at + 1] == ["so"] and orders(words, at + 1))
                )
            )
            or tells_on(words, at)
            or asks_on(words, at)
        ):
            return [Clause(before, _comma(after[0])), *_parted(Clause(after, clause.mark))]
    return [clause]


def _places(words: Sequence[str], after: Sequence[Piece], at: int) -> bool:
    """Whether it says where: "so that it stands before "good morning""."""
    return words[at] == "so" and any(map(_is_slot, after))


def _only_tells(before: Sequence[Piece]) -> bool:
    """Whether what stands before a joining word tells something and names nothing."""
    clause = Clause(tuple(before), None)
    if clause.words[0] in told_words("question"):
        return False
    return not any(piece.kind in _SLOTS for piece in before) and _is_telling(
        clause, None, told_before=False, last=False
    )


def _names_something(pieces: Sequence[Piece]) -> bool:
    """Whether there is something to edit, or an edit."""
    edits = told_words("edit") | told_words("verb") | told_words("choice")
    return any(piece.kind in _SLOTS or piece.text.lower() in edits for piece in pieces)


def _comma(piece: Piece) -> Piece:
    return Piece(",", ",", piece.start, piece.start)


def _is_telling(clause: Clause, before: Clause | None, *, told_before: bool, last: bool) -> bool:
    """Whether a clause only tells something; `told_before`: the one before it did."""
    told_apart = before is not None and before.mark is not None and before.mark.kind != ","
    pieces = [piece for piece in clause.pieces if not _of_place(piece)]
    words = [piece.text.lower().replace("’", "'") for piece in pieces]
    while words and words[0] in (*_JOINING, *_GREETINGS, *told_words("reason")):
        words, pieces = words[1:], pieces[1:]
    known = set(words)
    if _takes_back(clause):
        return False
    if _is_beside(clause, before) or asks_for_assent(words):
        return True
    if told_before and goes_on(words) and not any(map(_is_slot, clause.pieces)):
        return True
    if clause.words[0] == "but" and not told_before:
        return False
    if not words or known & (told_words("edit") | told_words("block")):
        return False
    if wishes(clause.words) and not (last and told_apart and asks_for_itself(clause.words)):
        return False
    if (clause.mark is not None and clause.mark.kind == "?") or (
        not last and set(words[-3:]) & told_words("report")
    ):
        return False
    if known & told_words("negation") and known & told_words("wish"):
        return False
    if known <= told_words("small") or words[0] in told_words("opening"):
        return True
    if told_before and words[0] in told_words("going_on"):
        return not known & told_words("choice")
    return _says_of_what(words, pieces)


def _takes_back(clause: Clause) -> bool:
    """Whether the order may not hold yet, or a heading may say so."""
    return deliberates(clause.words) or is_doubtful_heading(clause.words, clause.mark)


def _is_beside(clause: Clause, before: Clause | None) -> bool:
    """Whether a clause is an errand, a purpose, or a remark on the order before it."""
    words = clause.words
    slots = any(map(_is_slot, clause.pieces))
    if not slots and (is_errand(words) or (before is not None and drops_subject(words))):
        return True
    if before is not None and is_fine(clause.pieces, before.pieces):
        return True
    if before is not None and restates(words) and any(map(_is_slot, before.pieces)):
        return True
    names = slots or any(piece.kind == "NUMWORD" for piece in clause.pieces)
    return not names and is_purpose(words)


def _says_of_what(words: Sequence[str], pieces: Sequence[Piece]) -> bool:
    """Whether a clause begins with who or what it is about, and goes on with a verb."""
    if words[0] in told_words("subject"):
        return len(words) > 1 and (
            words[0] not in ("sounds", "looks", "seems") or not judges_order(words)
        )
    if words[0] == "were" and words[1:2] and words[1].endswith("ing"):
        return True  # "were running late", for "we're"
    verb = next((at for at, word in enumerate(words[:6]) if word in told_words("finite")), 0)
    if not verb or set(words[:verb]) & told_words("object"):
        return False
    return pieces[0].kind in ("WORD", "WHOSE", "SOUND") or words[0] in told_words("noun")


def _is_place(clause: Clause) -> bool:
    return all(piece.kind in _SLOTS or piece.text.lower() in _IN_PLACE for piece in clause.pieces)


def _place(clause: Clause) -> tuple[Piece, ...]:
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


def _without_joining(clause: Clause) -> Clause:
    pieces = clause.pieces
    while (
        len(pieces) > 1
        and pieces[0].text.lower() in ("so", "and", "but", "then")
        and pieces[1].text.lower() not in ("also", "then")
    ):
        pieces = pieces[1:]
    return replace(clause, pieces=pieces)

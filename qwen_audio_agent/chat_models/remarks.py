"""Remarks and lead-ins that have no subject, no verb or a number of their own.

    Cut "monday", doesn't fit the episode.         dropped subject: a remark behind an order
    I need to anonymise this, bleep "the old man". an errand: what the person must do, and why
    I need only the greeting, so keep "hello".     a wish that the order behind it spells out
    Cold open time: move "hello" to the start.     a label, ended by a colon
    Keep it, that's my quote for chapter 4.        the number of a chapter is no time

None of them is one where it holds a word of an edit, a choice, a condition or a negated wish.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.telling import told_words

_IN_FRONT = (
    "so",
    "and",
    "but",
    "i",
    "we",
    "i'm",
    "we're",
    "i've",
    "we've",
    "just",
    "still",
    "first",
    "also",
    "then",
)
_MUST = ("need", "have", "want", "got", "trying", "going", "about", "here")
_NOT_TOLD = ("edit", "block", "choice", "report", "judging", "part", "refusing")
_STEMS = ("jingle", "intro", "outro")
_CONSENT = {"approval", "permission", "decision", "consent", "clearance"}
_UNITS = (
    "s",
    "sec",
    "second",
    "seconds",
    "minute",
    "minutes",
    "db",
    "percent",
    "%",
    "times",
    "to",
    "ms",
    ":",
)


def _plain(words: Sequence[str], *besides: str) -> bool:
    """Whether none of the words makes more of it than something told."""
    lists = (*_NOT_TOLD, *besides)
    return not (set(words) - {"this", "that", "in"}) & frozenset(_STEMS).union(
        *map(told_words, lists)
    )


def drops_subject(words: Sequence[str]) -> bool:
    """Whether a clause behind an order tells of it: "doesn't fit the episode"."""
    words = _without_sense(words)
    return (
        len(words) > 1
        and words[0] in told_words("dropped")
        and _plain(words[2:], "turning", "verb", "condition")
        and _plain(words[1:2] if words[0] not in ("doesn't", "didn't") else [], "verb")
        and not set(words) & {"matter", "matters", "fine", "ok", "okay", "good", "great"}
    )


def _without_sense(words: Sequence[str]) -> list[str]:
    """Without the "no sense" that something makes."""
    at = [at for at in range(len(words) - 1) if list(words[at : at + 2]) == ["no", "sense"]]
    return [word for i, word in enumerate(words) if i not in at]


def judges_order(words: Sequence[str]) -> bool:
    """Whether it is said of the order: "sounds like a mistake"."""
    return bool(set(words) & told_words("judging") - {"this", "that", "right"})


def deliberates(words: Sequence[str]) -> bool:
    """Whether an order may not hold yet, or not at all: "I need to ask my boss"."""
    known = set(words)
    if known & _CONSENT or (known & {"wants", "want"} and known & {"kept", "back", "stay", "in"}):
        return True
    return any(
        (before == "be" and word in ("sure", "certain"))
        or (
            before in ("to", "must", "should", "will", "i'll", "we'll", "me")
            and word in told_words("deliberating")
        )
        for before, word in pairwise(words)
    )


def is_errand(words: Sequence[str]) -> bool:
    """Whether a clause says what the person must do: "I need to anonymise this"."""
    words = list(words)
    while words and words[0] in _IN_FRONT:
        words = words[1:]
    return (
        len(words) > 2
        and words[0] in _MUST
        and words[1] == "to"
        and words[2] in told_words("errand")
        and "nothing" not in words
        and _plain(words[3:], "turning", "verb", "condition", "negation")
    )


def is_spelled_out(words: Sequence[str], behind: Sequence[str]) -> bool:
    """Whether a wish is spelled out by what is behind it: "I only need X, so ..."."""
    words = [word for word in words if word not in ("only", "just", "really")]
    return (
        len(words) > 2
        and words[0] in ("i", "we")
        and words[1] in ("need", "want")
        and words[2] != "to"
        and behind[:1] == ["so"]
        and _plain(words, "turning", "verb", "negation", "named_sound")
    )


_RESTATES = re.compile(
    r"^(?:[\w'-]+ ){1,4}(?:wants?|needs?|wanted|asked for) "
    r"(?:date|name|names|day|number|address|swearing|language|mention|reference|word|words) "
    r"(?:gone|out|removed|hidden|off|cut)$"
)


def restates(words: Sequence[str]) -> bool:
    """Whether it says again what the order before it does: "the board wants the date gone"."""
    said = [word for word in words if word not in ("the", "a", "all")]
    return bool(_RESTATES.match(" ".join(said))) and _plain(
        said[:1], "verb", "negation", "condition"
    )


def is_fine(clause: Sequence[Piece], before: Sequence[Piece]) -> bool:
    """Whether it says that what is left is fine: "simply "it was a day" is ok"."""
    said = [piece for piece in clause if piece.text.lower() not in ("simply", "just", "only")]
    words = [piece.text.lower() for piece in said]
    if len(said) < 3 or said[0].kind != "QUOTED" or words[1] != "is":
        return False
    whole = " ".join(piece.text.lower() for piece in before)
    return (
        words[2] in ("ok", "okay", "fine", "enough")
        and words[0] not in whole
        and _plain(words[3:], "turning", "verb", "negation", "condition")
    )


def is_label(words: Sequence[str], mark: Piece | None) -> bool:
    """Whether it is a heading: "cold open time:", "ticket 4471,"."""
    if mark is None or not (mark.text.startswith(":") or words[0] in told_words("label")):
        return False
    if len(words) > 5 or not mark.text.startswith((":", ",", ".")):
        return False
    named = words[-1] in told_words("label") or (
        words[0] in told_words("label") and len(words) == 2
    )
    words = [word for word in words if word not in told_words("label")]
    return named and _plain(words, "turning", "verb", "negation", "condition", "unlabelled")


def is_doubtful_heading(words: Sequence[str], mark: Piece | None) -> bool:
    """Whether nouns and a colon are no label that is known: "your old job:"."""
    if mark is None or not mark.text.startswith(":") or is_label(words, mark):
        return False
    return not set(words) & (told_words("finite") | {"should", "it's", "that's", "i'm", "here's"})


def is_purpose(words: Sequence[str]) -> bool:
    """ "To make it flow better, ...": what for; it may hold words of edits, but names nothing."""
    words = [word for word in words if word not in ("in", "order", "so", "as", "just")]
    told_of = ("block", "negation", "choice", "report")
    return (
        len(words) > 1
        and words[0] == "to"
        and words[1] in told_words("purpose_verb")
        and not set(words[2:]) & frozenset[str]().union(*map(told_words, told_of))
    )


def labelled(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, in which the number of a chapter or a ticket is a word like any other."""
    made: list[Piece] = []
    for at, piece in enumerate(pieces):
        behind = pieces[at + 1].text.lower() if at + 1 < len(pieces) else ""
        before = [some for some in made if some.text != "#"][-1:]
        counted = before and before[0].text.lower() in told_words("numbered")
        if piece.text == "#" and counted:
            continue
        if piece.kind in ("NUMBER", "NUMWORD") and counted and behind not in _UNITS:
            made.append(replace(piece, kind="WORD"))
        else:
            made.append(piece)
    return made

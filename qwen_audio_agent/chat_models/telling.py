"""What only tells something beside an order: reasons, relative clauses, what leads to a request.

    Cut "monday", which is wrong anyway.                     which ...: a remark
    Normalise it, as the hall is large.                      as ...: a reason
    My neighbour knows about sound, so please denoise it.    ..., so please: what leads to it

Such a clause may hold words of edits, for it is no order by its form; nothing in it may take the
order back, put a condition on it, or say where it applies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

_FIXED = re.compile(
    r"\b(?:as if|as though|nothing but|anything but|if i may|if you ask me|as far as)\b"
)
_RELATIVE = ("which", "who", "whose", "whom")
_REASONS = (
    *("because", "since", "cos", "otherwise", "considering", "seeing", "given", "especially"),
    *("whatever", "whoever", "whereas"),
)
_HAS_NO = ("we have no", "i have no", "there is no", "it has no", "that has no", "it is no")
_PERSONS = (
    *("i", "we", "he", "she", "they", "people", "everyone", "everybody", "students", "pupils"),
    *("viewers", "listeners", "my", "our", "her", "his", "their", "all", "anyone", "beginners"),
)
_GUESSES = ("perhaps", "probably", "maybe", "presumably", "possibly", "mostly", "mainly", "poor")


@cache
def told_words(name: str, *, lines: bool = False) -> frozenset[str]:
    """A list of `grammar/telling.txt`: its words, or its lines."""
    folder = resources.files("qwen_audio_agent.chat_models") / "grammar"
    lists = (folder / "telling.txt").read_text("utf-8").split("\n# ")
    text = next(some for some in lists if some.split(":", 1)[0].strip("# \n") == name)
    _, _, body = text.partition("\n")
    return frozenset(filter(None, body.split("\n") if lines else body.split()))


def begins_reason(words: Sequence[str], at: int) -> bool:
    """Whether a reason begins there: "as the hall is large", "for it is late"."""
    word, behind = words[at], words[at + 1 :]
    if not behind:
        return False
    if word == "as" and words[max(at - 2, 0) : at][:1] == ["as"]:
        return False
    if word == "as":
        return behind[0] not in told_words("no_reason") and (
            behind[0] in told_words("of_whom") or _has_verb(behind[1:6])
        )
    if word == "for":
        return behind[0] in told_words("of_whom") and _has_verb(behind[1:4])
    if gives_purpose(words[at:]):
        return True
    return (
        word == "so"
        and behind[0] == "that"
        and len(behind) > 1
        and not set(behind) & told_words("placing")
    )


def is_remark(words: Sequence[str], *, names: bool) -> bool:
    """Whether a clause is a reason or a remark on what was said before it.

    Args:
        words: of the clause, in lower case.
        names: whether it holds quoted words, numbers or files.
    """
    words = words[1:] if words and words[0] in ("and", "but", "or") and len(words) > 2 else words
    if len(words) < 2 or set(_FIXED.sub("", " ".join(words)).split()) & told_words("turning"):
        return False
    if gives_purpose(words):
        return not names
    if words[:2] == ["so", "that"]:
        return not names and not set(words) & told_words("placing")
    negated = set(words) & told_words("negation")
    if negated and set(words) & told_words("edit"):
        return False
    if words[0] == "don't" and words[1:2] and words[1] in ("want", "like", "need"):
        return not names and not set(words) & told_words("named_sound")
    if " ".join(words[:3]) in _HAS_NO:
        return not names and not set(words) & (told_words("named_sound") | told_words("edit"))
    if words[0] in _RELATIVE and set(words) & told_words("refusing"):
        return False
    if words[0] in _RELATIVE:
        return not names and not (
            negated and set(words) & {"one", "ones", "mean", "meant", "should"}
        )
    if words[0] == "for" and words[1] in ("i", "he", "she", "it", "they", "we", "there"):
        return len(words) > 2
    return words[0] in _REASONS or begins_reason(words, 0)


def goes_on(words: Sequence[str]) -> bool:
    """Whether a clause behind what is told goes on telling: "looking for it", "poor man"."""
    if not words or words[0] in ("everything", "anything", "nothing", "something", "morning"):
        return False
    edits = told_words("edit") | told_words("block") - set(_GUESSES) | told_words("verb")
    if set(words) & (edits | told_words("negation") | told_words("choice")):
        return False
    return words[0] in _GUESSES or (words[0].endswith("ing") and len(words) > 1)


def asks_for_assent(words: Sequence[str]) -> bool:
    """Whether a clause is no more than "..., doesn't it?"."""
    return len(words) == 2 and words[0].endswith("n't") and words[1] in told_words("of_whom")


def leads_to_request(words: Sequence[str], request: Sequence[str] = ()) -> bool:
    """Whether a clause that says of what it is may lead to the request behind it."""
    known = set(_FIXED.sub("", " ".join(words)).split())
    if set(request) & told_words("taking_back"):
        return not known & {"if", "unless"}
    if words[0] in told_words("condition"):
        return False
    if known & (told_words("turning") - {"but"}) or known & {"or", "maybe", "whether", "unsure"}:
        return False
    if known & told_words("negation") and known & told_words("edit"):
        return False
    return not known & {"mind", "decided", "undecided", "tell", "wait", "forget", "ignore", "hold"}


def without_opinion(words: Sequence[str]) -> int:
    """How many words at the front say only that somebody thinks so: "but I do think that"."""
    at = 0
    while at < len(words) - 1 and words[at] in told_words("opinion"):
        at += 1
    return at


def refers(words: Sequence[str]) -> bool:
    """Whether a clause is about what was named before it."""
    return bool(set(words) & told_words("pronoun"))


def gives_purpose(words: Sequence[str]) -> bool:
    """Whether it is "so I can transcribe it": what the person will do then."""
    modal = next((at for at, word in enumerate(words[:6]) if word in ("can", "could")), 0)
    if modal < 2 or words[0] != "so" or words[1] not in _PERSONS:
        return False
    if set(words[:modal]) & (told_words("verb") | told_words("edit") | {"you", "we"} - {words[1]}):
        return False
    words = [*words[:2], *words[modal:]]
    return (
        len(words) > 3
        and (words[3] == "transcribe" or not {words[3]} & (told_words("edit") | told_words("verb")))
        and not set(words[3:]) & _no_purpose()
        and not set(words[4:]) & (told_words("verb") | told_words("edit") | {"and", "then"})
    )


@cache
def _no_purpose() -> frozenset[str]:
    return frozenset().union(*map(told_words, ("block", "choice", "turning", "negation")))


def _has_verb(words: Sequence[str]) -> bool:
    return bool(set(words) & (told_words("finite") | {"can", "would", "should", "shall", "may"}))

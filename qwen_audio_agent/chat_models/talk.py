"""Talk around an order: clauses that cannot change what it means, told by their form.

    Bear with me, I'm new. Cut "monday".                 a courtesy, and a subject with its verb
    Bit chilly in Cork today! Cut "monday".              a few words without a verb, in front
    Cut "monday", my co-host mixed up the days.          who did what, behind

A clause is talk where it is one of these three and nothing in it bears on an order: no word of an
edit, a part of the recording, a choice, a wish, a duty, a doubt, a condition or a correction; no
number, no quotation and no word that is said in the recording; no negation but of what people can
or like; no praise for what an order may take away; and nothing that was said or done about "it".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.telling import told_words
from qwen_audio_agent.chat_models.typos import is_english, one_slip_apart

_SLOTS = {"QUOTED", "PLURAL", "FILE", "SIGNED", "TIME", "FACTOR", "OTHER", "NUMBER", "NUMWORD"}
_BEARING = ("bearing", "block", "edit", "turning", "part", "taking_back")
_DOING = {"do", "does", "did", "done", "doing", "ask", "asked", "asks", "asking", "discuss"}
_FUTURE = {"will", "going", "i'll", "we'll", "he'll", "she'll", "they'll", "would", "could", "can"}
_NEGATIONS = {"not", "no", "never", "none", "nor"}
_ABLE = {"can", "can't", "cannot", "could", "couldn't", "don't", "doesn't", "didn't", "never"}
_PERSONS = {"i", "we", "he", "she", "they", "i'm", "we're", "he's", "she's", "they're"}
_LONGEST_FRAGMENT = 8
_IDLE = re.compile(
    r"\ba (?:little )?bit (?!where|that|about|with|before|after|of)|^(?:little )?bit of |\bat all$|"
    r"\bafter all$|\bno idea\b|^sorry if (?=i\b|i'm\b|my\b)|\b(?:night|day|late|early) shift\b"
)
"""Idioms of which a word would bear on an order if it stood alone."""
_SOON = re.compile(r"\bin \S+ (?:minutes?|mins|hours?)$")
_COMPARED = re.compile(r"\b(?:sound|look|feel|felt|seem)(?:s|ed)? (?:more )?like\b")


def is_talk(pieces: Sequence[Piece], *, front: bool, told_before: bool, headed: bool) -> bool:
    """Whether a clause is talk.

    Args:
        pieces: of the clause.
        front: whether no order stands before it.
        told_before: whether the clause before it is talk too.
        headed: whether a colon ends it, so that it may be a heading of the order behind it.
    """
    pieces = _without_discourse(pieces)
    words = _words(pieces)
    if not words:
        return True
    if any(_is_slot(pieces, at) for at in range(len(pieces))):
        return False
    if bears_on_order(pieces) or _praises(words, front=front):
        return False
    if any(_is_slip(piece) for piece in pieces):
        return False
    if is_social(words):
        return True
    if words[0] in told_words("question") or (headed and _reports(words)):
        return False
    if has_subject(words):
        return True
    return ((front and not headed) or told_before) and _is_fragment(pieces)


def bears_on_order(pieces: Sequence[Piece]) -> bool:
    """Whether something in a clause may change what an order beside it means."""
    pieces = _without_idioms(pieces)
    words = _words(pieces)
    known = set(words)
    if not words:
        return False
    if known & _list(*_BEARING) - _list("willing", "counting"):
        return True
    if set(words[:1]) & (told_words("condition") | told_words("willing")):
        return True
    if any(_chooses(pieces, at) for at in range(len(words))) or _negates(words):
        return True
    if any(_tells_order(words, at) for at in range(len(words))):
        return True
    refers = bool(known & told_words("referring"))
    if known & _DOING and refers:
        return True
    if known & _FUTURE and known & (told_words("referring") - {"this"}):
        return True
    if words[0] in ("it's", "that's", "it", "that") and known & told_words("where"):
        return True
    return words[0] in ("you", "you'll", "you'd", "your", "we") and bool(
        known & ({"can", "could", "will", "may", "have", "you'll", "you'd"})
        and not known & {"hear", "imagine", "tell", "had", "been", "a"}
    )


def _without_idioms(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces without the first idiom of which a word means nothing here, then the next."""
    words = _words(pieces)
    text = " ".join(words)
    idioms = [*_IDLE.finditer(text)]
    if words and words[0] in _PERSONS | {"my", "our"}:
        idioms += _SOON.finditer(text)
    if not idioms:
        return pieces
    first = text[: idioms[0].start()].count(" ")
    last = first + len(idioms[0].group().split())
    return _without_idioms([*pieces[:first], *pieces[last:]])


def has_subject(words: Sequence[str]) -> bool:
    """Whether a clause says who or what does something: "my co-host mixed up the days"."""
    if words[0] in told_words("pronoun_subject"):
        return len(words) > 1
    if words[0] in told_words("verb") or words[0].endswith("ing"):
        return False
    return any(_is_finite(words, at) for at in range(1, min(len(words), 7)))


def _is_finite(words: Sequence[str], at: int) -> bool:
    """Whether a verb with its subject before it stands there; one that is unknown, by its form."""
    word = words[at]
    if words[at - 1].endswith("'s") and at < 4 and word in told_words("following_is"):
        return True
    if word in told_words("irregular") | told_words("finite"):
        return True
    if word.endswith("ed") and len(word) > 4:
        return True
    return (
        word.endswith("s")
        and len(word) > 4
        and at + (len(words) > at + 1) > 1
        and (not word.endswith(("ss", "'s", "ous", "us", "ings")))
    )


def _is_fragment(pieces: Sequence[Piece]) -> bool:
    """Whether it is a few words, none of which is of an edit: "bit chilly in Cork today"."""
    words = _words(pieces)
    if len(words) > _LONGEST_FRAGMENT or words[0] in _list("scoping", "verb", "imperative"):
        return False
    return not any(word.endswith("ly") for word in words[:1]) and not (
        set(words) & told_words("referring")
    )


def is_social(words: Sequence[str]) -> bool:
    """Whether it is a courtesy, or a form of address: "bear with me", "sweetheart"."""
    if len(words) < 3 and set(words) <= told_words("vocative") | {"my", "old"}:
        return True
    text = " ".join(words) + " "
    return any(text.startswith(f"{some} ") for some in told_words("social", lines=True))


def _chooses(pieces: Sequence[Piece], at: int) -> bool:
    """Whether a word chooses among things of the recording: not "my first time"."""
    if pieces[at].text.lower() not in told_words("choice"):
        return False
    behind = pieces[at + 1] if at + 1 < len(pieces) else None
    if behind is None:
        return pieces[at].text.lower() != "all" or pieces[at - 1].text.lower() not in (
            "at",
            "after",
        )
    return behind.kind not in ("WORD", "WHOSE") and behind.text.lower() not in told_words(
        "harmless"
    )


def _negates(words: Sequence[str]) -> bool:
    """Whether a negation may turn the order: all but "I can't hear a thing", "no rush"."""
    negations = (
        at
        for at, word in enumerate(words)
        if word in _NEGATIONS or word.endswith("n't") or word == "cannot"
    )
    return not all(_is_harmless(words, at) for at in negations)


def _is_harmless(words: Sequence[str], at: int) -> bool:
    """Whether a negation there says only what somebody is not, has not or can not do."""
    word, known = words[at], set(words)
    behind = next(
        (w for w in words[at + 1 :] if not w.endswith("ly") and w not in ("even", "ever")), ""
    )
    if not behind or behind == "believe":
        return bool(behind)
    if word == "no" and behind not in told_words("referring"):
        return not known & {"it", "them"}
    refers = known & (told_words("referring") | {"it's", "that's"})
    if word in ("not", "isn't", "wasn't", "aren't") and behind in told_words("being"):
        return not refers
    if set(words[at:]) & (told_words("referring") - {"this"}):
        return False
    if word == "never" and words[0] in ("i", "we", "i've", "we've"):
        return behind.endswith("ed") or behind in ("got", "had", "knew", "understood", "been")
    return word in _ABLE and behind in told_words("asserting")


def _tells_order(words: Sequence[str], at: int) -> bool:
    """Whether it tells what somebody asked for: "he said no", "it says here"."""
    if words[at] not in told_words("report") | told_words("told"):
        return False
    if words[at] not in told_words("told"):
        return True
    behind = words[at + 1 :]
    if len(behind) < 2:
        return True
    return behind[0] in told_words("not_said") and not (
        behind[0] in ("it", "this", "that") and behind[1] not in told_words("scoping")
    )


def _reports(words: Sequence[str]) -> bool:
    return bool(set(words) & (told_words("told") | told_words("report")))


def _praises(words: Sequence[str], *, front: bool) -> bool:
    """Whether it praises what an order may take away: "everyone loves it"."""
    compared = _COMPARED.sub("", " ".join(words)).split()
    praise = [at for at, word in enumerate(compared) if word in told_words("approving")]
    if not praise:
        return False
    if set(words) & (told_words("referring") - {"this"}):
        return True
    if front or is_social(words) or words[0] in ("you're", "you", "have"):
        return False
    likes = compared[praise[0]].startswith(("lov", "lik", "ador", "enjoy"))
    return words[0] not in _PERSONS or (likes and compared[praise[0] + 1 :][:1] != ["you"])


def _is_slip(piece: Piece) -> bool:
    """Whether a word may be a slip for one that bears on an order: "mtue"."""
    word = piece.text.lower()
    if piece.kind != "WORD" or len(word) < 3 or not word.isalpha() or is_english(word):
        return False
    return any(one_slip_apart(word, known) for known in _list(*_BEARING, "verb", "choice"))


def _is_slot(pieces: Sequence[Piece], at: int) -> bool:
    """Whether it names something; the number of years or people is none."""
    if pieces[at].kind not in _SLOTS:
        return False
    if pieces[at].kind not in ("NUMBER", "NUMWORD"):
        return True
    words = _words(pieces)
    behind = pieces[at + 1] if at + 1 < len(pieces) else None
    before = words[at - 1] if at else ""
    if before in ("from", "in", "since") and 1900 <= pieces[at].value < 2100:
        return False
    if words[0] in _PERSONS | {"my", "our"} and before in ("is", "i'm", "he's", "she's", "turned"):
        return behind is not None and behind.text.lower() != "and"
    if words[0] in _PERSONS | {"my", "our", "and"} and before == "in":
        return behind is None
    return behind is None or not (
        behind.kind == "WORD" or behind.text.lower() in told_words("harmless")
    )


def _without_discourse(pieces: Sequence[Piece]) -> Sequence[Piece]:
    while pieces and pieces[0].text.lower() in told_words("discourse"):
        if len(pieces) > 1 and pieces[0].text.lower() == "dear" and pieces[1].kind != "WORD":
            break
        pieces = pieces[1:]
    return pieces


def _words(pieces: Sequence[Piece]) -> list[str]:
    return [piece.text.lower().replace("’", "'") for piece in pieces]


@cache
def _list(*names: str) -> frozenset[str]:
    return frozenset().union(*map(told_words, names))


def is_said(words: Sequence[str], said: Sequence[str]) -> bool:
    """Whether some of the words are said in a recording in a row, slips of the keyboard included.

    Args:
        words: of a clause.
        said: the words of each recording, in a row, in lower case.
    """
    length = len(words) if is_social(words) else min(3, len(words))
    for transcript in said:
        spoken = re.findall(r"[\w']+", transcript)
        for at in range(len(spoken) - length + 1):
            row = spoken[at : at + length]
            for start in range(len(words) - length + 1):
                if all(map(alike, words[start : start + length], row)):
                    return True
    return False


def alike(typed: str, spoken: str) -> bool:
    """Whether a word is one that is said, or a slip of the keyboard for it."""
    return typed == spoken or (
        len(typed) > 3 and one_slip_apart(typed, spoken) and not is_english(typed)
    )

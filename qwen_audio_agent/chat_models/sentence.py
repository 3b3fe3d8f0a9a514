"""From a sentence to its pieces: words, numbers, times, quoted phrases, file names.

What is inside quotation marks becomes one piece that nothing later looks into: it is data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from qwen_audio_agent.chat_models.pieces import Piece, join_number_words
from qwen_audio_agent.chat_models.spelling import spelled_out
from qwen_audio_agent.errors import InstructionError

MAX_CHARACTERS = 2000
MAX_PIECES = 300

KINDS = (
    "QUOTED", "PLURAL", "WHOSE", "FILE", "NUMBER", "SIGNED", "NUMWORD", "TIME", "FACTOR",
    "WORD", "SOUND", "UNSAID", "STOP", "OTHER",
)  # fmt: skip
"""Pieces that are no fixed words of the grammar."""

LEFT_OUT = ("the", "please", "pls", "plz", "kindly", "really", "very")
"""Words that change no instruction."""

# Each opening mark with the marks that may close it.
_QUOTES = {
    '"': '"”“',
    "“": '”"“',
    "„": '“”"',
    "”": '”"',
    "«": "»",
    "»": "«",
    "‹": "›",
    "「": "」",
    "『": "』",
    "`": "`´",
    "‘": "’'",
    "'": "'’",
}
_MAY_BE_APOSTROPHE = "'‘’"
_SUFFIXES = (
    "wave?|flac|mp3|ogg|oga|opus|m4[ab]|mp4|aac|webm|aif[fc]?|au|caf|mk[av]|mov|wma|w64|rf64"
)
SECONDS_OF = {
    "h": 3600.0,
    "m": 60.0,
    "min": 60.0,
    "mins": 60.0,
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "ms": 0.001,
}

_UNITS = "ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|db|decibels?|x|hz|khz|lufs|percent|times"

_PATTERNS = re.compile(
    rf"""
      (?P<FILE>[^\s"'“”«»,;]*[^\s"'“”«»,;.]\.(?:{_SUFFIXES})(?!\w|\.\w))
    | (?P<BULLET>(?:^|(?<=\n))[ \t]*(?:(?:step[ ]?)?\d{{1,2}}[.):]|[-*•])[ \t]+
        |(?<=\s)\d{{1,2}}\)[ \t]+)
    | (?P<SIGN>(?:\bt\s*)?[=@]\s*(?=[-+]?[\d.])|[<>]\s*(?=\d)|≥\s*(?=\d))
    | (?P<CALL>\[\[|(?<=\w)\((?!e?s\)))
    | (?P<CLOCK>\d+(?::[0-5]\d){{1,2}}(?:[.,]\d+)?(?!\d|:\d))
    | (?P<COMMA>[-+−]?\d+,\d{{1,2}}(?=\s*(?:{_UNITS})(?![^\W\d_])|\s*%))
    | (?P<MINUTES>\d+m[0-5]\d(?:\.\d+)?(?![\w.]))
    | (?P<LENGTH>(?:\d+(?:\.\d+)?|\.\d+)(?:ms|mins?|m(?=\d|\b)|secs?|s|h)
        (?:\d+(?:\.\d+)?(?:mins?|m|secs?|s))*(?![^\W\d_]))
    | (?P<LEVEL>\b[ABC][12]\b(?=[ ][^\W\d_]))
    | (?P<ORDINAL>\d+(?:st|nd|rd|th)\b)
    | (?P<FACTOR>(?:\d+(?:\.\d+)?|\.\d+)[x×](?![^\W_])|[x×]\d+(?:\.\d+)?)
    | (?P<NUMBER>(?:(?<![^\s(=])[-+−])?(?:\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?|\.\d+))
    | (?P<PLURAL>(?<=[^\W\d_]["”'’])['’]?s(?![^\W_]))
    | (?P<SPACED>\b(?:de|un)[ ](?:ess(?:er|ing)?|nois(?:e|ing|er)|click(?:er|ing)?)\b)
    | (?P<WORD>[^\W\d_]+(?:['’][^\W\d_]+)*(?:[-‑][^\W\d_]+(?:['’][^\W\d_]+)*)*['’]?)
    | (?P<ARROW>(?<=[\dsmhcn])\s*(?:\.{{2,3}}|-+>|=>|→)\s*(?=[\d.])
        |(?<=[smhc])\s+-\s+(?=[\d.]+\s?(?:s|secs?|seconds?|m|mins?|minutes?|ms|:\d\d)(?![^\W\d_]))
        |(?<=\d)\s*[-–—]\s*(?=end\b))
    | (?P<DASH>(?<=\d)\s*[-–—~]\s*(?=[\d.])|(?<=[\dsmhc])\s*[–—~]\s*(?=[\d.])|(?<=[sn])-(?=\d))
    | (?P<HYPHEN>(?<=\d)[-‑](?=[^\W\d_]))
    | (?P<STOP>[.!;:\n…]+)
    | (?P<MARK>[,?%&/+])
    | (?P<LONGDASH>\s*(?:--|[–—]|\s-\s)\s*)
    | (?P<SPACE>[^\S\n]+|[()\[\]])
    | (?P<OTHER>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

_KIND_OF = {
    "CLOCK": "TIME",
    "LENGTH": "TIME",
    "MINUTES": "TIME",
    "DASH": "to",
    "ARROW": "to",
    "CALL": "OTHER",
    "BULLET": "STOP",
    "LONGDASH": ",",
    "LEVEL": "WORD",
}
_SIGNS = {"=": "", "@": "at", ">": "over", "≥": "over", "<": "under"}
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def split(
    sentence: str, vocabulary: Collection[str], outside: Mapping[str, str] | None = None
) -> list[Piece]:
    """Split a sentence into pieces.

    Args:
        sentence: as the person wrote it.
        vocabulary: the words that the grammar knows, in lower case.
        outside: words that are no words of a recording unless they are quoted, with their kinds.

    Raises:
        InstructionError: the sentence is too long, or a quotation mark is never closed.
    """
    if len(sentence) > MAX_CHARACTERS:
        raise InstructionError(
            f"The instruction is {len(sentence)} characters long; "
            f"at most {MAX_CHARACTERS} are read. Give it in several shorter ones."
        )
    raw = list(spelled_out(_raw(_with_lines(_with_dictated(sentence)))))
    pieces = list(_named(join_number_words(raw), vocabulary, outside or {}))
    if len(pieces) > MAX_PIECES:
        raise InstructionError(
            f"The instruction has {len(pieces)} words; at most {MAX_PIECES} are read. "
            "Give it in several shorter ones."
        )
    return pieces


_DICTATED = re.compile(
    r"\b(?:open )?quote (?P<said>[^\"]+?) (?:unquote|end quote|close quote|endquote)\b",
    re.IGNORECASE,
)


def _with_dictated(sentence: str) -> str:
    """ "Cut quote good morning unquote", with quotation marks; every character stays in place."""

    def marked(match: re.Match[str]) -> str:
        before = match.start("said") - match.start()
        after = match.end() - match.end("said")
        return f'{" " * (before - 1)}"{match["said"]}"{" " * (after - 1)}'

    return _DICTATED.sub(marked, sentence)


def _with_lines(sentence: str) -> str:
    """A numbered list in one line ("1. cut X 2. mute Y"), as lines; every character stays in place.

    Only where the numbers begin with 1 and go on, so that no time is taken for one of them.
    """
    number, start = 1, re.match(r"\s*(?:step )?1[.):]\s", sentence, re.IGNORECASE)
    while start:
        number += 1
        following = re.compile(rf"\s(?=(?:step )?{number}[.):]\s+[^\W\d_])", re.IGNORECASE)
        start = following.search(sentence, start.end())
        if start:
            sentence = f"{sentence[: start.start()]}\n{sentence[start.end() :]}"
    return sentence


def _raw(sentence: str) -> Iterator[Piece]:
    """Pieces by their looks alone."""
    position = 0
    while position < len(sentence):
        if (quoted := _quoted_at(sentence, position)) is not None:
            yield from _quoted_pieces(sentence, quoted)
            position = quoted.end
            continue
        match = _PATTERNS.match(sentence, position)
        if match is None:
            raise AssertionError("OTHER takes any character")
        position = match.end()
        kind = match.lastgroup or "OTHER"
        if kind == "SPACED":
            text = "".join(match.group().split())
            yield Piece("WORD", text, match.start(), match.end())
            continue
        if kind not in {"SPACE", "HYPHEN"}:
            yield Piece(
                kind, match.group(), match.start(), match.end(), _value(kind, match.group())
            )


def _value(kind: str, text: str) -> float:
    """The number in a piece; seconds for times."""
    if kind == "NUMBER":
        return float(text.replace(",", "").replace("−", "-"))
    if kind == "COMMA":
        return float(text.replace(",", ".").replace("−", "-"))
    if kind == "FACTOR":
        return float(text.strip("xX×"))
    if kind == "CLOCK":
        seconds = 0.0
        for part in text.replace(",", ".").split(":"):
            seconds = seconds * 60 + float(part)
        return seconds
    if kind == "MINUTES":
        whole, rest = re.split("m", text, flags=re.IGNORECASE)
        return int(whole) * 60 + float(rest)
    if kind == "LENGTH":
        parts = re.findall(r"([\d.]+)([a-z]+)", text.lower())
        return sum(float(number) * SECONDS_OF[unit] for number, unit in parts)
    return 0.0


def _quoted_at(sentence: str, position: int) -> Piece | None:
    """The quoted phrase that starts here, with its marks."""
    mark = sentence[position]
    if mark not in _QUOTES:
        return None
    simple = mark in _MAY_BE_APOSTROPHE
    if simple and position and (sentence[position - 1].isalnum() or sentence[position - 1] == "."):
        return None
    for end in range(position + 1, len(sentence)):
        if sentence[end] not in _QUOTES[mark]:
            continue
        after = sentence[end + 1 : end + 2]
        if simple and (after.isalnum() or sentence[end - 1].isspace()):
            continue
        return Piece("QUOTED", sentence[position + 1 : end], position, end + 1)
    if simple:
        return None
    raise InstructionError(
        f"The quotation mark at character {position + 1} is never closed: "
        f"{sentence[position : position + 30]!r}. Close it and try again."
    )


def _quoted_pieces(sentence: str, quoted: Piece) -> Iterator[Piece]:
    """A quoted phrase without its outer punctuation, which may end a part of the sentence."""
    text = unicodedata.normalize("NFC", " ".join(quoted.text.split()))
    words = text.strip(" ,.;:!?")
    if not any(character.isalnum() for character in words):
        raise InstructionError(
            f"There are no words between the quotation marks at character {quoted.start + 1}; "
            "write the words that are said in the recording there."
        )
    is_file = _PATTERNS.fullmatch(words.replace(" ", "_"))
    kind = "FILE" if is_file and is_file.lastgroup == "FILE" else "QUOTED"
    yield Piece(kind, words, quoted.start, quoted.end)
    rest = sentence[quoted.end :].lstrip(" ")
    if text.endswith(",") and not rest.startswith(","):
        yield Piece("MARK", ",", quoted.end, quoted.end)
    elif text.endswith((".", "!", "?")) and rest[:1].isupper():
        yield Piece("STOP", ".", quoted.end, quoted.end)


def _named(
    pieces: Iterator[Piece], vocabulary: Collection[str], outside: Mapping[str, str]
) -> Iterator[Piece]:
    """Give each piece its kind in the grammar."""
    for piece in pieces:
        match piece.kind:
            case "WORD":
                yield from _known_words(piece, vocabulary, outside)
            case "NUMWORD" if piece.text in ("one", "zero"):
                yield _as(piece, piece.text)
            case "ORDINAL":
                number = int(piece.text[:-2])
                word = _ORDINALS[number - 1] if 0 < number <= len(_ORDINALS) else ""
                yield _as(piece, word if word in vocabulary else "UNSAID")
            case "NUMBER" | "COMMA":
                yield _as(piece, "NUMBER" if piece.text[0] in "0123456789." else "SIGNED")
            case "SIGN":
                yield from (_as(piece, word) for word in _SIGNS[piece.text.strip()[-1]].split())
            case "MARK":
                yield _as(piece, piece.text if piece.text in vocabulary else "OTHER")
            case kind:
                yield _as(piece, _KIND_OF.get(kind, kind))


def _known_words(
    piece: Piece, vocabulary: Collection[str], outside: Mapping[str, str]
) -> Iterator[Piece]:
    """A word of the grammar, hyphenated or not ("de-noise", "fade-in"), or any other word."""
    word = piece.text.lower().replace("’", "'").replace("‑", "-")
    if word in LEFT_OUT:
        return
    parts = [part for part in word.split("-") if part not in LEFT_OUT]
    if (joined := "".join(parts)) in vocabulary:
        yield _as(piece, joined)
    elif len(parts) > 1 and all(part in vocabulary for part in parts):
        start = piece.start
        for part in word.split("-"):
            if part not in LEFT_OUT:
                yield Piece(part, part, start, start + len(part))
            start += len(part) + 1
    elif word.endswith("'s") and word not in outside:
        yield _as(piece, "WHOSE")
    else:
        yield _as(piece, outside.get(word, "WORD"))


def _as(piece: Piece, kind: str) -> Piece:
    return Piece(kind, piece.text, piece.start, piece.end, piece.value)

"""Written text as the words that are spoken, so that "21", "twenty-one" and "Twenty One" are equal.

Text is data from anywhere: nothing here raises on it, whatever it holds.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice, product

from qwen_audio_agent.speech import numbers

_PLAIN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032`\u00b4", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
    | {"\u2044": "/"}  # NFKC puts it into a vulgar fraction
)
_VULGAR_FRACTION = re.compile("(?=[\u00bc-\u00be\u2150-\u215e])")
_SYMBOLS = "$€£¥%&+@=#°:.,/'-"
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_SCALES = {"k": "thousand", "m": "million", "bn": "billion"}
_SIGNS = {
    "%": ["percent", "per cent"],
    "&": ["and"],
    "+": ["plus"],
    "@": ["at"],
    "=": ["equals"],
    "#": ["number", "hash"],
    "°": ["degrees"],
}
_SHORT_FORMS = {
    "mr": ["mister"],
    "mrs": ["missus"],
    "ms": ["ms", "miss"],
    "dr": ["doctor", "drive"],
    "prof": ["professor"],
    "st": ["saint", "street"],
    "jr": ["junior"],
    "sr": ["senior"],
    "vs": ["versus"],
    "etc": ["et cetera"],
    "ok": ["okay"],
}

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
_LETTER = rf"[^\s0-9{re.escape(_SYMBOLS)}]"
_TOKEN = re.compile(
    rf"""
    (?P<currency>[$€£¥])\s?(?P<amount>{_NUMBER})
        (?:\s?(?P<scale>hundred|thousand|[mb]illion|trillion|bn|m|k)\b)?
    | (?<![0-9:])(?P<hours>[0-2]?[0-9]):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9]))?
        (?![0-9])(?:\s?(?P<half>[ap])\.?m\b\.?)?
    | (?P<oclock>[0-9]{{1,2}})\s?(?P<oclock_half>[ap])\.?m\b\.?
    | (?P<ordinal>[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]{{1,15}})(?:st|nd|rd|th)\b
    | (?P<decade>[0-9]{{1,4}})'?s\b
    | (?P<above>[0-9]+)/(?P<below>[0-9]+)
    | (?P<number>{_NUMBER})
    | (?P<minus>(?<![^\s(])-(?=[0-9$€£¥.]))
    | (?P<letters>(?<!{_LETTER})(?:{_LETTER}\.){{2,}}{_LETTER}?(?!{_LETTER}))
    | (?P<word>{_LETTER}+(?:'{_LETTER}+)*)
    | (?P<sign>[%&+@=\#°])
    """,
    re.VERBOSE,
)


def on_one_line(text: str) -> str:
    """Without line ends and control characters, so that it cannot look like anything but text."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def quoted(text: str) -> str:
    """Text of others between quotation marks, which do not end inside it."""
    return '"' + on_one_line(text).replace('"', "'") + '"'


def normalise(text: str) -> list[str]:
    """The words of `text` as they are most likely spoken: lower case, no punctuation, no digits.

    Apostrophes inside a word stay ("don't"), hyphens part words, control characters vanish.
    """
    return [word for choices in _choices(text) for word in choices[0].split()]


def readings(text: str, limit: int = 16) -> tuple[tuple[str, ...], ...]:
    """All ways to say `text`, most likely first and at most `limit` of them.

    "in 1905" gives ("in", "nineteen", "oh", "five"), ("in", "one", "thousand", "nine", ...), ...
    """
    spoken = (tuple(" ".join(choice).split()) for choice in product(*_choices(text)) if any(choice))
    return tuple(islice(dict.fromkeys(islice(spoken, 4 * limit)), limit))


def _choices(text: str) -> list[list[str]]:
    """For each token of the text the ways to say it, most likely first."""
    return [_ways_to_say(token) for token in _TOKEN.finditer(_prepare(text))]


def _prepare(text: str) -> str:
    """Lower case in one Unicode form, with only letters, marks, ASCII digits and `_SYMBOLS`."""
    text = _VULGAR_FRACTION.sub(" ", text.translate(_PLAIN))
    text = unicodedata.normalize("NFKC", text).lower().translate(_PLAIN)
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LM" or character in _SYMBOLS:
        return character
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category[0] == "C" and not character.isspace():
        return ""
    return " "


def _ways_to_say(token: re.Match[str]) -> list[str]:
    part = token.groupdict(default="")
    if part["word"]:
        return _SHORT_FORMS.get(part["word"], [part["word"]])
    if part["amount"]:
        scale = _SCALES.get(part["scale"], part["scale"])
        return numbers.money_readings(part["amount"], scale, _CURRENCIES[part["currency"]])
    if part["hours"]:
        half = f"{part['half']} m" if part["half"] else ""
        return numbers.time_readings(part["hours"], part["minutes"], part["seconds"], half)
    if part["oclock"]:
        return numbers.time_readings(part["oclock"], "00", "", f"{part['oclock_half']} m")
    if part["ordinal"]:
        return [numbers.ordinal(int(part["ordinal"].replace(",", "")))]
    if part["decade"]:
        return [numbers.plural(words) for words in numbers.integer_readings(part["decade"])[:2]]
    if part["above"]:
        return numbers.fraction_readings(part["above"], part["below"])
    if part["number"]:
        return numbers.number_readings(part["number"])
    if part["letters"]:
        return [" ".join(part["letters"].replace(".", ""))]
    return ["minus"] if part["minus"] else _SIGNS[part["sign"]]

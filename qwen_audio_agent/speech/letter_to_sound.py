"""How an unknown English word is probably said, letter by letter.

Rules are tried longest first at each place; what the rules leave out is English's business: names
and loan words come out as a reader who has never heard them would say them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_VOWELS = "aeiouy"

# Spelling -> phones. "^" is the start of the word, "$" its end.
_RULES: Final[dict[str, str]] = {
    "^kn": "N", "^gn": "N", "^ps": "S", "^pn": "N", "^wr": "R", "^wh": "W", "^x": "Z", "^rh": "R",
    "^y": "Y", "^mc": "M AH K", "^pt": "T", "tion": "SH AH N", "ssion": "SH AH N",
    "sion": "ZH AH N", "cian": "SH AH N", "tious": "SH AH S", "cious": "SH AH S",
    "tial": "SH AH L", "cial": "SH AH L", "ture": "CH ER", "sure": "ZH ER", "ough": "AO",
    "augh": "AO", "eigh": "EY", "igh": "AY", "tch": "CH", "dge": "JH", "sch": "S K", "ch": "CH",
    "sh": "SH", "th": "TH", "ph": "F", "gh": "", "ck": "K", "ng$": "NG", "ng": "NG G",
    "nk": "NG K", "qu": "K W", "wh": "W", "mb$": "M", "mn$": "M", "sc": "S K", "sce": "S EH",
    "sci": "S AY", "scy": "S AY", "bb": "B", "cc": "K", "dd": "D", "ff": "F", "gg": "G", "ll": "L",
    "mm": "M", "nn": "N", "pp": "P", "rr": "R", "ss": "S", "tt": "T", "zz": "Z", "kk": "K",
    "vv": "V", "eau": "OW", "eer": "IH R", "ear": "IH R", "air": "EH R", "are$": "EH R",
    "our": "AO R", "oor": "AO R", "ier$": "IY ER", "ure": "Y UH R", "ire": "AY ER", "ore": "AO R",
    "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ea": "IY", "ee": "IY", "ei": "IY",
    "eu": "Y UW", "ew": "UW", "ey$": "IY", "ey": "EY", "ie$": "IY", "ie": "IY", "oa": "OW",
    "oe$": "OW", "oi": "OY", "oy": "OY", "oo": "UW", "ou": "AW", "ow$": "OW", "ow": "AW",
    "ui": "UW", "ue$": "UW", "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R", "ur": "ER",
    "yr": "ER", "ous$": "AH S", "le$": "AH L", "es$": "Z", "ed$": "D", "y$": "IY", "e$": "",
    "a$": "AH", "o$": "OW", "i$": "IY", "ism$": "IH Z AH M", "age$": "IH JH", "ate$": "EY T",
    "ce": "S EH", "ce$": "S", "ci": "S IH", "cy": "S IY", "ge$": "JH", "ge": "JH EH",
    "gi": "JH IH", "gy": "JH IY", "se$": "Z", "x": "K S", "al$": "AH L", "on$": "AH N",
    "an$": "AH N", "en$": "AH N", "ing$": "IH NG", "us$": "AH S", "um$": "AH M", "is$": "IH S",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH",
    "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "y": "IH", "z": "Z",
}  # fmt: skip
_LONG: Final = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_LONGEST: Final = max(map(len, _RULES))
_MAGIC_E: Final = re.compile(r"([aeiouy])([bcdfgklmnpstvz])e(?=s?\$)")


def sound_out(word: str) -> tuple[str, ...]:
    """A pronunciation of `word` from its letters; never empty.

    Args:
        word: lower case; letters with accents are read without them, other signs left out.
    """
    plain = unicodedata.normalize("NFKD", word.lower())
    letters = re.sub(r"[^a-z]", "", plain)
    if not letters:
        return ("AH",)
    if not re.search(f"[{_VOWELS}]", letters):
        return tuple(phone for letter in letters for phone in _NAMES[letter].split())
    spelled = f"^{letters}$"
    phones: list[str] = []
    at = 1
    while at < len(spelled) - 1:
        magic = _MAGIC_E.match(spelled, at)
        if magic:
            phones.append(_LONG[magic[1]])
            at += 1
            continue
        size, sounds = _longest_rule(spelled, at)
        phones.extend(sounds.split())
        at += size
    return tuple(phones) or ("AH",)


def _longest_rule(spelled: str, at: int) -> tuple[int, str]:
    """How many letters the best rule at `at` takes, and their sounds."""
    for size in range(_LONGEST, 0, -1):
        piece = spelled[at : at + size]
        for key in ("^" + piece if at == 1 else piece, piece):
            if key in _RULES:
                return max(1, len(key.strip("^$"))), _RULES[key]
    return 1, ""


_NAMES: Final = {
    "b": "B IY", "c": "S IY", "d": "D IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "j": "JH EY",
    "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "p": "P IY", "q": "K Y UW", "r": "AA R",
    "s": "EH S", "t": "T IY", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S", "z": "Z IY",
}  # fmt: skip

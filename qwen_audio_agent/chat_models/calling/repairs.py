"""JSON as small models write it: strict first, then with small repairs, each of which has a name.

What could mean two things is not repaired, least of all a string or a number that has no end.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from qwen_audio_agent.chat_models.calling.strict_json import (
    MAX_CHARS,
    MAX_DEPTH,
    TOO_DEEP,
    UnreadableError,
    decimal_number,
    members_of,
    read_strictly,
    refuse_constant,
    whole_number,
)

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_PLAIN = re.compile(r"""[^"'\\\x00-\x1f]+""")
# Two \u in a row may be one character.
_ESCAPE = re.compile(r'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
_WORDS = {"true": True, "false": False, "null": None}
_PYTHON_WORDS = {"True": True, "False": False, "None": None}
_FENCE = re.compile(r"```\w*(.*?)(?:```|\Z)", re.DOTALL)

_STRING_ENDS = {
    "key": re.compile(r"[ \t\r\n]*:"),
    "value": re.compile(
        r"""[ \t\r\n]*(?:[}\]]|\Z|,[ \t\r\n]*(?:[}\]]|["'][^"']{0,64}["'][ \t\r\n]*:))"""
    ),
    "item": re.compile(r"[ \t\r\n]*(?:[,}\]]|\Z)"),
}
"""What comes after the quotation mark that ends a string, by where the string is; a value of an
object is followed by the end of what holds it, or by the next key."""


@dataclass(slots=True)
class Reading:
    """JSON values that were read from one text, and how.

    Attributes:
        values: one after another, as the text holds them.
        repairs: names of the repairs that were needed.
    """

    values: list[Any]
    repairs: list[str] = field(default_factory=list)


def read_json(text: str, *, is_whole: bool = True) -> Reading:
    """The JSON values in a text, repaired where that is safe.

    Args:
        text: what the model wrote as a call.
        is_whole: False when it was cut off, so that what is missing at its end is unknown.

    Raises:
        UnreadableError: says what is wrong, for the model.
    """
    text = text.strip()
    try:
        return Reading([read_strictly(text)])
    except UnreadableError as error:
        reason = error
    if len(text) > MAX_CHARS or not text:
        raise reason
    reader = _Reader(text, is_whole=is_whole)
    fence = _FENCE.match(text)
    if fence:
        reader = _Reader(fence[1].strip(), is_whole=is_whole)
        reader.repaired("markdown fence")
        if text[fence.end() :].strip():
            reader.repaired("trailing text")
    return Reading(reader.values(), reader.repairs)


class _Reader:
    """Reads once from left to right, with a look ahead of a few characters: linear time."""

    def __init__(self, text: str, *, is_whole: bool) -> None:
        self._text = text
        self._at = 0
        self._is_whole = is_whole
        self.repairs: list[str] = []

    def repaired(self, name: str) -> None:
        if name not in self.repairs:
            self.repairs.append(name)

    def values(self) -> list[Any]:
        """Objects, one after another or in a list; text after them is dropped."""
        values: list[Any] = []
        while not values or self._peek() in ("{", "["):
            if self._peek() not in ("{", "[", '"', "'"):
                raise self._wrong("an object in braces")
            values.append(self._value("item", 0))
            self._space()
        if self._at < len(self._text):
            self.repaired("trailing text")
        return values

    def _value(self, place: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise UnreadableError(TOO_DEEP)
        match self._peek():
            case "{":
                return self._object(depth)
            case "[":
                return self._list(depth)
            case '"' | "'":
                return self._string(place)
        if number := _NUMBER.match(self._text, self._at):
            self._at = number.end()
            if self._at == len(self._text) or self._text[self._at] not in " \t\r\n,]}":
                raise self._wrong("the end of the number")
            text = number[0]
            return whole_number(text) if text.lstrip("-").isdigit() else decimal_number(text)
        return self._word()

    def _object(self, depth: int) -> dict[str, Any]:
        pairs: list[tuple[str, Any]] = []
        self._at += 1
        while not self._closes("}"):
            if pairs:
                self._expect(",")
                if self._peek() == "}":
                    self.repaired("trailing comma")
                    continue
            if self._peek() not in ('"', "'"):
                raise self._wrong("a name in quotation marks")
            name = self._string("key")
            self._expect(":")
            pairs.append((name, self._value("value", depth + 1)))
        return members_of(pairs)

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        self._at += 1
        while not self._closes("]"):
            if items:
                self._expect(",")
                if self._peek() == "]":
                    self.repaired("trailing comma")
                    continue
            items.append(self._value("item", depth + 1))
        return items

    def _closes(self, bracket: str) -> bool:
        """Whether the object or list ends here, or should have."""
        if self._peek() == bracket:
            self._at += 1
            return True
        if self._at < len(self._text):
            return False
        before = self._text.rstrip()[-1]
        if not self._is_whole or before in ",:{[":
            raise self._wrong(f"the rest and {bracket}")
        self.repaired("missing closing brace")
        return True

    def _string(self, place: str) -> str:
        quote = self._text[self._at]
        if quote == "'":
            self.repaired("single quotes")
        self._at += 1
        ends, pieces = _STRING_ENDS[place], list[str]()
        while self._at < len(self._text):
            if plain := _PLAIN.match(self._text, self._at):
                pieces.append(plain[0])
                self._at = plain.end()
                continue
            char = self._text[self._at]
            if char == quote and ends.match(self._text, self._at + 1):
                self._at += 1
                return "".join(pieces)
            pieces.append(self._escape() if char == "\\" else self._odd(char, quote))
        raise self._wrong("the quotation mark that ends the string")

    def _escape(self) -> str:
        """A character after a backslash."""
        if escape := _ESCAPE.match(self._text, self._at):
            self._at = escape.end()
            return str(json.loads(f'"{escape[0]}"'))
        if self._text[self._at + 1 : self._at + 2] != "'":
            raise self._wrong("a known escape")
        self.repaired("wrong escape")
        self._at += 2
        return "'"

    def _odd(self, char: str, quote: str) -> str:
        """A character that strict JSON would not have inside a string."""
        if char == quote:
            self.repaired("unescaped inner quotes")
        elif char in "\n\r\t":
            self.repaired("unescaped line end")
        elif char not in "\"'":
            raise self._wrong("no control characters")
        self._at += 1
        return char

    def _word(self) -> Any:
        match = _WORD.match(self._text, self._at)
        word = match[0] if match else ""
        if word in _WORDS or word in _PYTHON_WORDS:
            self._at += len(word)
            if word in _PYTHON_WORDS:
                self.repaired("Python words")
            return (_WORDS | _PYTHON_WORDS)[word]
        if word in ("NaN", "Infinity") or self._text.startswith("-Infinity", self._at):
            refuse_constant(word or "-Infinity")
        raise self._wrong("a value")

    def _expect(self, char: str) -> None:
        if self._peek() != char:
            raise self._wrong(char)
        self._at += 1

    def _peek(self) -> str:
        self._space()
        return self._text[self._at : self._at + 1]

    def _space(self) -> None:
        if space := _SPACE.match(self._text, self._at):
            self._at = space.end()

    def _wrong(self, wanted: str) -> UnreadableError:
        found = self._text[self._at : self._at + 12]
        where = f"{found!r} at character {self._at + 1}" if found else "its end"
        return UnreadableError(f"it needs {wanted} where {where} is")

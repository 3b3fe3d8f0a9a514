"""How words are said: the dictionary of the ear, and a guess for the words it lacks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

Phones = tuple[str, ...]
"""ARPABET phones without stress, such as ("M", "IH", "D", "AH", "L")."""


@dataclass(frozen=True, slots=True)
class Pronunciations:
    """A pronouncing dictionary, kept as its text: a look-up is a search, and nothing is parsed.

    Attributes:
        text: lines "word P H O N E S", further pronunciations as "word(2) ...", a line break first.
    """

    text: str

    @classmethod
    def load(cls, path: Path) -> Pronunciations:
        """Read a dictionary in the format of CMU Sphinx."""
        return cls("\n" + path.read_text(encoding="utf-8"))

    def known(self, word: str) -> tuple[Phones, ...]:
        """The pronunciations in the dictionary, most usual first; empty if it lacks the word."""
        found: list[Phones] = []
        entry = word
        while (at := self.text.find(f"\n{entry} ")) >= 0:
            start = at + len(entry) + 2
            found.append(tuple(self.text[start : self.text.index("\n", start)].split()))
            entry = f"{word}({len(found) + 1})"
        return tuple(found)

    def of(self, word: str) -> tuple[Phones, ...]:
        """At least one pronunciation of `word`: from the dictionary, or else guessed."""
        return self.known(word) or self._from_parts(word)

    def _from_parts(self, word: str) -> tuple[Phones, ...]:
        for cut in range(len(word) - 1, 1, -1):
            stem, rest = self.known(word[:cut]), self.known(word[cut:])
            if stem and rest:
                return (stem[0] + rest[0],)
        letters = [self.known(letter) for letter in re.sub(r"[^a-z]", "", word)]
        return (tuple(phone for spoken in letters for phone in spoken[0]),)

"""The pronouncing dictionary of the ear in a tenth of the memory that a dict of it takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path


class PronouncingFile(Mapping[str, tuple[str, ...]]):
    """A file in the format of CMU Sphinx: "word P H", then "word(2) P H" ...

    Gives for each word its pronunciations, most usual first, phones parted by spaces.
    """

    def __init__(self, path: Path) -> None:
        lines = (line.partition(b" ") for line in path.read_bytes().splitlines())
        words = sorted(
            (word.partition(b"(")[0], word.partition(b"(")[2], phones.strip())
            for word, _, phones in lines
            if phones
        )
        self._lines = b"".join(b"%s %s\n" % (word, phones) for word, _, phones in words)
        self._length = len({word for word, _, _ in words})

    def __getitem__(self, word: str) -> tuple[str, ...]:
        wanted = word.encode() + b" "
        # Bisects bytes, not lines: an index of the lines would be as big as they are.
        at = bisect_left(range(len(self._lines)), wanted, key=self._line_from)
        at = self._lines.rfind(b"\n", 0, at) + 1
        found = []
        while self._lines.startswith(wanted, at):
            end = self._lines.index(b"\n", at)
            found.append(self._lines[at + len(wanted) : end].decode())
            at = end + 1
        if not found or " " in word:
            raise KeyError(word)
        return tuple(found)

    def __iter__(self) -> Iterator[str]:
        before = b""
        for line in self._lines.splitlines():
            word = line.partition(b" ")[0]
            if word != before:
                yield word.decode()
            before = word

    def __len__(self) -> int:
        return self._length

    def _line_from(self, at: int) -> bytes:
        """The line that a byte is in."""
        start = self._lines.rfind(b"\n", 0, at) + 1
        return self._lines[start : self._lines.find(b"\n", start)]

"""The chunks that wav and aiff files are made of, and how much sound they say they hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Literal

SOUND: Final = (b"data", b"SSND")
"""The chunks with the sound, of wav and of aiff."""
# A program that writes into a pipe cannot know the size: it says the most, or almost that.
_UNKNOWN_SIZES: Final = (range(0x7FFF_0000, 0x8000_0000), range(0xFFFF_0000, 0x1_0000_0000))


def chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Name and size of each chunk of a wav or aiff file, which then stands at its content.

    Source: Microsoft, Multimedia Programming Interface and Data Specifications 1.0; Apple, Audio
    Interchange File Format 1.3.

    Args:
        file: at its first byte; of another kind of file nothing comes.
    """
    form = file.read(12)[:4]
    if form not in (b"RIFF", b"RF64", b"FORM"):
        return
    order: Literal["big", "little"] = "big" if form == b"FORM" else "little"
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[4:], order)
        at = file.tell()
        yield head[:4], size
        file.seek(at + size + size % 2)


def stated_share(path: Path) -> float:
    """How many times as much sound a wav or aiff file says it holds as there is; 1 where it is all.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        for name, size in chunks(file):
            if name in SOUND:
                there = path.stat().st_size - file.tell()
                is_known = not any(size in sizes for sizes in _UNKNOWN_SIZES)
                return size / there if is_known and 0 < there < size else 1.0
    return 1.0

"""The stream number in the pages of an Ogg file, made to follow from what the file holds.

libsndfile draws it by the clock, so that equal sound would never be equal bytes. Only headers of
pages are read: the checksum of a page is linear, so what a number adds to it is known without the
rest of the page.

Source: RFC 3533, section 6 (page: "OggS", number at byte 14, checksum at 22, 27 bytes and one for
each segment); the checksum is the CRC of polynomial 0x04c11db7 that begins with 0, bits not
reflected.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO, Final

_HEADER: Final = 27
_NUMBER_AT: Final = 14
_CHECKSUM_AT: Final = 22


def number_by_content(file: BinaryIO) -> None:
    """Give an Ogg file of one stream a number that its content decides, and nothing else.

    Args:
        file: open to be read and written.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it is no Ogg file of one stream.
    """
    pages = list(_pages(file))
    numbers = {number for _, _, number, _ in pages}
    if len(numbers) != 1:
        raise ValueError(f"an Ogg file of one stream is needed, not of {len(numbers)}")
    longest = max(size for _, size, _, _ in pages)
    old = _shares(numbers.pop(), longest)
    digest = hashlib.sha256()
    for _, size, _, checksum in pages:
        digest.update((checksum ^ old[size]).to_bytes(4, "little"))
    number = int.from_bytes(digest.digest()[:4], "little")
    new = _shares(number, longest)
    for start, size, _, checksum in pages:
        file.seek(start + _NUMBER_AT)
        file.write(number.to_bytes(4, "little"))
        file.seek(start + _CHECKSUM_AT)
        file.write((checksum ^ old[size] ^ new[size]).to_bytes(4, "little"))


def _pages(file: BinaryIO) -> Iterator[tuple[int, int, int, int]]:
    """(start and size in bytes, number of the stream, checksum) of each page."""
    end = file.seek(0, os.SEEK_END)
    start = 0
    while start < end:
        file.seek(start)
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[:4] != b"OggS":
            raise ValueError(f"there is no Ogg page at byte {start}")
        size = _HEADER + header[26] + sum(file.read(header[26]))
        if start + size > end:
            raise ValueError(f"the Ogg page at byte {start} is cut off")
        number = int.from_bytes(header[_NUMBER_AT : _NUMBER_AT + 4], "little")
        checksum = int.from_bytes(header[_CHECKSUM_AT : _CHECKSUM_AT + 4], "little")
        yield start, size, number, checksum
        start += size


def _shares(number: int, longest: int) -> list[int]:
    """What a stream number adds to the checksum of a page, by the size of the page in bytes."""
    table = _table()
    share = 0
    for byte in number.to_bytes(4, "little"):
        share = (share << 8 & 0xFFFFFFFF) ^ table[share >> 24 ^ byte]
    shares = [0] * (_NUMBER_AT + 4)
    for _ in range(_NUMBER_AT + 4, longest + 1):
        shares.append(share)
        share = (share << 8 & 0xFFFFFFFF) ^ table[share >> 24]
    return shares


@cache
def _table() -> list[int]:
    """What a byte that leaves the checksum adds to it."""
    table = []
    for byte in range(256):
        share = byte << 24
        for _ in range(8):
            share = (share << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if share >> 31 else 0)
        table.append(share)
    return table

"""The header frame of an mp3, which tells how long it is; many files have none, or another's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HEAD_BYTES: Final = 8192
_KBITS: Final = {
    # Layer III of MPEG-1, and of MPEG-2 and 2.5. Source: ISO/IEC 11172-3 and 13818-3, 2.4.2.3.
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_RATES_HZ: Final = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}
_STATES_NUM_FRAMES, _STATES_NUM_BYTES = 1, 2


def kbits_of_layer_3(sample_rate: int) -> tuple[int, ...]:
    """The bit rates that layer III has at a sample rate, in kbit/s, the lowest first."""
    return _KBITS[sample_rate >= min(_RATES_HZ[3])][1:-1]


def frame_bytes(bit_rate: int, sample_rate: int) -> int:
    """Length of a frame of layer III without padding, at a rate in bits per second."""
    slots = 144 if sample_rate >= min(_RATES_HZ[3]) else 72
    return slots * bit_rate // sample_rate


@dataclass(frozen=True, slots=True)
class Mp3Header:
    """The frame named Xing or Info that an encoder puts before the sound.

    Attributes:
        end: where the frame after it begins, in bytes from the start of the file.
        covers_file: whether the length that it states is about that of the file. It is not where
            several files were put one after the other: the header is then that of the first.
    """

    end: int
    covers_file: bool


def find_mp3_header(path: Path) -> Mp3Header | None:
    """The header frame of an mp3, or None if it begins with sound.

    Source: ID3v2.4.0 section 3.1 for the tag before it, and the Xing VBR header as LAME writes it.
    """
    with path.open("rb") as file:
        start = _tag_bytes(file.read(10))
        file.seek(start)
        head = file.read(_HEAD_BYTES)
    sync = next((at for at in range(len(head) - 4) if _frame_bytes(head[at : at + 4])), None)
    if sync is None:
        return None
    frame = head[sync : sync + _frame_bytes(head[sync : sync + 4])]
    name = max(frame.find(b"Xing"), frame.find(b"Info"))
    if name < 0:
        return None
    flags = int.from_bytes(frame[name + 4 : name + 8], "big")
    stated = 0
    if flags & _STATES_NUM_BYTES:
        at = name + 8 + 4 * bool(flags & _STATES_NUM_FRAMES)
        stated = int.from_bytes(frame[at : at + 4], "big")
    # Tags after the sound are small, but a second recording is not.
    there = path.stat().st_size - start - sync
    covers_file = not stated or there < 1.1 * stated + 65_536
    return Mp3Header(start + sync + len(frame), covers_file)


def bytes_before_sound(path: Path) -> int:
    """Length of the tag that an mp3 begins with, 0 if there is none."""
    with path.open("rb") as file:
        return _tag_bytes(file.read(10))


def _tag_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag that a file begins with, 0 if there is none."""
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    has_footer = bool(head[5] & 0x10)
    return 10 + size + 10 * has_footer


def _frame_bytes(header: bytes) -> int:
    """Length of the layer III frame with this header of 4 bytes; 0 if it is no such header."""
    bits = int.from_bytes(header, "big")
    version, layer = bits >> 19 & 3, bits >> 17 & 3
    kbits_index, rate_index = bits >> 12 & 15, bits >> 10 & 3
    if bits >> 21 != 0x7FF or version == 1 or layer != 1 or rate_index == 3:
        return 0
    kbits = _KBITS[version == 3][kbits_index]
    if not kbits:
        return 0
    padding = bits >> 9 & 1
    return frame_bytes(1000 * kbits, _RATES_HZ[version][rate_index]) + padding

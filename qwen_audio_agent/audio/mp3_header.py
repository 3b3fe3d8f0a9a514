"""The header frame of an mp3, which tells how long it is; many files have none, or another's."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
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
_STATES_ALL: Final = 0x0F  # and a table to seek by, and a quality
_SEEK_POINTS: Final = 100
# Samples that LAME puts before the sound.
_ENCODER_DELAY: Final = 576
_HEADER_BYTES: Final = 156
_CONSTANT_RATE, _VARIABLE_RATE = 1, 4


def kbits_of_layer_3(sample_rate: int) -> tuple[int, ...]:
    """The bit rates that layer III has at a sample rate, in kbit/s, the lowest first."""
    return _KBITS[sample_rate >= min(_RATES_HZ[3])][1:-1]


def sample_rates_of_layer_3() -> tuple[int, ...]:
    """The sample rates that layer III has, in Hz, the lowest first."""
    return tuple(sorted(rate for rates in _RATES_HZ.values() for rate in rates))


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


class FrameStarts:
    """Finds the frames of layer III in what an encoder gives, piece by piece.

    Attributes:
        starts: where each frame begins, in bytes from the start of the first one.
        num_bytes: of all pieces.
        first: the header of the first frame, 4 bytes; empty before it came.
    """

    def __init__(self) -> None:
        self.starts = array("Q")
        self.num_bytes = 0
        self.first = b""
        self._next = 0
        self._rest = b""

    def push(self, piece: bytes) -> None:
        """Take the next piece; frames may lie across the edges of pieces.

        Raises:
            ValueError: there is no frame where the one before it ends.
        """
        known = self._rest + piece
        begin = self.num_bytes - len(self._rest)
        self.num_bytes += len(piece)
        while self._next + 4 <= self.num_bytes:
            head = known[self._next - begin : self._next - begin + 4]
            length = _frame_bytes(head)
            if not length:
                raise ValueError(f"no frame of layer III begins with {head.hex()}")
            self.first = self.first or head
            self.starts.append(self._next)
            self._next += length
        self._rest = known[max(0, self._next - begin) :]


def header_bytes(sample_rate: int, num_channels: int) -> int:
    """Length of the frame that `header_frame` makes."""
    return frame_bytes(1000 * _header_kbits(sample_rate, num_channels), sample_rate)


def header_frame(
    frames: FrameStarts, num_frames: int, sample_rate: int, num_channels: int, kbits: int | None
) -> bytes:
    """The frame named Xing or Info for what LAME made of a sound.

    It lets players leave out what the encoder put before and behind the sound, seek, and show a
    length. A check sum of all of the sound is left zero, as of an encoder that makes none.

    Args:
        frames: of the sound, all of them.
        num_frames: length of the sound in samples of one channel.
        sample_rate: in Hz.
        num_channels: 1 or 2.
        kbits: the constant bit rate in kbit/s; None of a variable one.

    Source: the Xing VBR header with the extension of LAME 3.100, revision 0.
    """
    tag_kbits = _header_kbits(sample_rate, num_channels)
    length = frame_bytes(1000 * tag_kbits, sample_rate)
    per_frame = 1152 if sample_rate >= min(_RATES_HZ[3]) else 576
    padding = len(frames.starts) * per_frame - _ENCODER_DELAY - num_frames

    index = _KBITS[sample_rate >= min(_RATES_HZ[3])].index(tag_kbits)
    # The first frame's, with another rate, without a check sum and without padding.
    head = bytes((frames.first[0], frames.first[1] | 1, index << 4 | frames.first[2] & 0x0D))
    head += frames.first[3:]

    total = length + frames.num_bytes
    tag = b"Info" if kbits else b"Xing"
    for number in (_STATES_ALL, len(frames.starts), total):
        tag += number.to_bytes(4, "big")
    tag += bytes(_seek_table(frames.starts, length, total))
    tag += (57 if kbits else 60).to_bytes(4, "big")  # 100 - 10 x LAME's "-V 4" - its "-q"
    tag += b"LAME3.100" + bytes([_CONSTANT_RATE if kbits else _VARIABLE_RATE]) + bytes(10)
    tag += bytes([min(kbits or 0, 255)])
    tag += (_ENCODER_DELAY << 12 | min(max(padding, 0), 4095)).to_bytes(3, "big")
    tag += bytes(4) + total.to_bytes(4, "big") + bytes(2)
    frame = head + bytes(_side_bytes(sample_rate, num_channels)) + tag
    frame += crc16(frame).to_bytes(2, "big")
    return frame.ljust(length, b"\0")


def _header_kbits(sample_rate: int, num_channels: int) -> int:
    """The lowest bit rate whose frame holds the header."""
    needed = 4 + _side_bytes(sample_rate, num_channels) + _HEADER_BYTES
    rates = kbits_of_layer_3(sample_rate)
    return next(kbits for kbits in rates if frame_bytes(1000 * kbits, sample_rate) >= needed)


def _side_bytes(sample_rate: int, num_channels: int) -> int:
    """Length of what stands between the header of a frame and its sound."""
    if sample_rate >= min(_RATES_HZ[3]):
        return 17 if num_channels == 1 else 32
    return 9 if num_channels == 1 else 17


def _seek_table(starts: Sequence[int], offset: int, total: int) -> list[int]:
    """Where each hundredth of the time begins, in 256ths of the bytes."""
    places = (starts[i * len(starts) // _SEEK_POINTS] for i in range(_SEEK_POINTS))
    return [min(255, 256 * (offset + place) // total) for place in places]


def crc16(data: bytes) -> int:
    """CRC-16 with the polynomial 0x8005, the lowest bit first, as the header has it."""
    rest = 0
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0xA001 if rest & 1 else 0)
    return rest

"""The comments of ogg files with Vorbis or Opus.

Source: RFC 3533 (Ogg), Vorbis I section 4.2, RFC 7845 (Opus).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from qwen_audio_agent.audio.tags.values import MAX_BYTES, Tags
from qwen_audio_agent.audio.tags.vorbis import make_pairs, picture_pair, read_comment, tags_of

_PAGE_HEAD: Final = 27
# How the first and the second packet of a stream begin.
_CODECS: Final = ((b"\x01vorbis", b"\x03vorbis"), (b"OpusHead", b"OpusTags"))


def read_ogg(file: IO[bytes], sample_rate: int, num_frames: int) -> Tags:
    """What an ogg file says.

    Args:
        file: at its first byte.
        sample_rate: of the sound, in Hz.
        num_frames: of the sound.
    """
    notes: list[str] = []
    packet = _comment_packet(file, notes)
    pairs = read_comment(packet, notes) if packet else ()
    return tags_of(pairs, sample_rate, num_frames, notes, ())


def write_ogg(path: Path, tags: Tags, subtype: str) -> None:
    """Put tags into an ogg file that was just written; `subtype` is "VORBIS" or "OPUS"."""
    from mutagen.oggopus import OggOpus
    from mutagen.oggvorbis import OggVorbis

    ogg = OggOpus(path) if subtype == "OPUS" else OggVorbis(path)
    of_encoder = [(name, value) for name, value in ogg.tags if name.upper() == "ENCODER"]
    pictures = map(picture_pair, tags.pictures)
    ogg.tags[:] = [*make_pairs(tags), *pictures, *of_encoder]
    ogg.save()


def _comment_packet(file: IO[bytes], notes: list[str]) -> bytes:
    """The second packet of the first stream that is known, without its name; b"" if none is."""
    serial, name = b"", b""
    packet = bytearray()
    for page in _pages(file):
        if page.begins and not name:
            for first, second in _CODECS:
                if page.body.startswith(first):
                    serial, name = page.serial, second
        elif not name:
            break
        elif page.serial == serial:
            parts, is_whole = page.first_packet()
            packet += parts
            if is_whole:
                break
            if len(packet) > MAX_BYTES:
                notes.append(f"its tags are not read, being over {MAX_BYTES >> 20} MB")
                return b""
    if not name or not packet.startswith(name):
        notes.append("it has no comments that can be read")
        return b""
    return bytes(packet[len(name) :])


@dataclass(frozen=True, slots=True)
class _Page:
    """A page: the number of its stream, whether that begins, the sizes of its parts, its parts."""

    serial: bytes
    begins: bool
    sizes: bytes
    body: bytes

    def first_packet(self) -> tuple[bytes, bool]:
        """The first packet on it, and whether that ends on it."""
        size = 0
        for part in self.sizes:
            size += part
            if part < 255:
                return self.body[:size], True
        return self.body, False


def _pages(file: IO[bytes]) -> Iterator[_Page]:
    """The pages up to the first damage."""
    while True:
        head = file.read(_PAGE_HEAD)
        if len(head) < _PAGE_HEAD or head[:4] != b"OggS":
            return
        sizes = file.read(head[26])
        yield _Page(head[14:18], bool(head[5] & 0x02), sizes, file.read(sum(sizes)))

"""ID3v2 tags of any origin brought into a plain form of bounded size, before mutagen reads them.

A tag may claim more bytes than there are, unpack to gigabytes, or hold tags within tags without
end. What comes out has no compression, no escaped bytes and no extended header, and its frames lie
inside it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from qwen_audio_agent.audio.tags.values import MAX_BYTES

MAX_FRAMES: Final = 100_000
"""Of a tag, those within chapters included."""
_HEADER: Final = 10
_HAS_FRAMES: Final = {b"CHAP": 17, b"CTOC": 2}
_KNOWN_VERSIONS: Final = (2, 3, 4)


@dataclass(slots=True)
class _Budget:
    """What may still be read of one tag."""

    frames: int = MAX_FRAMES
    bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class _Raw:
    """A frame as it lies in the tag."""

    id: bytes
    flags: int
    data: bytes


def tag_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that begins with these 10, its header included; 0 if none does.

    Source: ID3v2.4.0 section 3.1.
    """
    if len(head) < _HEADER or head[:3] != b"ID3":
        return 0
    return _HEADER + _syncsafe(head[6:10]) + _HEADER * bool(head[5] & 0x10)


def clean_id3(tag: bytes, notes: list[str]) -> bytes:
    """A whole ID3v2 tag in plain form, of the same version; b"" if it cannot be read at all.

    Args:
        tag: from its header on; may be cut off or damaged.
        notes: is told what was left out.
    """
    if not tag_size(tag[:_HEADER]) or tag[3] not in _KNOWN_VERSIONS:
        notes.append("its ID3 tag is of no known version, and is not carried over")
        return b""
    version, flags = tag[3], tag[5]
    if tag_size(tag[:_HEADER]) > len(tag):
        notes.append("its ID3 tag is cut off; what is left of it is carried over")
    body = tag[_HEADER : _HEADER + _syncsafe(tag[6:10])]
    if flags & 0x80 and version < 4:
        body = _without_escapes(body)
    if flags & 0x40 and version > 2:
        body = body[_extended_header_size(body, version) :]
    frames = _clean_frames(body, version, notes, is_escaped=bool(flags & 0x80))
    return b"ID3" + bytes((version, 0, 0)) + _to_syncsafe(len(frames)) + frames


def with_chapters_in_order(tag: bytes) -> bytes:
    """A tag in plain form, of the same length, whose chapters lie in it in order of their starts.

    mutagen writes small frames first, and some players show chapters as they lie in the file.
    """
    version = tag[3]
    end = _HEADER + _syncsafe(tag[6:_HEADER])
    frames = _split(tag[_HEADER:end], version, is_syncsafe=version == 4)
    order = sorted(frames, key=lambda raw: (raw.id == b"CHAP", _start_of_chapter(raw)))
    body = b"".join(_framed(raw.id, raw.data, version) for raw in order)
    return tag[:_HEADER] + body.ljust(end - _HEADER, b"\0") + tag[end:]


def _start_of_chapter(raw: _Raw) -> int:
    at = raw.data.find(b"\0") + 1
    return int.from_bytes(raw.data[at : at + 4], "big") if raw.id == b"CHAP" else 0


def _clean_frames(body: bytes, version: int, notes: list[str], *, is_escaped: bool) -> bytes:
    """The frames of a tag, one after the other in plain form."""
    result, budget = bytearray(), _Budget()
    for raw in _frames(body, version):
        budget.frames -= 1
        if budget.frames < 0:
            _note(notes, f"its ID3 tag has over {MAX_FRAMES} frames; the rest is left out")
            break
        data = _plain(raw, version, is_escaped=is_escaped, most=min(budget.bytes, MAX_BYTES))
        if data is None:
            name = raw.id.decode("ascii", "replace")
            _note(notes, f"the ID3 frame {name} is encrypted, damaged or too large: left out")
            continue
        if raw.id in _HAS_FRAMES:
            at = _start_of_inner(raw.id, data)
            data = data[:at] + _clean_inner(data[at:], version, budget, notes)
        budget.bytes -= len(data)
        result += _framed(raw.id, data, version)
    return bytes(result)


def _clean_inner(body: bytes, version: int, budget: _Budget, notes: list[str]) -> bytes:
    """The frames within a chapter; a chapter in there goes, since it could hold others."""
    result = bytearray()
    for raw in _frames(body, version):
        budget.frames -= 1
        data = _plain(raw, version, is_escaped=False, most=min(budget.bytes, MAX_BYTES))
        if budget.frames < 0 or data is None or raw.id in _HAS_FRAMES:
            _note(notes, "a part of a chapter in its ID3 tag cannot be read: left out")
            continue
        budget.bytes -= len(data)
        result += _framed(raw.id, data, version)
    return bytes(result)


def _framed(name: bytes, data: bytes, version: int) -> bytes:
    """A frame without flags. Source: section 4 of ID3v2.4.0, 3.3 of ID3v2.3.0, 3.2 of ID3v2.2.0."""
    if version == 2:
        return name + len(data).to_bytes(3, "big") + data
    size = _to_syncsafe(len(data)) if version == 4 else len(data).to_bytes(4, "big")
    return name + size + bytes(2) + data


def _frames(body: bytes, version: int) -> list[_Raw]:
    """The frames that lie wholly in `body`, up to the padding or the first that does not."""
    if version == 4:
        # Old programs wrote plain sizes into version 4, where they have 7 bits a byte.
        both = [_split(body, version, is_syncsafe=safe) for safe in (True, False)]
        return max(both, key=len)
    return _split(body, version, is_syncsafe=False)


def _split(body: bytes, version: int, *, is_syncsafe: bool) -> list[_Raw]:
    id_bytes, head_bytes = (3, 6) if version == 2 else (4, 10)
    frames: list[_Raw] = []
    at = 0
    while at + head_bytes <= len(body) and len(frames) <= MAX_FRAMES:
        name = body[at : at + id_bytes]
        if not all(48 <= byte <= 57 or 65 <= byte <= 90 for byte in name):
            break
        field = body[at + id_bytes : at + 2 * id_bytes]
        size = _syncsafe(field) if is_syncsafe else int.from_bytes(field, "big")
        if at + head_bytes + size > len(body) or (is_syncsafe and max(field) > 127):
            break
        flags = body[at + 9] if version > 2 else 0
        if size:
            frames.append(_Raw(name, flags, body[at + head_bytes : at + head_bytes + size]))
        at += head_bytes + size
    return frames


def _plain(raw: _Raw, version: int, *, is_escaped: bool, most: int) -> bytes | None:
    """What a frame holds; None if it is encrypted, damaged or longer than `most` bytes.

    Source: ID3v2.3.0 section 3.3.1, ID3v2.4.0 section 4.1.2.
    """
    data, flags = raw.data, raw.flags
    if version == 3:
        is_packed, is_secret = flags & 0x80, flags & 0x40
        skip = int(flags & 0x20 > 0) + 4 * int(is_packed > 0)
    else:
        is_packed, is_secret = flags & 0x08, flags & 0x04
        skip = int(flags & 0x40 > 0) + 4 * (flags & 0x01)
        if version == 4 and (is_escaped or flags & 0x02):
            data = _without_escapes(data)
    if is_secret or len(data) < skip:
        return None
    data = data[skip:]
    if is_packed:
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(data, most + 1)
        except zlib.error:
            return None
    return data if len(data) <= most else None


def _start_of_inner(name: bytes, data: bytes) -> int:
    """Where in a CHAP or CTOC the frames within it begin. Source: ID3v2 Chapter Frame 1.0."""
    end_of_id = data.find(b"\0")
    if end_of_id < 0:
        return len(data)
    at = end_of_id + _HAS_FRAMES[name]
    if name == b"CHAP":
        return min(at, len(data))
    at += 1
    for _ in range(data[at - 1] if at <= len(data) else 0):
        end = data.find(b"\0", at)
        if end < 0:
            return len(data)
        at = end + 1
    return min(at, len(data))


def _extended_header_size(body: bytes, version: int) -> int:
    if version == 3:
        return 4 + int.from_bytes(body[:4], "big")
    return _syncsafe(body[:4])


def _without_escapes(data: bytes) -> bytes:
    """Undo unsynchronisation: FF 00 stands for FF. Source: ID3v2.4.0 section 6.1."""
    return data.replace(b"\xff\x00", b"\xff")


def _syncsafe(data: bytes) -> int:
    size = 0
    for byte in data:
        size = size << 7 | byte & 0x7F
    return size


def _to_syncsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def _note(notes: list[str], text: str) -> None:
    """Say a thing once, however often a hostile tag gives cause."""
    if text not in notes and len(notes) < 20:
        notes.append(text)

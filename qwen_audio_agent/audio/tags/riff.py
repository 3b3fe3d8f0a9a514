"""The chunks of wav and aiff files that are not sound: texts, markers, broadcast data, ID3.

Source: Microsoft, Multimedia Programming Interface and Data Specifications 1.0 (RIFF, LIST-INFO,
cue, adtl); EBU Tech 3285 (bext) and 3306 (RF64); the `id3 ` chunk as other programs write it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, Literal

from qwen_audio_agent.audio.tags.values import MAX_BYTES, Chapter, Tags, clean_text, in_order

KIND: Final = "RIFF"
_KEPT: Final = (b"bext", b"iXML", b"axml", b"_PMX")
_MAX_CHUNKS: Final = 50_000
_NAMES: Final = {
    "title": b"INAM",
    "artist": b"IART",
    "album": b"IPRD",
    "tracknumber": b"ITRK",
    "date": b"ICRD",
    "genre": b"IGNR",
    "comment": b"ICMT",
    "copyright": b"ICOP",
    "language": b"ILNG",
    "software": b"ISFT",
}
_FIELDS: Final = {name: field for field, name in _NAMES.items()} | {b"IPRT": "tracknumber"}
_CUE: Final = "cue:"
# Offsets in bext. Source: EBU Tech 3285 version 2, section 2.3.
_TIME, _VERSION, _LOUDNESS, _END_OF_LOUDNESS = 338, 346, 412, 422
_UNSET: Final = (0x7FFF).to_bytes(2, "little")
_BIG_ENDIAN: Final = (b"FORM", b"RIFX")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What only such a file has.

    Attributes:
        info: the texts of LIST-INFO, each with its name.
        chunks: others that are kept as they are, each with its name.
        labels: of LIST-adtl what is more than a title: by number of the marker.
    """

    info: tuple[tuple[bytes, bytes], ...] = ()
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    labels: tuple[tuple[int, bytes, bytes], ...] = ()


def read_riff(file: IO[bytes], sample_rate: int, num_frames: int) -> tuple[Tags, bytes]:
    """What a wav or aiff file says, and its ID3 tag, or b"".

    Args:
        file: at its first byte.
        sample_rate: of the sound, in Hz.
        num_frames: of the sound.
    """
    notes: list[str] = []
    order, chunks = _chunks(file, notes)
    info: list[tuple[bytes, bytes]] = []
    kept: list[tuple[bytes, bytes]] = []
    labels: list[tuple[int, bytes, bytes]] = []
    cue = id3 = b""
    for name, data in chunks:
        if name == b"LIST" and data[:4] == b"INFO":
            info += _parts(data[4:])
        elif name == b"LIST" and data[:4] == b"adtl":
            labels += [
                (int.from_bytes(part[:4], "little"), kind, part[4:])
                for kind, part in _parts(data[4:])
            ]
        elif name == b"cue " and order == "little":
            cue = data
        elif name in (b"id3 ", b"ID3 "):
            id3 = data
        elif name in _KEPT:
            kept.append((name, data))
    chapters = in_order(list(_markers(cue, labels)), num_frames, notes)
    more = tuple(label for label in labels if label[1] != b"labl")
    native = _Kept(tuple(info), tuple(kept), more)
    tags = Tags(sample_rate, _fields(info, kept), (), chapters, notes=tuple(notes))
    return replace(tags, native={KIND: native} if native != _Kept() else {}), id3


def write_riff(path: Path, tags: Tags, id3: bytes) -> None:
    """Put tags behind the sound of a wav or aiff file.

    Args:
        path: a file that was just written.
        tags: with times in its frames.
        id3: a whole ID3 tag for it, or b"".
    """
    kept: _Kept = tags.native.get(KIND, _Kept())
    with path.open("r+b") as file:
        form = file.read(4)
        if form in _BIG_ENDIAN:
            added = [(b"ID3 ", id3)]
        else:
            info = kept.info or tuple(_new_info(tags))
            added = [(name, _updated(name, data, tags)) for name, data in kept.chunks]
            added.append((b"LIST", _listed(b"INFO", info)))
            added += _marker_chunks(tags, kept)
            added.append((b"id3 ", id3))
        _append(file, form, [(name, data) for name, data in added if data])


def without_loudness(kept: _Kept) -> _Kept:
    """The same without the loudness in the broadcast data, which was that of the old sound."""
    chunks = []
    for name, data in kept.chunks:
        fresh = data
        version = int.from_bytes(data[_VERSION : _VERSION + 2], "little")
        if name == b"bext" and len(data) >= _END_OF_LOUDNESS and version >= 2:
            fresh = data[:_LOUDNESS] + _UNSET * 5 + data[_END_OF_LOUDNESS:]
        chunks.append((name, fresh))
    return replace(kept, chunks=tuple(chunks))


def own_names(kept: _Kept) -> Iterator[str]:
    """What only a wav file says, by the names that it has there."""
    names = [name for name, _ in kept.info if name not in _FIELDS]
    names += [name for name, _ in kept.chunks]
    yield from (name.decode("latin-1") for name in names)
    # The lengths of markers are those of their chapters.
    kinds = [kind for _, kind, _ in kept.labels if kind != b"ltxt"]
    yield from (f"{kind.decode('latin-1')} of a marker" for kind in kinds)


def is_marker(chapter: Chapter) -> bool:
    """Whether a chapter is a marker of a wav file, which its ID3 tag does not have."""
    return chapter.key.startswith(_CUE)


def holds_in_info(tags: Tags) -> bool:
    """Whether LIST-INFO and markers have a place for all that tags say."""
    plain = all(not chapter.url and not chapter.picture for chapter in tags.chapters)
    known = KIND in tags.native or tags.fields.keys() <= _NAMES.keys()
    return known and plain and not tags.pictures and not tags.timed


def _chunks(
    file: IO[bytes], notes: list[str]
) -> tuple[Literal["big", "little"], list[tuple[bytes, bytes]]]:
    """The byte order of a file and its chunks but for the sound."""
    form = file.read(12)[:4]
    order: Literal["big", "little"] = "big" if form in _BIG_ENDIAN else "little"
    found: list[tuple[bytes, bytes]] = []
    wide_data = 0
    left = MAX_BYTES
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = head[:4], int.from_bytes(head[4:], order)
        if name == b"ds64":
            data = file.read(size + size % 2)
            wide_data = int.from_bytes(data[8:16], "little")
        elif name in (b"LIST", b"cue ", b"id3 ", b"ID3 ", *_KEPT) and size <= left:
            data = file.read(size)
            if len(data) < size:
                notes.append(f"its tags ({name.decode('ascii')}) are cut off")
            found.append((name, data))
            left -= size
            file.seek(size % 2, os.SEEK_CUR)
        else:
            if name in (b"LIST", b"cue ", b"id3 ", b"ID3 ", *_KEPT):
                notes.append(f"tags of it over {MAX_BYTES >> 20} MB are not read")
            if name == b"data" and size == 0xFFFFFFFF:
                size = wide_data
            file.seek(size + size % 2, os.SEEK_CUR)
    return order, found


def _parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of the chunks within a list, up to the first damage."""
    at = 0
    for _ in range(_MAX_CHUNKS):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if len(name) < 4 or at + 8 + size > len(data):
            return
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _text(data: bytes) -> str:
    """A text of a time when every country had its own letters; UTF-8 where it can be that."""
    data = data.split(b"\0")[0]
    try:
        return clean_text(data.decode("utf-8"))
    except UnicodeDecodeError:
        return clean_text(data.decode("cp1252", "replace"))


def _fields(
    info: list[tuple[bytes, bytes]], chunks: list[tuple[bytes, bytes]]
) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for name, data in info:
        if name in _FIELDS and (text := _text(data)):
            fields.setdefault(_FIELDS[name], (text,))
    for name, data in chunks:
        if name == b"bext":
            places = {"description": (0, 256), "artist": (256, 288), "date": (320, 330)}
            for field, (start, end) in places.items():
                if text := _text(data[start:end]):
                    fields.setdefault(field, (text,))
    return fields


def _markers(cue: bytes, labels: list[tuple[int, bytes, bytes]]) -> Iterator[Chapter]:
    titles = {number: _text(data) for number, kind, data in labels if kind == b"labl"}
    lengths = {
        number: int.from_bytes(data[:4], "little")
        for number, kind, data in labels
        if kind == b"ltxt"
    }
    count = min(int.from_bytes(cue[:4], "little"), (len(cue) - 4) // 24)
    for at in range(4, 4 + 24 * count, 24):
        number, start = struct.unpack_from("<I16xI", cue, at)
        end = start + lengths[number] if lengths.get(number) else -1
        yield Chapter(start, end, titles.get(number, ""), key=f"{_CUE}{number}")


def _new_info(tags: Tags) -> Iterator[tuple[bytes, bytes]]:
    for field, name in _NAMES.items():
        if texts := tags.fields.get(field):
            yield name, texts[0].encode() + b"\0"


def _listed(kind: bytes, parts: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """A list chunk of these parts; b"" if there are none."""
    listed = b"".join(
        name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2) for name, data in parts
    )
    return kind + listed if listed else b""


def _updated(name: bytes, data: bytes, tags: Tags) -> bytes:
    """A kept chunk; the broadcast data count their time from the new first frame."""
    if name != b"bext" or len(data) < _VERSION:
        return data
    time = int.from_bytes(data[_TIME : _TIME + 8], "little")
    moved = min(max(0, time + tags.origin), (1 << 64) - 1)
    return data[:_TIME] + moved.to_bytes(8, "little") + data[_TIME + 8 :]


def _marker_chunks(tags: Tags, kept: _Kept) -> list[tuple[bytes, bytes]]:
    """The markers and their labels.

    Their numbers begin with 0, at those that are chapters of the ID3 tag as well: FFmpeg counts
    the chapters of the tag from there, and takes what has the same number for one.
    """
    more: dict[int, list[tuple[bytes, bytes]]] = {}
    for number, kind, data in kept.labels:
        more.setdefault(number, []).append((kind, data))
    points: list[bytes] = []
    labels: list[tuple[bytes, bytes]] = []
    ordered = sorted(range(len(tags.chapters)), key=lambda i: is_marker(tags.chapters[i]))
    numbers = {at: number for number, at in enumerate(ordered)}
    for at, chapter in enumerate(tags.chapters):
        number = numbers[at]
        start = min(chapter.start, 0xFFFFFFFF)
        points.append(struct.pack("<II4sIII", number, start, b"data", 0, 0, start))
        own = number.to_bytes(4, "little")
        if chapter.title:
            labels.append((b"labl", own + chapter.title.encode() + b"\0"))
        old = chapter.key.removeprefix(_CUE)
        for kind, data in more.get(int(old), ()) if is_marker(chapter) else ():
            fresh = data
            if kind == b"ltxt":
                length = chapter.end - chapter.start if any(data[:4]) else 0
                fresh = length.to_bytes(4, "little") + data[4:]
            labels.append((kind, own + fresh))
    cue = len(points).to_bytes(4, "little") + b"".join(points) if points else b""
    return [(b"cue ", cue), (b"LIST", _listed(b"adtl", tuple(labels)))]


def _append(file: IO[bytes], form: bytes, chunks: list[tuple[bytes, bytes]]) -> None:
    """Write chunks at the end and set the size that the file says it has."""
    order: Literal["big", "little"] = "big" if form in _BIG_ENDIAN else "little"
    end = file.seek(0, os.SEEK_END)
    file.write(bytes(end % 2))
    for name, data in chunks:
        file.write(name + len(data).to_bytes(4, order) + data + bytes(len(data) % 2))
    size = file.tell() - 8
    if form == b"RF64":
        file.seek(20)  # ds64 comes first, and the size first in it
        file.write(size.to_bytes(8, "little"))
    else:
        file.seek(4)
        file.write(size.to_bytes(4, order))

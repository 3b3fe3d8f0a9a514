"""The metadata blocks of flac files: comments, pictures, cue sheets.

Source: xiph.org, the FLAC format, metadata blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from qwen_audio_agent.audio.tags.values import (
    MAX_BYTES,
    Chapter,
    Tags,
    TimedText,
    in_order,
)
from qwen_audio_agent.audio.tags.vorbis import (
    make_pairs,
    read_comment,
    read_picture,
    tags_of,
    write_picture,
)

KIND: Final = "FLAC"
_APPLICATION, _COMMENT, _CUE_SHEET, _PICTURE = 2, 4, 5, 6
_CUE_HEAD: Final = 396
_CUE_TRACK: Final = 36
_CUE_INDEX: Final = 12
_CUE: Final = "CUESHEET"
_MOST_IN_BLOCK: Final = (1 << 24) - 1


@dataclass(frozen=True, slots=True)
class _Kept:
    """What only a flac file has: a cue sheet, and blocks of other programs."""

    cue_sheet: bytes
    applications: tuple[bytes, ...]


def read_flac(file: IO[bytes], sample_rate: int, num_frames: int) -> Tags:
    """What a flac file says.

    Args:
        file: at its first byte.
        sample_rate: of the sound, in Hz.
        num_frames: of the sound.
    """
    notes: list[str] = []
    blocks = _blocks(file, notes)
    comments = [data for kind, data in blocks if kind == _COMMENT]
    pairs = read_comment(comments[0], notes) if comments else ()
    read = [read_picture(data) for kind, data in blocks if kind == _PICTURE]
    pictures = [picture for picture in read if picture]
    if len(pictures) < len(read):
        notes.append("a picture in it cannot be read")
    sheets = [data for kind, data in blocks if kind == _CUE_SHEET]
    kept = _Kept(
        sheets[0] if sheets else b"", tuple(data for kind, data in blocks if kind == _APPLICATION)
    )
    tags = tags_of(pairs, sample_rate, num_frames, notes, pictures)
    if kept == _Kept(b"", ()):
        return tags
    places = in_order(list(_cue_places(kept.cue_sheet)), num_frames, notes)
    timed = tuple(TimedText(place.start, place.end, place.title, _CUE) for place in places)
    native = {**tags.native, KIND: kept}
    return Tags(
        sample_rate,
        tags.fields,
        tags.pictures,
        tags.chapters,
        (*tags.timed, *timed),
        native,
        notes=tuple(notes),
    )


def write_flac(path: Path, tags: Tags, num_frames: int) -> None:
    """Put tags into a flac file.

    Args:
        path: a file that was just written.
        tags: with times in its frames.
        num_frames: its length.
    """
    from mutagen.flac import FLAC, MetadataBlock

    flac = FLAC(path)
    if flac.tags is None:
        flac.add_tags()
    flac.tags[:] = [(name, value) for name, value in make_pairs(tags)]
    kept: _Kept | None = tags.native.get(KIND)
    blocks = [(_PICTURE, write_picture(picture)) for picture in tags.pictures]
    if kept:
        blocks += [(_APPLICATION, data) for data in kept.applications]
        if sheet := _cue_sheet(kept.cue_sheet, tags, num_frames):
            blocks.append((_CUE_SHEET, sheet))
    for kind, data in blocks:
        if len(data) <= _MOST_IN_BLOCK:
            block = MetadataBlock(data)
            block.code = kind
            flac.metadata_blocks.append(block)
    flac.save()


def own_names(kept: _Kept) -> Iterator[str]:
    """What only a flac file has."""
    if kept.cue_sheet:
        yield "its cue sheet"
    for data in kept.applications:
        yield f"a block of {data[:4].decode('ascii', 'replace')}"


def _blocks(file: IO[bytes], notes: list[str]) -> list[tuple[int, bytes]]:
    """The metadata blocks, each with its kind, as far as they are whole and not too large."""
    if file.read(4) != b"fLaC":
        notes.append("its tags cannot be read: it does not begin as a flac file")
        return []
    blocks: list[tuple[int, bytes]] = []
    left = MAX_BYTES
    is_last = False
    while not is_last and len(head := file.read(4)) == 4:
        is_last, kind = bool(head[0] & 0x80), head[0] & 0x7F
        size = int.from_bytes(head[1:], "big")
        left -= size
        if left < 0:
            notes.append(f"its tags over {MAX_BYTES >> 20} MB are not read")
            break
        data = file.read(size)
        if len(data) < size:
            notes.append("its tags are cut off")
            break
        if kind in (_APPLICATION, _COMMENT, _CUE_SHEET, _PICTURE):
            blocks.append((kind, data))
    return blocks


def _cue_places(sheet: bytes) -> list[Chapter]:
    """The tracks of a cue sheet, but for the last, which is where the sound ends."""
    return [
        Chapter(start, -1, title=str(at)) for at, start, number, _ in _cue_tracks(sheet) if number
    ]


def _cue_tracks(sheet: bytes) -> list[tuple[int, int, int, int]]:
    """(place in the block, frame, number or 0 for the end, size in the block) of each track."""
    tracks: list[tuple[int, int, int, int]] = []
    at = _CUE_HEAD
    for _ in range(sheet[_CUE_HEAD - 1] if len(sheet) >= _CUE_HEAD else 0):
        if at + _CUE_TRACK > len(sheet):
            break
        size = _CUE_TRACK + _CUE_INDEX * sheet[at + 35]
        number = sheet[at + 8] if sheet[at + 8] not in (170, 255) else 0
        tracks.append((at, int.from_bytes(sheet[at : at + 8], "big"), number, size))
        at += size
    return tracks


def _cue_sheet(sheet: bytes, tags: Tags, num_frames: int) -> bytes:
    """A cue sheet with the tracks that are left, at their new places; b"" if none is left."""
    starts = {int(text.text): text.start for text in tags.timed if text.key == _CUE}
    if not starts:
        return b""
    tracks = []
    for at, _, number, size in _cue_tracks(sheet):
        if number and at not in starts:
            continue
        start = starts.get(at, num_frames)
        # Only the first index of a track, which is its start, has a place that is known.
        indexes = sheet[at + _CUE_TRACK : at + size]
        first = [i for i in range(0, len(indexes), _CUE_INDEX) if not any(indexes[i : i + 8])]
        kept = indexes[first[0] : first[0] + _CUE_INDEX] if first else b""
        head = sheet[at + 8 : at + 35]
        tracks.append((start, start.to_bytes(8, "big") + head + bytes([len(kept) > 0]) + kept))
    tracks.sort(key=lambda track: track[0])
    start_of_sheet = bytearray(sheet[: _CUE_HEAD - 1])
    start_of_sheet[136] &= 0x7F  # no copy of a compact disc any more
    return bytes(start_of_sheet) + bytes([len(tracks)]) + b"".join(data for _, data in tracks)

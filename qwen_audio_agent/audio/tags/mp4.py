"""The tags of m4a and mp4 files: the list that iTunes writes, covers, and both kinds of chapters.

FFmpeg reads and writes the chapters, as a text track (QuickTime) and as a list (Nero, `chpl`).
Source: ISO/IEC 14496-12 for atoms; developer.apple.com, QuickTime File Format; mutagen's mp4.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Final

from qwen_audio_agent.audio.tags.lrc import lyrics_of, parse_lrc, to_lrc
from qwen_audio_agent.audio.tags.values import (
    DAMAGED,
    MAX_BYTES,
    Chapter,
    Picture,
    Tags,
    clean_text,
)

KIND: Final = "MP4"
_MAX_ATOMS: Final = 20_000
_TEXTS: Final = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album": "\xa9alb",
    "albumartist": "aART",
    "composer": "\xa9wrt",
    "date": "\xa9day",
    "genre": "\xa9gen",
    "comment": "\xa9cmt",
    "description": "desc",
    "copyright": "cprt",
    "lyrics": "\xa9lyr",
    "software": "\xa9too",
}
_NUMBERS: Final = {"tracknumber": "trkn", "discnumber": "disk"}
_FREE: Final = "----:com.apple.iTunes:"
_FREE_TEXTS: Final = {
    "language": "LANGUAGE",
    "license": "LICENSE",
    "publisher": "LABEL",
    "url": "URL",
}
# How many samples the old encoder put around the sound, and of how loud sound.
_STALE: Final = (_FREE + "iTunSMPB",)
_LOUDNESS: Final = ("replaygain_", "itunnorm", "r128_")


def read_mp4(file: IO[bytes], sample_rate: int, num_frames: int) -> Tags:
    """What the list of an m4a or mp4 file says; its chapters are read by FFmpeg.

    Args:
        file: at its first byte.
        sample_rate: of the sound, in Hz.
        num_frames: of the sound.
    """
    notes: list[str] = []
    listed = _list_atom(file, notes)
    values = parsed(listed, notes) if listed else {}
    if not values:
        return Tags(sample_rate, notes=tuple(notes))
    covers = [Picture(bytes(cover), _mime(cover)) for cover in values.get("covr", ()) if len(cover)]
    fields = dict(_fields(values))
    timed = parse_lrc("\n".join(fields.get("lyrics", ())), sample_rate, num_frames)
    if timed:
        del fields["lyrics"]
    native = {KIND: listed}
    return Tags(sample_rate, fields, tuple(covers), (), timed, native, notes=tuple(notes))


def parsed(listed: bytes, notes: list[str]) -> dict[str, Any]:
    """The values of a list by name, as mutagen gives them.

    Args:
        listed: what is in the `ilst` atom.
        notes: is told if it cannot be read.
    """
    from mutagen import MutagenError
    from mutagen.mp4 import Atoms, MP4Tags

    inner = _atom(b"ilst", listed)
    for name in (b"meta", b"udta", b"moov"):
        inner = _atom(name, (bytes(4) if name == b"meta" else b"") + inner)
    file = io.BytesIO(inner)
    try:
        return dict(MP4Tags(Atoms(file), file))
    except (MutagenError, *DAMAGED) as error:
        notes.append(f"its tags cannot be read: {' '.join(str(error).split())[:100]}")
        return {}


def without_loudness(listed: bytes) -> bytes:
    """A list without what it says of the old sound's loudness."""
    kept = bytearray()
    for name, start, end in _children(listed):
        is_stale = name == b"----" and any(
            word in listed[start : min(end, start + 200)].lower()
            for word in (text.encode() for text in _LOUDNESS)
        )
        if not is_stale:
            kept += _atom(name, listed[start:end])
    return bytes(kept)


def own_names(listed: bytes) -> Iterator[str]:
    """What only such a list says, by its names there: `purl`, `pcst`."""
    common = {*_TEXTS.values(), *_NUMBERS.values(), "covr", *_STALE}
    common |= {_FREE + name for name in _FREE_TEXTS.values()}
    for name, value in parsed(listed, []).items():
        if name not in common and value not in (False, [], [0]):
            yield name.rpartition(":")[2]


def write_mp4(path: Path, tags: Tags) -> None:
    """Put texts and covers into a file that was just written with its chapters.

    Args:
        path: the file.
        tags: what it is to say.
    """
    from mutagen.mp4 import MP4

    mp4 = MP4(path)
    if mp4.tags is None:
        mp4.add_tags()
    listed = tags.native.get(KIND)
    values = parsed(listed, []) if listed else dict(_new_values(tags))
    for name, value in values.items():
        if name not in _STALE:
            mp4.tags[name] = value
    lyrics = values.get(_TEXTS["lyrics"], [""])[0]
    if lines := lyrics_of(tags.timed, unless="CUESHEET"):
        mp4.tags[_TEXTS["lyrics"]] = [to_lrc(lines, tags.sample_rate)]
    elif parse_lrc(str(lyrics), 1, 1 << 40):
        del mp4.tags[_TEXTS["lyrics"]]
    mp4.save()


def chapters_for_ffmpeg(tags: Tags) -> list[dict[str, Any]]:
    """Chapters as PyAV's `set_chapters` takes them; one without a title has its number."""
    return [
        {
            "id": number,
            "start": chapter.start,
            "end": chapter.end,
            "time_base": Fraction(1, tags.sample_rate),
            "metadata": {"title": chapter.title or f"Chapter {number}"},
        }
        for number, chapter in enumerate(tags.chapters, 1)
    ]


def chapters_of_ffmpeg(found: list[Any], sample_rate: int) -> Iterator[Chapter]:
    """Chapters as PyAV reads them, with frames at `sample_rate` Hz."""
    for chapter in found:
        scale = Fraction(chapter["time_base"]) * sample_rate
        title = clean_text(chapter["metadata"].get("title", ""))
        yield Chapter(round(chapter["start"] * scale), round(chapter["end"] * scale), title)


def _fields(values: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for field, name in _TEXTS.items():
        texts = _clean(values.get(name, ()))
        if texts and not texts[0].startswith("Lavf"):  # FFmpeg, which wrote no more than the file
            yield field, texts
    for field, name in _NUMBERS.items():
        if pairs := values.get(name):
            number, total = pairs[0]
            yield field, (f"{number}/{total}" if total else str(number),)
    for field, name in _FREE_TEXTS.items():
        free = values.get(_FREE + name, ())
        if clean := _clean(bytes(value).decode("utf-8", "replace") for value in free):
            yield field, clean


def _clean(texts: Any) -> tuple[str, ...]:
    return tuple(text for text in map(clean_text, map(str, texts)) if text)


def _new_values(tags: Tags) -> Iterator[tuple[str, Any]]:
    from mutagen.mp4 import MP4Cover, MP4FreeForm

    for field, texts in tags.fields.items():
        if field in _TEXTS:
            yield _TEXTS[field], list(texts)
        elif field in _FREE_TEXTS:
            yield _FREE + _FREE_TEXTS[field], [MP4FreeForm(text.encode()) for text in texts]
        elif field in _NUMBERS:
            number, _, total = texts[0].partition("/")
            if number.isdecimal() and int(number) < 1 << 16:
                most = int(total) if total.isdecimal() and int(total) < 1 << 16 else 0
                yield _NUMBERS[field], [(int(number), most)]
    kinds = {"image/png": MP4Cover.FORMAT_PNG, "image/jpeg": MP4Cover.FORMAT_JPEG}
    covers = [MP4Cover(p.data, kinds[p.mime]) for p in tags.pictures if p.mime in kinds]
    if covers:
        yield "covr", covers


def _mime(cover: Any) -> str:
    return "image/png" if bytes(cover[:8]) == b"\x89PNG\r\n\x1a\n" else "image/jpeg"


def _list_atom(file: IO[bytes], notes: list[str]) -> bytes:
    """What is in the atom moov.udta.meta.ilst; b"" if there is none that can be read."""
    start, end = 0, file.seek(0, io.SEEK_END)
    for name in (b"moov", b"udta", b"meta", b"ilst"):
        found = next((at for at in _atoms(file, start, end) if at[0] == name), None)
        if found is None:
            return b""
        _, start, end = found
        if name == b"meta":
            start += 4
    if end - start > MAX_BYTES:
        notes.append(f"its tags are not read, being over {MAX_BYTES >> 20} MB")
        return b""
    file.seek(start)
    listed = file.read(end - start)
    children = list(_children(listed))
    if len(children) > _MAX_ATOMS:
        notes.append(f"its tags are not read, being over {_MAX_ATOMS}")
        return b""
    return b"".join(_atom(name, listed[first:last]) for name, first, last in children)


def _atoms(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of what is in each atom between two places, up to the first damage."""
    for _ in range(_MAX_ATOMS):
        file.seek(start)
        head = file.read(16)
        if len(head) < 8 or start + 8 > end:
            return
        size, skip = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:], "big"), 16
        elif size == 0:
            size = end - start
        if size < skip or start + size > end:
            return
        yield head[4:8], start + skip, start + size
        start += size


def _children(listed: bytes) -> Iterator[tuple[bytes, int, int]]:
    return _atoms(io.BytesIO(listed), 0, len(listed))


def _atom(name: bytes, data: bytes) -> bytes:
    return (len(data) + 8).to_bytes(4, "big") + name + data

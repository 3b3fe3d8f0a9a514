"""Vorbis comments: NAME=text pairs, as flac, ogg and opus have them.

Source: xiph.org, Vorbis I section 5; the chapter extension CHAPTERxxx; METADATA_BLOCK_PICTURE of
the FLAC format.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from qwen_audio_agent.audio.tags.lrc import lyrics_of, parse_lrc, to_lrc
from qwen_audio_agent.audio.tags.values import (
    FRONT_COVER,
    MAX_BYTES,
    Chapter,
    Picture,
    Tags,
    TimedText,
    clean_text,
    in_order,
    time_of,
)

Pairs = tuple[tuple[str, str], ...]

KIND: Final = "VORBIS"
_MAX_PAIRS: Final = 100_000
_NAMES: Final = {
    "title": "TITLE",
    "artist": "ARTIST",
    "album": "ALBUM",
    "albumartist": "ALBUMARTIST",
    "composer": "COMPOSER",
    "tracknumber": "TRACKNUMBER",
    "discnumber": "DISCNUMBER",
    "date": "DATE",
    "genre": "GENRE",
    "comment": "COMMENT",
    "description": "DESCRIPTION",
    "copyright": "COPYRIGHT",
    "license": "LICENSE",
    "language": "LANGUAGE",
    "lyrics": "LYRICS",
    "publisher": "PUBLISHER",
    "url": "URL",
    "software": "SOFTWARE",
}
_OTHER_NAMES: Final = {
    "UNSYNCEDLYRICS": "lyrics",
    "SYNCEDLYRICS": "lyrics",
    "ORGANIZATION": "publisher",
    "LABEL": "publisher",
    "CONTACT": "url",
    "WEBSITE": "url",
}
_FIELDS: Final = {name: field for field, name in _NAMES.items()} | _OTHER_NAMES
_CHAPTER: Final = re.compile(r"CHAPTER(\d{1,6})(NAME|URL)?", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)
_PICTURE: Final = "METADATA_BLOCK_PICTURE"
_OLD_PICTURE: Final = "COVERART"
# What the encoder says of itself; the new one does so too.
_STALE: Final = ("ENCODER", "CUESHEET", "LENGTH")
_LOUDNESS: Final = ("REPLAYGAIN_", "R128_", "MP3GAIN_", "ITUNNORM")


def read_comment(data: bytes, notes: list[str]) -> Pairs:
    """The pairs of a comment packet or block, without a header of its container.

    Args:
        data: from the length of the vendor's name on; may be damaged.
        notes: is told what cannot be read.
    """
    pairs: list[tuple[str, str]] = []
    at = 4 + int.from_bytes(data[:4], "little")
    claimed = int.from_bytes(data[at : at + 4], "little")
    at += 4
    for _ in range(min(claimed, _MAX_PAIRS)):
        size = int.from_bytes(data[at : at + 4], "little")
        text = data[at + 4 : at + 4 + size]
        if at + 4 > len(data) or len(text) < size:
            break
        at += 4 + size
        name, sign, value = text.decode("utf-8", "replace").partition("=")
        if sign and name and all(" " <= letter <= "}" for letter in name):
            pairs.append((name, value))
        else:
            claimed -= 1
    if len(pairs) < claimed:
        notes.append(f"only {len(pairs)} of its {claimed} comments can be read")
    return tuple(pairs)


def tags_of(
    pairs: Pairs, sample_rate: int, num_frames: int, notes: list[str], blocks: Sequence[Picture]
) -> Tags:
    """What comments say, and pictures that lie beside them.

    Args:
        pairs: of the file.
        sample_rate: of the sound, in Hz.
        num_frames: of the sound.
        notes: is told what cannot be read, and told in the tags.
        blocks: pictures that are no comments, as flac has them.
    """
    fields: dict[str, list[str]] = {}
    rest: list[tuple[str, str]] = []
    pictures = list(blocks)
    timed: tuple[TimedText, ...] = ()
    mimes = [value for name, value in pairs if name.upper() == "COVERARTMIME"]
    for name, value in pairs:
        upper = name.upper()
        field, text = _FIELDS.get(upper), clean_text(value)
        if field == "lyrics" and (lines := parse_lrc(text, sample_rate, num_frames)):
            timed = timed or lines
            continue
        if field and text:
            fields.setdefault(field, []).append(text)
        if upper in (_PICTURE, _OLD_PICTURE):
            picture = _decoded(value, None if upper == _PICTURE else (mimes or ["image/jpeg"])[0])
            if picture:
                pictures.append(picture)
            else:
                notes.append("a picture in its comments cannot be read")
        elif upper == "CUESHEET":
            notes.append("a cue sheet in its comments is left out: its times are of the old sound")
        elif upper not in _STALE and upper != "COVERARTMIME" and not _CHAPTER.fullmatch(upper):
            rest.append((name, value))
    pictures.sort(key=lambda picture: picture.kind != FRONT_COVER)
    chapters = in_order(list(_chapters(pairs, sample_rate)), num_frames, notes)
    native = {KIND: tuple(rest)} if rest else {}
    texts = {field: tuple(texts) for field, texts in fields.items()}
    said = tuple(dict.fromkeys(notes))
    return Tags(sample_rate, texts, tuple(pictures), chapters, timed, native, notes=said)


def make_pairs(tags: Tags) -> Pairs:
    """The pairs to be written: those of such a file as they were, or what others have in common."""
    native: Pairs | None = tags.native.get(KIND)
    pairs = list(native or ())
    if native is None:
        for field, texts in tags.fields.items():
            pairs += [(_NAMES[field], text) for text in texts if field in _NAMES]
    if lines := lyrics_of(tags.timed, unless="CUESHEET"):
        pairs.append((_NAMES["lyrics"], to_lrc(lines, tags.sample_rate)))
    return (*pairs, *_chapter_pairs(tags))


def own_names(pairs: Pairs) -> Iterator[str]:
    """What only comments say, by the names that it has there."""
    for name, text in pairs:
        upper = name.upper()
        if text and upper not in _FIELDS and upper not in (_PICTURE, _OLD_PICTURE):
            yield name


def without_loudness(pairs: Pairs) -> Pairs:
    """The pairs that do not tell the loudness of the old sound."""
    return tuple(pair for pair in pairs if not pair[0].upper().startswith(_LOUDNESS))


def picture_pair(picture: Picture) -> tuple[str, str]:
    """A picture as a comment, for files that have no other place for it."""
    return _PICTURE, base64.b64encode(write_picture(picture)).decode("ascii")


def write_picture(picture: Picture) -> bytes:
    """A picture as a block. Source: the FLAC format, METADATA_BLOCK_PICTURE."""
    parts = [picture.kind.to_bytes(4, "big")]
    for text in (picture.mime.encode("ascii", "replace"), picture.description.encode()):
        parts += [len(text).to_bytes(4, "big"), text]
    parts += [number.to_bytes(4, "big") for number in (*picture.size, len(picture.data))]
    return b"".join((*parts, picture.data))


def read_picture(block: bytes) -> Picture | None:
    """The picture of a block; None if it is damaged."""
    at, fields = 4, []
    for _ in range(2):
        size = int.from_bytes(block[at : at + 4], "big")
        fields.append(block[at + 4 : at + 4 + size])
        at += 4 + size
    numbers = [int.from_bytes(block[i : i + 4], "big") for i in range(at, at + 20, 4)]
    data = block[at + 20 : at + 20 + numbers[4]]
    if at + 20 > len(block) or len(data) < numbers[4] or not data:
        return None
    kind = int.from_bytes(block[:4], "big")
    mime, description = fields[0].decode("ascii", "replace"), fields[1].decode("utf-8", "replace")
    width, height, depth, colours, _ = numbers
    shape = (width, height, depth, colours)
    return Picture(data, mime, min(kind, 20), clean_text(description), shape)


def _decoded(text: str, mime: str | None) -> Picture | None:
    """A picture that was written in letters; with a `mime` the letters are the picture alone."""
    if len(text) > MAX_BYTES:
        return None
    try:
        data = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return None
    if mime is None:
        return read_picture(data)
    return Picture(data, clean_text(mime)) if data else None


def _chapters(pairs: Pairs, sample_rate: int) -> Iterator[Chapter]:
    parts: dict[int, dict[str, str]] = {}
    for name, value in pairs:
        if found := _CHAPTER.fullmatch(name.upper()):
            parts.setdefault(int(found[1]), {}).setdefault(found[2] or "", value)
    for part in parts.values():
        if clock := _CLOCK.fullmatch(part.get("", "").strip()):
            seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + Fraction(clock[3])
            title, url = clean_text(part.get("NAME", "")), clean_text(part.get("URL", ""))
            yield Chapter(round(seconds * sample_rate), -1, title, url)


def _chapter_pairs(tags: Tags) -> Iterator[tuple[str, str]]:
    for number, chapter in enumerate(tags.chapters, 1):
        minutes, ms = divmod(time_of(chapter.start, 1000, tags.sample_rate), 60_000)
        hours, minutes = divmod(minutes, 60)
        key = f"CHAPTER{number:03}"
        yield key, f"{hours:02}:{minutes:02}:{ms // 1000:02}.{ms % 1000:03}"
        yield f"{key}NAME", chapter.title
        if chapter.url:
            yield f"{key}URL", chapter.url

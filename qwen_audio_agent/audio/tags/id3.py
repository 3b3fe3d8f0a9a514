"""ID3v2 tags, as mp3 has them at its beginning and wav in a chunk.

Everything that was there is kept, frame by frame; chapters and timed lyrics get new times. Source:
id3.org, ID3v2.3.0, ID3v2.4.0 and ID3v2 Chapter Frame Addendum 1.0.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mutagen import MutagenError
from mutagen.id3 import (
    APIC,
    CHAP,
    ID3,
    SYLT,
    TIT2,
    TLEN,
    TXXX,
    USLT,
    WXXX,
    Encoding,
    Frames,
)

from qwen_audio_agent.audio.tags.id3_cleaning import (
    clean_id3,
    tag_size,
    with_chapters_in_order,
)
from qwen_audio_agent.audio.tags.id3_contents import update_contents
from qwen_audio_agent.audio.tags.lrc import lyrics_of, parse_lrc, to_lrc
from qwen_audio_agent.audio.tags.values import (
    DAMAGED,
    Chapter,
    Picture,
    Tags,
    TimedText,
    clean_text,
    frame_of,
    in_order,
    time_of,
)

KIND: Final = "ID3"
_NO_OFFSET: Final = 0xFFFFFFFF
_MOST_MS: Final = 0xFFFFFFFF
_TEXT_FRAMES: Final = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "albumartist": "TPE2",
    "composer": "TCOM",
    "tracknumber": "TRCK",
    "discnumber": "TPOS",
    "date": "TDRC",
    "genre": "TCON",
    "copyright": "TCOP",
    "language": "TLAN",
    "publisher": "TPUB",
    "software": "TSSE",
}
_NAMED_FRAMES: Final = {"description": "DESCRIPTION", "license": "LICENSE"}
_COMMON: Final = frozenset(
    {*_TEXT_FRAMES.values(), "COMM", "USLT", "SYLT", "WOAF", "WOAS", "WPUB", "WXXX"}
    | {"TYER", "TDAT", "TLEN", "APIC", "CHAP", "CTOC"}
)
"""Frames whose content other kinds of tags have a place for."""
# Frames about bytes and times of the old sound that nobody can set right.
_STALE: Final = ("ASPI", "ETCO", "MLLT", "MPEG", "POSS", "RBUF", "SEEK", "SYTC", "TSIZ", "AENC")
_LOUDNESS: Final = ("RVA2", "RVAD", "RGAD", "XRVA", "EQU2", "EQUA")


def read_id3(tag: bytes, sample_rate: int, num_frames: int) -> Tags:
    """What an ID3v2 tag says.

    Args:
        tag: the whole tag, its header first; may be damaged.
        sample_rate: of the sound, in Hz.
        num_frames: of the sound.
    """
    notes: list[str] = []
    clean = clean_id3(tag, notes)
    if not clean:
        return Tags(sample_rate, notes=tuple(notes))
    try:
        id3 = parsed(clean)
        chapters = [_chapter(frame, sample_rate) for frame in id3.getall("CHAP")]
        return Tags(
            sample_rate,
            dict(_fields(id3)),
            _pictures(id3),
            in_order(chapters, num_frames, notes),
            tuple(_lyrics(id3, sample_rate, num_frames, notes)),
            {KIND: clean},
            notes=tuple(notes),
        )
    except (MutagenError, *DAMAGED) as error:
        return Tags(sample_rate, notes=(*notes, f"its ID3 tag cannot be read: {one_line(error)}"))


def parsed(clean: bytes) -> ID3:
    """The frames of a tag in plain form, in its own version; version 2.2 as 2.4."""
    id3 = ID3()
    is_old = clean[3] == 2
    id3.load(io.BytesIO(clean), translate=is_old, load_v1=False)
    return id3


def make_id3(tags: Tags, num_frames: int) -> tuple[ID3, int]:
    """The ID3 tag to be written, and its version: 3 or 4.

    Args:
        tags: with times in frames of the new sound.
        num_frames: length of the new sound.
    """
    clean = tags.native.get(KIND)
    id3 = parsed(clean) if clean else ID3()
    version = 3 if clean and clean[3] == 3 else 4
    if not clean:
        for frame in _new_frames(tags):
            id3.add(frame)
    _set_chapters(id3, tags)
    if clean:
        _set_lyrics(id3, tags)
    for name in _STALE:
        id3.delall(name)
    if "TLEN" in id3 or not clean:
        length_ms = str(num_frames * 1000 // tags.sample_rate)
        id3.setall("TLEN", [TLEN(encoding=Encoding.LATIN1, text=[length_ms])])
    return _writable(id3, version), version


def write_mp3(path: Path, tags: Tags, num_frames: int) -> None:
    """Put tags before the sound of an mp3 that was just written; times are in its frames."""
    id3, version = make_id3(tags, num_frames)
    id3.save(path, v1=0, v2_version=version, v23_sep=None)
    with path.open("r+b") as file:
        head = file.read(10)
        tag = head + file.read(tag_size(head) - len(head))
        file.seek(0)
        file.write(with_chapters_in_order(tag))


def rendered(id3: ID3, version: int) -> bytes:
    """The bytes of a tag, without padding."""
    buffer = io.BytesIO()
    id3.save(buffer, v1=0, v2_version=version, v23_sep=None, padding=lambda _: 0)
    return with_chapters_in_order(buffer.getvalue())


def without_loudness(clean: bytes) -> bytes:
    """A tag without what it says of the old sound's loudness."""
    id3 = parsed(clean)
    stale = [key for key, frame in id3.items() if _is_about_loudness(frame)]
    for key in stale:
        del id3[key]
    version = 3 if clean[3] == 3 else 4
    return rendered(_writable(id3, version), version) if stale else clean


def own_names(clean: bytes) -> Iterator[str]:
    """What only an ID3 tag says: `TXXX:PODCASTINDEX`, `WFED`."""
    for frame in parsed(clean).values():
        about = str(getattr(frame, "desc", "") or getattr(frame, "owner", ""))
        is_common = frame.FrameID in _COMMON or about.upper() in _NAMED_FRAMES.values()
        if not is_common and frame.FrameID not in _STALE:
            yield f"{frame.FrameID}:{about}" if about else frame.FrameID


def one_line(error: BaseException) -> str:
    """What an error of another package says, short enough for a note."""
    return " ".join(str(error).split())[:100] or type(error).__name__


def _is_about_loudness(frame: Any) -> bool:
    name = str(getattr(frame, "desc", "")).lower()
    named = ("replaygain_", "mp3gain_", "itunnorm", "r128_")
    return frame.FrameID in _LOUDNESS or (
        frame.FrameID in ("TXXX", "COMM", "PRIV") and name.startswith(named)
    )


def _fields(id3: ID3) -> Iterator[tuple[str, tuple[str, ...]]]:
    for field, name in _TEXT_FRAMES.items():
        texts = [text for frame in id3.getall(name) for text in _texts(frame)]
        if field == "date" and not texts:
            texts = _old_date(id3)
        if texts:
            yield field, tuple(texts)
    for field, name in _NAMED_FRAMES.items():
        named = [frame for frame in id3.getall("TXXX") if frame.desc.upper() == name]
        if texts := [text for frame in named for text in _texts(frame)]:
            yield field, tuple(texts)
    comments = [frame for frame in id3.getall("COMM") if not frame.desc.startswith("iTun")]
    if texts := [text for frame in comments for text in _texts(frame)]:
        yield "comment", tuple(texts)
    lyrics = [clean_text(frame.text) for frame in id3.getall("USLT")]
    if plain := [text for text in lyrics if not parse_lrc(text, 1, _MOST_MS)]:
        yield "lyrics", tuple(plain)
    links = [frame.url for name in ("WOAF", "WOAS", "WPUB", "WXXX") for frame in id3.getall(name)]
    if links:
        yield "url", tuple(map(clean_text, links))


def _texts(frame: Any) -> list[str]:
    texts = frame.genres if frame.FrameID == "TCON" else frame.text
    return [clean for text in texts if (clean := clean_text(str(text)))]


def _old_date(id3: ID3) -> list[str]:
    """The date of version 2.3, which has the year and the day in two frames."""
    years = [text for frame in id3.getall("TYER") for text in _texts(frame)]
    days = [text for frame in id3.getall("TDAT") for text in _texts(frame)]
    if years and days and len(days[0]) == 4 and days[0].isdecimal():
        return [f"{years[0]}-{days[0][2:]}-{days[0][:2]}"]
    return years


def _pictures(id3: ID3) -> tuple[Picture, ...]:
    found = [picture_of(frame) for frame in id3.getall("APIC")]
    return tuple(sorted(found, key=lambda picture: picture.kind != 3))


def picture_of(frame: APIC) -> Picture:
    """A picture frame as a value."""
    return Picture(frame.data, frame.mime, int(frame.type), clean_text(frame.desc))


def _chapter(frame: CHAP, sample_rate: int) -> Chapter:
    inner = frame.sub_frames
    titles = [text for part in inner.getall("TIT2") for text in _texts(part)]
    links = [part.url for part in inner.getall("WXXX")]
    pictures = [picture_of(part) for part in inner.getall("APIC")]
    return Chapter(
        _frame_of(frame.start_time, sample_rate),
        _frame_of(frame.end_time, sample_rate),
        " / ".join(titles),
        clean_text(links[0]) if links else "",
        pictures[0] if pictures else None,
        frame.element_id,
    )


def _frame_of(milliseconds: int, sample_rate: int) -> int:
    return frame_of(milliseconds, 1000, sample_rate)


def _ms_of(frame: int, sample_rate: int) -> int:
    return min(time_of(frame, 1000, sample_rate), _MOST_MS)


def _lyrics(id3: ID3, sample_rate: int, num_frames: int, notes: list[str]) -> Iterator[TimedText]:
    for frame in id3.getall("SYLT"):
        if frame.format != 2:  # frames of the old mp3, whose numbers nobody knows here
            notes.append("timed lyrics that count MPEG frames are left out")
            continue
        lines = [Chapter(_frame_of(time, sample_rate), -1, title=text) for text, time in frame.text]
        for line in in_order(lines, num_frames, notes):
            yield TimedText(line.start, line.end, line.title, frame.HashKey)
    for frame in id3.getall("USLT"):
        yield from parse_lrc(frame.text, sample_rate, num_frames, frame.HashKey)


def _new_frames(tags: Tags) -> Iterator[Any]:
    """Frames of version 2.4 for tags that come from another kind of file."""
    utf8 = Encoding.UTF8
    for field, name in _TEXT_FRAMES.items():
        if texts := tags.fields.get(field):
            yield Frames[name](encoding=utf8, text=list(texts))
    for field, name in _NAMED_FRAMES.items():
        if texts := tags.fields.get(field):
            yield TXXX(encoding=utf8, desc=name, text=list(texts))
    if texts := tags.fields.get("comment"):
        yield Frames["COMM"](encoding=utf8, lang="eng", desc="", text=["\n".join(texts)])
    if texts := tags.fields.get("lyrics"):
        yield USLT(encoding=utf8, lang="eng", desc="", text="\n\n".join(texts))
    if lines := lyrics_of(tags.timed, unless="CUESHEET"):
        text = [(line.text, _ms_of(line.start, tags.sample_rate)) for line in lines]
        yield SYLT(encoding=utf8, lang="eng", format=2, type=1, desc="", text=text)
    if links := tags.fields.get("url"):
        yield WXXX(encoding=utf8, desc="", url=links[0])
    for number, picture in enumerate(tags.pictures):
        # Frames of the same description are one frame: a second cover needs another.
        description = picture.description or (f"{number + 1}" if number else "")
        yield APIC(
            encoding=utf8,
            mime=picture.mime,
            type=picture.kind,
            desc=description,
            data=picture.data,
        )


def _set_chapters(id3: ID3, tags: Tags) -> None:
    """Give the chapters that are left their new times, and take the others out."""
    known = {frame.element_id: frame for frame in id3.getall("CHAP")}
    id3.delall("CHAP")
    alive: list[str] = []
    fresh: list[str] = []
    number = 0
    for chapter in tags.chapters:
        frame = known.pop(chapter.key, None) if chapter.key else None
        if frame is None:
            while f"chp{number}" in known or f"CHAP:chp{number}" in id3:
                number += 1
            frame = _new_chapter(chapter, f"chp{number}")
            fresh.append(frame.element_id)
        frame.start_time = _ms_of(chapter.start, tags.sample_rate)
        frame.end_time = _ms_of(chapter.end, tags.sample_rate)
        frame.start_offset = frame.end_offset = _NO_OFFSET
        id3.add(frame)
        alive.append(frame.element_id)
    update_contents(id3, alive, fresh)


def _new_chapter(chapter: Chapter, key: str) -> CHAP:
    utf8 = Encoding.UTF8
    inner: list[Any] = [TIT2(encoding=utf8, text=[chapter.title])] if chapter.title else []
    if chapter.url:
        inner.append(WXXX(encoding=utf8, desc="chapter url", url=chapter.url))
    if picture := chapter.picture:
        desc, kind = picture.description, picture.kind
        inner.append(
            APIC(encoding=utf8, mime=picture.mime, type=kind, desc=desc, data=picture.data)
        )
    return CHAP(element_id=key, start_time=0, end_time=0, sub_frames=inner)


def _set_lyrics(id3: ID3, tags: Tags) -> None:
    """Give the lines of lyrics that came from this tag their new times."""
    lines: dict[str, list[TimedText]] = {}
    for line in tags.timed:
        lines.setdefault(line.key, []).append(line)
    for frame in [*id3.getall("SYLT"), *id3.getall("USLT")]:
        own = lines.get(frame.HashKey)
        if own and frame.FrameID == "USLT":
            frame.text = to_lrc(own, tags.sample_rate)
        elif own:
            frame.text = [(line.text, _ms_of(line.start, tags.sample_rate)) for line in own]
        elif frame.FrameID == "SYLT" or parse_lrc(frame.text, 1, _MOST_MS):
            del id3[frame.HashKey]


def _writable(id3: ID3, version: int) -> ID3:
    """The tag without frames that mutagen can read but not write."""
    try:
        rendered(id3, version)
    except (MutagenError, *DAMAGED):
        for key, frame in list(id3.items()):
            alone = ID3()
            alone.add(frame)
            try:
                rendered(alone, version)
            except (MutagenError, *DAMAGED):
                del id3[key]
    return id3

"""Tags as values: what all containers share, and what only one of them knows."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

FIELDS: Final = (
    "title",
    "artist",
    "album",
    "albumartist",
    "composer",
    "tracknumber",
    "discnumber",
    "date",
    "genre",
    "comment",
    "description",
    "copyright",
    "license",
    "language",
    "lyrics",
    "publisher",
    "url",
    "software",
)
"""The fields that have a place in every kind of tag, so that they survive a change of container."""

MAX_BYTES: Final = 32 << 20
"""Of the tags of a file; larger ones are not read."""
MAX_CHAPTERS: Final = 20_000
"""Of a file, and of lines of lyrics; the rest is not read."""
MAX_TEXT: Final = 1 << 20
"""Letters of one field."""
_WHITE: Final = "\n\t\u00a0\u3000\u200c\u200d"  # the last two join letters of some scripts
DAMAGED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What comes of a tag that is not what it should be, in the hands of a package that trusts it."""
FRONT_COVER: Final = 3
"""What ID3 and FLAC call the front cover among 21 kinds of pictures."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a file, as its bytes are there.

    Attributes:
        data: the picture itself, in its own format.
        mime: such as "image/jpeg".
        kind: 0 to 20; 3 is the front cover. Source: ID3v2.4.0 section 4.14.
        description: of the person who put it there.
        size: width, height, bits per pixel and number of colours, as far as the file says; 0 else.
    """

    data: bytes = field(repr=False)
    mime: str = "image/jpeg"
    kind: int = FRONT_COVER
    description: str = ""
    size: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a recording with a name, in frames [start, end).

    Attributes:
        start: its first frame.
        end: the frame after its last; at least `start`.
        title: what players show.
        url: a link for it, or "".
        picture: shown while it is heard.
        key: what its own container calls it, or "": there may be more about it in `Tags.native`.
    """

    start: int
    end: int
    title: str = ""
    url: str = ""
    picture: Picture | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class TimedText:
    """A line of timed lyrics, or a place in a cue sheet, in frames [start, end) of the recording.

    Attributes:
        start: where it is said.
        end: where the next one is.
        text: as it is written in the file, with its line break if it has one.
        key: which of several such lists in the file it belongs to.
    """

    start: int
    end: int
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says about its sound.

    Attributes:
        sample_rate: of the frames of chapters and lyrics, in Hz.
        fields: texts by name, of those in `FIELDS`; several where a file has several.
        pictures: the cover first.
        chapters: in order of their starts.
        timed: timed lyrics and the like, in order of their starts within each `key`.
        native: what only one kind of tags knows, by kind ("ID3", "VORBIS", "FLAC", "MP4", "RIFF");
            kept whole for files of that kind, and read only by the module of that kind.
        origin: frame of the old recording at which frame 0 of a new file lies; 0 as it is read.
        notes: for a person: what of the tags could not be read, or is not carried over, and why.
    """

    sample_rate: int = 1
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    pictures: tuple[Picture, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    timed: tuple[TimedText, ...] = ()
    native: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    origin: int = 0
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            any(self.fields.values()) or self.pictures or self.chapters or self.timed or self.native
        )

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Tags:
        """Tags with one text for each name, and nothing else."""
        return cls(fields={name: (text,) for name, text in texts.items() if text})

    def texts(self) -> dict[str, str]:
        """The first text of each field."""
        return {name: texts[0] for name, texts in self.fields.items() if texts}


def frame_of(time: int, unit: int, sample_rate: int) -> int:
    """The frame nearest to `time` / `unit` seconds; in exact integers."""
    return (2 * time * sample_rate + unit) // (2 * unit)


def time_of(frame: int, unit: int, sample_rate: int) -> int:
    """How many 1 / `unit` seconds a frame lies after the start, to the nearest."""
    return (2 * frame * unit + sample_rate) // (2 * sample_rate)


def clean_text(text: str) -> str:
    """A text of a file without what steers a terminal or ends a string; line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")[:MAX_TEXT]
    return "".join(c for c in text if c in _WHITE or c.isprintable()).strip()


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names out of a file on one line for a person: each once, shortened, the first `most`."""
    known = dict.fromkeys(" ".join(clean_text(name).split())[:40] for name in names)
    shown = [name for name in known if name]
    more = [f"{len(shown) - most} more"] if len(shown) > most else []
    return ", ".join([*shown[:most], *more])


def in_order(chapters: list[Chapter], num_frames: int, notes: list[str]) -> tuple[Chapter, ...]:
    """Chapters as a player takes them: sorted, inside the recording, none longer than none.

    A chapter that ends before it begins, or has no end (-1), ends where the next one begins.

    Args:
        chapters: as they are in the file, in any order.
        num_frames: of the recording.
        notes: is told what was left out.
    """
    if len(chapters) > MAX_CHAPTERS:
        notes.append(f"only the first {MAX_CHAPTERS} of {len(chapters)} chapters are carried over")
        chapters = chapters[:MAX_CHAPTERS]
    inside = [chapter for chapter in chapters if 0 <= chapter.start < num_frames]
    if len(inside) < len(chapters):
        notes.append(f"{len(chapters) - len(inside)} chapters lie behind the end of the sound")
    inside.sort(key=lambda chapter: chapter.start)
    result: list[Chapter] = []
    next_start = following = num_frames
    for chapter in reversed(inside):
        if chapter.start < following:
            next_start, following = following, chapter.start
        end = min(chapter.end, num_frames) if chapter.end > chapter.start else next_start
        result.append(replace(chapter, end=end))
    return tuple(reversed(result))

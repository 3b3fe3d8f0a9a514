"""Made episodes on disk: wav, flac or mp3, with a title and chapters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mutagen.flac import FLAC
from mutagen.id3 import CHAP, CTOC, TIT2, TPE1, CTOCFlags
from mutagen.mp3 import MP3
from mutagen.wave import WAVE

TITLE, ARTIST = "A made episode", "tools/episodes.py"
Chapters = Sequence[tuple[float, float, str]]
"""Start and end in seconds, and title."""


def add_tags(path: Path, chapters: Chapters) -> None:
    """Give a written file its title, its artist and its chapters."""
    if path.suffix.lower() == ".flac":
        flac = FLAC(path)
        flac["title"], flac["artist"] = TITLE, ARTIST
        for number, (start, _, title) in enumerate(chapters):
            minutes, seconds = divmod(start, 60)
            hours, minutes = divmod(int(minutes), 60)
            flac[f"CHAPTER{number:03d}"] = f"{hours:02d}:{minutes:02d}:{seconds:06.3f}"
            flac[f"CHAPTER{number:03d}NAME"] = title
        flac.save()
        return
    file: Any = MP3(path) if path.suffix.lower() == ".mp3" else WAVE(path)
    if file.tags is None:
        file.add_tags()
    file.tags.add(TIT2(encoding=3, text=[TITLE]))
    file.tags.add(TPE1(encoding=3, text=[ARTIST]))
    names = [f"ch{number}" for number in range(len(chapters))]
    for name, (start, end, title) in zip(names, chapters, strict=True):
        times = {"start_time": round(1000 * start), "end_time": round(1000 * end)}
        told = [TIT2(encoding=3, text=[title])]
        file.tags.add(CHAP(element_id=name, **times, sub_frames=told))
    flags = CTOCFlags.TOP_LEVEL | CTOCFlags.ORDERED
    file.tags.add(CTOC(element_id="toc", flags=flags, child_element_ids=names, sub_frames=[]))
    file.save()


def read_chapters(path: Path) -> list[tuple[float, str]]:
    """The chapters of a file: start in seconds, and title, in order."""
    if path.suffix.lower() == ".flac":
        flac = FLAC(path)
        found = []
        for number in range(999):
            if f"CHAPTER{number:03d}" not in flac:
                break
            hours, minutes, seconds = flac[f"CHAPTER{number:03d}"][0].split(":")
            start = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
            found.append((start, str(flac[f"CHAPTER{number:03d}NAME"][0])))
        return found
    tags: Any = (MP3(path) if path.suffix.lower() == ".mp3" else WAVE(path)).tags
    frames: list[Any] = tags.getall("CHAP") if tags else []
    return sorted((f.start_time / 1000, str(f.sub_frames["TIT2"].text[0])) for f in frames)

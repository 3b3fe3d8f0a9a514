"""The tags of a file on disk: read whatever there is, write into a new file before it is shown."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.formats import Coding, shown
from qwen_audio_agent.audio.tags.id3_cleaning import tag_size
from qwen_audio_agent.audio.tags.values import DAMAGED, MAX_BYTES, Tags, in_order, listed
from qwen_audio_agent.errors import AudioFileError

_WAV: Final = ("WAV", "WAVEX", "RF64")
WRITTEN: Final = frozenset({*_WAV, "FLAC", "OGG", "MP3", "MP4"})
"""Containers whose texts are written here; into others libsndfile writes a few."""
_HEAD: Final = 10
_END_OF_APE: Final = 32
_ID3V1: Final = 128
_KEPT_WHOLE: Final = {
    "MP3": ("ID3",),
    "AIFF": ("ID3",),
    "FLAC": ("VORBIS", "FLAC"),
    "OGG": ("VORBIS",),
    "MP4": ("MP4",),
    **dict.fromkeys(_WAV, ("ID3", "RIFF")),
}
"""Which kinds of `Tags.native` a container takes as they are."""
_MP4_PICTURES: Final = ("image/jpeg", "image/png")


def read_tags(file: AudioFile) -> Tags:
    """What a recording says about its sound: texts, pictures, chapters, timed lyrics, all else.

    Never fails for what is in the tags: what cannot be read is told in `notes`.

    Args:
        file: the recording, as `probe` describes it.

    Returns:
        Tags with times in frames of the recording.

    Raises:
        AudioFileError: the file itself cannot be read.
    """
    rate, num_frames = file.sample_rate, file.num_frames
    try:
        with file.path.open("rb") as opened:
            match file.container:
                case "MP3":
                    tags = _read_mp3(opened, file)
                case "FLAC":
                    from qwen_audio_agent.audio.tags.flac import read_flac

                    tags = read_flac(opened, rate, num_frames)
                case "OGG":
                    from qwen_audio_agent.audio.tags.ogg import read_ogg

                    tags = read_ogg(opened, rate, num_frames)
                case "WAV" | "WAVEX" | "RF64" | "AIFF":
                    tags = _read_riff(opened, file)
                case "MP4":
                    from qwen_audio_agent.audio.tags.mp4 import read_mp4

                    tags = _with_media_chapters(read_mp4(opened, rate, num_frames), file)
                case _:
                    tags = _with_media_chapters(Tags(rate), file)
    except OSError as error:
        raise AudioFileError(f"{shown(file.path)} cannot be read: {error.strerror}") from None
    # Where nobody here found a text, libsndfile or FFmpeg may have, such as an old ID3v1.
    return tags if tags.fields else replace(tags, fields=Tags.of(file.tags).fields)


def write_tags(path: Path, coding: Coding, num_frames: int) -> None:
    """Put the tags of a coding into a new, complete sound file that nobody sees yet.

    Args:
        path: the file.
        coding: how it was written.
        num_frames: its length.

    Raises:
        ValueError, or another of `DAMAGED`: they cannot be written.
        OSError: the disk is full.
    """
    from mutagen import MutagenError

    try:
        _write(path, coding, num_frames)
    except MutagenError as error:
        # mutagen makes its own errors of those of the system.
        reason = error.args[0] if error.args else None
        if isinstance(reason, OSError):
            raise reason from None
        raise ValueError(str(error)) from error


def _write(path: Path, coding: Coding, num_frames: int) -> None:
    tags = coding.tags
    match coding.container:
        case "MP3":
            from qwen_audio_agent.audio.tags.id3 import write_mp3

            write_mp3(path, tags, num_frames)
        case "FLAC":
            from qwen_audio_agent.audio.tags.flac import write_flac

            write_flac(path, tags, num_frames)
        case "OGG":
            from qwen_audio_agent.audio.tags.ogg import write_ogg

            write_ogg(path, tags, coding.subtype)
        case "MP4":
            from qwen_audio_agent.audio.tags.mp4 import write_mp4

            write_mp4(path, tags)
        case "WAV" | "WAVEX" | "RF64" | "AIFF":
            _write_riff(path, tags, num_frames, is_aiff=coding.container == "AIFF")


def losses(tags: Tags, container: str) -> Iterator[str]:
    """What of tags a container has no place for, one sentence each, for a person."""
    foreign = [kind for kind in tags.native if kind not in _KEPT_WHOLE.get(container, ())]
    if names := [name for kind in foreign for name in _own_names(kind, tags.native[kind])]:
        yield f"{container} files have no place for {listed(names)}: left out"
    has_id3 = container in ("MP3", "AIFF", *_WAV)
    if container not in (*WRITTEN, "AIFF"):
        if tags.chapters or tags.pictures:
            yield f"{container} files have no place for chapters and pictures: left out"
        return
    if not has_id3 and any(chapter.picture for chapter in tags.chapters):
        yield f"pictures of chapters have no place in {container} files: left out"
    if container == "MP4" and any(chapter.url for chapter in tags.chapters):
        yield "links of chapters have no place in MP4 files: left out"
    if container == "MP4" and any(p.mime not in _MP4_PICTURES for p in tags.pictures):
        yield "MP4 files hold only JPEG and PNG as cover: others are left out"


def _own_names(kind: str, native: Any) -> Iterator[str]:
    """What only tags of one kind say, by the names it has there."""
    match kind:
        case "ID3":
            from qwen_audio_agent.audio.tags.id3 import own_names as of_id3

            return of_id3(native)
        case "MP4":
            from qwen_audio_agent.audio.tags.mp4 import own_names as of_mp4

            return of_mp4(native)
        case "VORBIS":
            from qwen_audio_agent.audio.tags.vorbis import own_names as of_vorbis

            return of_vorbis(native)
        case "FLAC":
            from qwen_audio_agent.audio.tags.flac import own_names as of_flac

            return of_flac(native)
        case _:
            from qwen_audio_agent.audio.tags.riff import own_names as of_riff

            return of_riff(native)


def _read_mp3(opened: IO[bytes], file: AudioFile) -> Tags:
    head = opened.read(_HEAD)
    size = tag_size(head)
    tags = Tags(file.sample_rate)
    if min(size, os.fstat(opened.fileno()).st_size) > MAX_BYTES:
        note = f"its tags of {size >> 20} MB are not read, being over {MAX_BYTES >> 20} MB"
        tags = replace(tags, notes=(note,))
    elif size:
        from qwen_audio_agent.audio.tags.id3 import read_id3

        tag = head + opened.read(size - _HEAD)
        tags = read_id3(tag, file.sample_rate, file.num_frames)
    return replace(tags, notes=(*tags.notes, *_about_ape(opened)))


def _about_ape(opened: IO[bytes]) -> Iterator[str]:
    """Tells of an APE tag at the end, before a tag of ID3 version 1 if there is one.

    Source: the APE Tags Specification, tag version 2.000.
    """
    reach = _END_OF_APE + _ID3V1
    opened.seek(max(0, os.fstat(opened.fileno()).st_size - reach))
    tail = opened.read(reach)
    at = tail.rfind(b"APETAGEX")
    if at < 0:
        return
    from mutagen import MutagenError
    from mutagen.apev2 import APEv2

    names: list[str] = []
    if int.from_bytes(tail[at + 12 : at + 16], "little") <= MAX_BYTES:
        with suppress(MutagenError, *DAMAGED):
            opened.seek(0)
            names = list(APEv2(opened))
    its = f" ({listed(names)})" if names else ""
    yield f"its APE tag{its} is not carried over: only ID3 is read in mp3 files"


def _read_riff(opened: IO[bytes], file: AudioFile) -> Tags:
    """The texts and markers of a wav file, and what its ID3 tag says in addition."""
    from qwen_audio_agent.audio.tags.riff import read_riff

    tags, tag = read_riff(opened, file.sample_rate, file.num_frames)
    if not tag:
        return tags
    from qwen_audio_agent.audio.tags.id3 import read_id3

    more = read_id3(tag, file.sample_rate, file.num_frames)
    tolerance = file.sample_rate // 500
    # Markers that stand at the beginnings of the chapters are there for other programs.
    known = [chapter.start for chapter in more.chapters]
    markers = [
        marker
        for marker in tags.chapters
        if all(abs(marker.start - start) > tolerance for start in _near(known, marker.start))
    ]
    return replace(
        more,
        fields={**tags.fields, **more.fields},
        chapters=in_order([*more.chapters, *markers], file.num_frames, []),
        native={**tags.native, **more.native},
        notes=(*tags.notes, *more.notes),
    )


def _near(sorted_starts: list[int], start: int) -> list[int]:
    """The two of sorted numbers between which another lies."""
    at = bisect_left(sorted_starts, start)
    return sorted_starts[max(0, at - 1) : at + 1]


def _write_riff(path: Path, tags: Tags, num_frames: int, *, is_aiff: bool) -> None:
    from qwen_audio_agent.audio.tags.riff import holds_in_info, is_marker, write_riff

    id3 = b""
    if "ID3" in tags.native or is_aiff or not holds_in_info(tags):
        from qwen_audio_agent.audio.tags.id3 import make_id3, rendered

        has_markers = not is_aiff
        own = [chapter for chapter in tags.chapters if not (has_markers and is_marker(chapter))]
        id3 = rendered(*make_id3(replace(tags, chapters=tuple(own)), num_frames))
    write_riff(path, tags, id3)


def _with_media_chapters(tags: Tags, file: AudioFile) -> Tags:
    """The same with the chapters that FFmpeg finds, where PyAV is installed.

    A video's picture goes with none of its sound, which `notes` say.
    """
    from qwen_audio_agent.audio import media

    if file.path.suffix.lower() not in media.SUFFIXES:
        return tags
    notes = list(tags.notes)
    if media.is_video(file):
        notes.append("its moving picture is left out: only the sound is written")
    chapters = in_order(media.read_chapters(file), file.num_frames, notes)
    return replace(tags, chapters=chapters, notes=tuple(notes))

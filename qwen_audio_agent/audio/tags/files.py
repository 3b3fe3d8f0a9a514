"""The tags of a file on disk: read whatever there is, write into a new file before it is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.formats import Coding, shown
from qwen_audio_agent.audio.tags.id3_cleaning import tag_size
from qwen_audio_agent.audio.tags.values import MAX_BYTES, Tags
from qwen_audio_agent.errors import AudioFileError

WRITTEN: Final = frozenset({"MP3"})
"""Containers whose tags are written here; libsndfile writes a few texts into the others."""


def read_tags(file: AudioFile) -> Tags:
    """What a recording says about its sound: texts, pictures, chapters, timed lyrics, all else.

    Never fails for what is in the tags: what cannot be read is told in `notes`.

    Args:
        file: the recording, as `probe` describes it.

    Raises:
        AudioFileError: the file itself cannot be read.
    """
    try:
        if file.container == "MP3":
            tags = _read_mp3(file)
        else:
            tags = Tags()
    except OSError as error:
        raise AudioFileError(f"{shown(file.path)} cannot be read: {error.strerror}") from None
    return tags if tags else _with_texts(tags, file)


def write_tags(path: Path, coding: Coding, tags: Tags, num_frames: int) -> None:
    """Put tags into a new, complete sound file that nobody sees yet.

    Args:
        path: the file.
        coding: how it was written.
        tags: with times in frames of this file.
        num_frames: its length.

    Raises:
        AudioFileError: they cannot be written; says so in one line.
        OSError: the disk is full.
    """
    if coding.container == "MP3":
        from qwen_audio_agent.audio.tags.id3 import make_id3

        id3, version = make_id3(tags, num_frames)
        id3.save(os.fspath(path), v1=0, v2_version=version, v23_sep=None)


def _with_texts(tags: Tags, file: AudioFile) -> Tags:
    """What libsndfile or FFmpeg read of a file whose tags nobody here knows."""
    texts = Tags.of(file.tags)
    return Tags(file.sample_rate, texts.fields, notes=tags.notes)


def _read_mp3(file: AudioFile) -> Tags:
    from qwen_audio_agent.audio.tags.id3 import read_id3

    with file.path.open("rb") as opened:
        head = opened.read(10)
        size = tag_size(head)
        if not size:
            return Tags(file.sample_rate)
        if size > MAX_BYTES:
            size = min(size, file.path.stat().st_size)
        if size > MAX_BYTES:
            note = f"its tags of {size >> 20} MB are not read, being over {MAX_BYTES >> 20} MB"
            return Tags(file.sample_rate, notes=(note,))
        tag = head + opened.read(size - len(head))
    return read_id3(tag, file.sample_rate, file.num_frames)

"""What a recording on disk is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qwen_audio_agent.audio.formats import native_dtype


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A recording on disk. The file is only ever read.

    Attributes:
        path: the recording itself.
        sample_rate: frames per second, in Hz.
        num_channels: 1 or more.
        num_frames: frames that can be read, whatever the header claims; 1 or more.
        container: "WAV", "FLAC", "OGG", "MP3", "MP4", ...
        subtype: coding of the sound: "PCM_16", "PCM_24", "FLOAT", "VORBIS", "AAC", ...
        tags: title, artist, album, comment, date, genre, ... as far as the file has them; the rest
            of its tags, chapters and pictures are read by `audio.tags.files.read_tags`.
        decoded: wav copy from which the sound is read, frame for frame the sound of `path`,
            where `path` itself cannot be entered exactly at any frame (mp3, ogg, m4a, video).
        notes: for a person: of a recording, that it is cut off; of a file that was just written,
            which tags were not carried over.
    """

    path: Path
    sample_rate: int
    num_channels: int
    num_frames: int
    container: str
    subtype: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    decoded: Path | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.sample_rate

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds the file's own numbers unchanged: int16, int32, float32, float64."""
        return native_dtype(self.subtype)

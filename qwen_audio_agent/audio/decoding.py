"""Decoding once, from front to back, what cannot be entered exactly at any frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.formats import Numbers, num_bits, refuse_no_sound, shown
from qwen_audio_agent.audio.mp3_header import find_mp3_header
from qwen_audio_agent.audio.sound_stream import (
    SoundStream,
    blocks_of,
    open_endless,
    open_stream,
)
from qwen_audio_agent.audio.writing import AudioWriter
from qwen_audio_agent.errors import AudioFileError

_MPEG: Final = ("MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")
_UNKNOWN_LENGTH: Final = 2**63 - 1


def is_entered_anywhere(file: AudioFile) -> bool:
    """Whether libsndfile reads `file` from any frame exactly as it does from the start."""
    coded = file.subtype in ("VORBIS", "OPUS", *_MPEG)
    return not coded and file.num_frames < _UNKNOWN_LENGTH


def decode(file: AudioFile) -> Iterator[Numbers]:
    """All of a file that libsndfile knows, in blocks, (channels, frames) in its own numbers."""
    with _opened(file) as stream:
        yield from blocks_of(stream)


def _opened(file: AudioFile) -> AbstractContextManager[SoundStream]:
    if file.subtype in _MPEG:
        header = find_mp3_header(file.path)
        if header is None or not header.covers_file:
            # Of several recordings in one file the first has lost its header, and so the number of
            # samples that its encoder put before the sound: 25 ms more are better than all the rest
            # missing.
            return open_endless(file.path, header.end if header else 0)
    return open_stream(file.path)


def only_sound(blocks: Iterator[Numbers], file: AudioFile) -> Iterator[Numbers]:
    """The blocks that are decoded from a file, if they are sound and not none at all.

    Raises:
        AudioFileError: they are not.
    """
    done = 0
    for block in blocks:
        refuse_no_sound(block, file.path, done, file.sample_rate)
        yield block
        done += block.shape[1]
    if done == 0:
        raise AudioFileError(f"{shown(file.path)} holds no sound that can be decoded")


def decode_to(
    wav_path: Path,
    file: AudioFile,
    blocks: Iterator[Numbers],
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write decoded sound to a wav file: float32 for lossy codecs, else the same integers.

    Args:
        wav_path: file to write, whole or not at all.
        file: where the sound is from; its `num_frames` may be a guess.
        blocks: (channels, frames) in the dtype of `file`.
        progress: is called with the fraction done, 0 to 1.

    Raises:
        AudioFileError: there is no sound, or the copy cannot be written.
    """
    bits = num_bits(file.subtype)
    subtype = "FLOAT" if bits is None else f"PCM_{8 * -(-max(bits, 16) // 8)}"
    if file.subtype == "DOUBLE":
        subtype = "DOUBLE"
    done = 0
    with AudioWriter(wav_path, file.sample_rate, file.num_channels, "WAV", subtype) as writer:
        for block in only_sound(blocks, file):
            writer.write(block)
            done += block.shape[1]
            if progress is not None:
                progress(min(1.0, done / file.num_frames))
    if progress is not None:
        progress(1.0)

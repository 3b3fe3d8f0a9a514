"""Coding sound into a file with libsndfile."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

import soundfile

from qwen_audio_agent.audio.formats import TAGS, Coding, Numbers, native_dtype, num_bits
from qwen_audio_agent.audio.hidden_file import HiddenFile
from qwen_audio_agent.audio.ogg_pages import number_by_content
from qwen_audio_agent.audio.ogg_rates import compression_level
from qwen_audio_agent.audio.riff_chunks import SOUND, chunks
from qwen_audio_agent.audio.sound_stream import SoundStream, blocks_of
from qwen_audio_agent.audio.tags.files import WRITTEN
from qwen_audio_agent.errors import AudioFileError

# libsndfile overruns its stack when one call hands a long block to the Vorbis or Opus encoder.
_MAX_OGG_FRAMES: Final = 65536
# RIFF and AIFF count bytes in 32 bits; what is left is room for the header and the tags.
_MAX_DATA_BYTES: Final = 2**32 - 2**26
_SYSTEM_ERROR: Final = 2  # SF_ERR_SYSTEM: the file, not the sound in it
_LIMITS: Final = {
    "OPUS": "it holds 8, 12, 16, 24 and 48 kHz; write ogg (Vorbis) or flac",
}


class SoundFileSink:
    """Takes blocks in the numbers of its subtype and codes them into a file.

    A wav file that grows beyond 4 GiB becomes an RF64 file, which has no such limit.

    Args:
        path: file to write.
        coding: how; wav, aiff, flac, ogg and the others that libsndfile writes.
        max_data_bytes: size of the sound at which a wav file becomes RF64.

    Raises:
        AudioFileError: such a file cannot hold such sound.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, coding: Coding, max_data_bytes: int = _MAX_DATA_BYTES) -> None:
        self._path = path
        self._coding = coding
        self._container = coding.container
        self._max_data_bytes = max_data_bytes
        self._num_frames = 0
        self._stream = self._open()

    def write(self, numbers: Numbers) -> None:
        """Append (channels, frames) of the type that `native_dtype` names for the subtype."""
        if self._container in ("WAV", "AIFF") and self._bytes_after(numbers) > self._max_data_bytes:
            self._leave_32_bits()
        step = _MAX_OGG_FRAMES if self._container == "OGG" else max(numbers.shape[1], 1)
        for start in range(0, numbers.shape[1], step):
            self._stream.write(numbers[:, start : start + step].T)
        self._num_frames += numbers.shape[1]

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: the file did not take all of the sound.
        """
        self._stream.close()
        if not self._num_frames:
            return
        _forget_time_of_peak(self._path)
        if self._container == "OGG":
            try:
                with self._path.open("rb+") as file:
                    number_by_content(file)
            except ValueError as error:
                raise OSError("only a part of the pages was written") from error
        if self._container != "OGG":
            with SoundStream(str(self._path)) as written:
                if written.frames != self._num_frames:
                    raise OSError(
                        f"only {written.frames} of {self._num_frames} frames were written"
                    )

    def _open(self) -> SoundStream:
        coding, container = self._coding, self._container
        if container not in soundfile.available_formats():
            raise AudioFileError(
                f"{container} files cannot be written; write wav, flac, ogg or mp3"
            )
        if not soundfile.check_format(container, coding.subtype):
            held = ", ".join(soundfile.available_subtypes(container))
            raise AudioFileError(f"{container} files do not hold {coding.subtype}, but {held}")
        try:
            stream = SoundStream(
                str(self._path),
                "w",
                coding.sample_rate,
                coding.num_channels,
                coding.subtype,
                format=container,
                compression_level=compression_level(coding),
            )
        except (soundfile.LibsndfileError, ValueError) as error:
            if getattr(error, "code", None) == _SYSTEM_ERROR:
                raise OSError(str(error)) from error
            raise AudioFileError(
                f"{coding.subtype} in {container} does not hold {coding.num_channels} channels at "
                f"{coding.sample_rate} Hz; {_LIMITS.get(coding.subtype, 'write wav')}"
            ) from error
        if container not in WRITTEN:
            texts = coding.tags.texts()
            for name in set(TAGS) & texts.keys():
                # Not every container has a place for every tag.
                with contextlib.suppress(soundfile.LibsndfileError):
                    setattr(stream, name, texts[name])
        return stream

    def _bytes_after(self, numbers: Numbers) -> int:
        subtype = self._coding.subtype
        bits = num_bits(subtype) or 8 * native_dtype(subtype).itemsize
        num_frames = self._num_frames + int(numbers.shape[1])
        return num_frames * self._coding.num_channels * bits // 8

    def _leave_32_bits(self) -> None:
        """Copy what is written so far into an RF64 file and go on there."""
        if self._container == "AIFF":
            raise AudioFileError("an AIFF file holds 4 GiB at most; write wav or flac")
        self._stream.close()
        with HiddenFile(self._path.parent) as begun:
            # Copied, not renamed: whoever locked the file keeps its lock.
            shutil.copyfile(self._path, begun.path)
            self._container = "RF64"
            self._stream = self._open()
            with SoundStream(str(begun.path)) as stream:
                for block in blocks_of(stream):
                    self._stream.write(block.T)


def _forget_time_of_peak(path: Path) -> None:
    """Zero the time stamp that libsndfile puts into float files: equal sound shall be equal bytes.

    Source: the PEAK chunk as libsndfile's wav_write_header and aiff_write_header lay it out:
    version and time stamp, 4 bytes each, follow the name and size of the chunk.
    """
    with path.open("r+b") as file:
        for name, _ in chunks(file):
            if name == b"PEAK":
                file.seek(4, os.SEEK_CUR)
                file.write(bytes(4))
            if name in (b"PEAK", *SOUND):
                return

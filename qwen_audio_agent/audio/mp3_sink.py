"""Coding sound into an mp3 with LAME.

libsndfile and FFmpeg as they come with their Python packages hold LAME too, and take three times
as long for the same frames, because theirs is built without optimisation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import lameenc
import numpy as np

from qwen_audio_agent.audio.bit_rates import constant_kbits
from qwen_audio_agent.audio.formats import Coding, Numbers, from_float
from qwen_audio_agent.audio.mp3_header import (
    FrameStarts,
    header_bytes,
    header_frame,
    sample_rates_of_layer_3,
)
from qwen_audio_agent.errors import AudioFileError

_SUBTYPE: Final = "MPEG_LAYER_III"
_MAX_CHANNELS: Final = 2
# LAME's own choices: "-V 4" by its newer method, and "-q 3" where the rate is constant.
_VARIABLE_METHOD: Final = 4
_VARIABLE_QUALITY: Final = 4
_CONSTANT_QUALITY: Final = 3
# Where the rate is free: with the same error, and in most frames the same sound, in 1 to 3 % more
# bytes and a tenth less time, measured, for LAME does not look for the shortest of its codes.
_FREE_QUALITY: Final = 5
# LAME makes what it codes at a constant rate of up to so many kbit/s so much quieter, measured.
_SCALES: Final = ((160, 0.95), (192, 0.97), (224, 0.98))


class Mp3Sink:
    """Takes float32 blocks and codes them into an mp3 whose header frame says where they begin.

    LAME is given 16 bits, whose steps lie far below the noise of its own that it adds. By itself it
    would lower the level at constant rates; that is undone before, so at 160 kbit/s and less what
    stands above -0.45 dBFS is cut off there.

    Args:
        path: file to write.
        coding: how; without a bit rate at a variable one, of about 65 kbit/s for each channel.

    Raises:
        AudioFileError: layer III does not hold such sound.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, coding: Coding) -> None:
        rate, num_channels = coding.sample_rate, coding.num_channels
        if coding.subtype != _SUBTYPE:
            raise AudioFileError(f"MP3 files do not hold {coding.subtype}, but {_SUBTYPE}")
        if num_channels > _MAX_CHANNELS or rate not in sample_rates_of_layer_3():
            raise AudioFileError(
                f"{_SUBTYPE} in MP3 does not hold {num_channels} channels at {rate} Hz; "
                "it holds 2 channels and 8 to 48 kHz; write ogg or flac"
            )
        self._shape = (rate, num_channels)
        self._kbits = None if coding.bit_rate is None else constant_kbits(coding.bit_rate, rate)
        scales = (scale for kbits, scale in _SCALES if self._kbits and self._kbits <= kbits)
        self._gain = np.float32(1 / next(scales, 1.0))
        self._encoder = lameenc.Encoder()
        self._encoder.silence()
        self._encoder.set_channels(num_channels)
        self._encoder.set_in_sample_rate(rate)
        self._encoder.set_out_sample_rate(rate)
        if self._kbits is None:
            self._encoder.set_vbr(_VARIABLE_METHOD)
            self._encoder.set_vbr_quality(_VARIABLE_QUALITY)
            self._encoder.set_quality(_FREE_QUALITY)
        else:
            self._encoder.set_bit_rate(self._kbits)
            self._encoder.set_quality(_CONSTANT_QUALITY)
        self._frames = FrameStarts()
        self._num_frames = 0
        self._file = path.open("wb")
        self._file.write(bytes(header_bytes(*self._shape)))

    def write(self, numbers: Numbers) -> None:
        """Append (channels, frames) float32."""
        if numbers.shape[1]:
            self._num_frames += numbers.shape[1]
            louder = numbers if self._gain == 1 else numbers * self._gain
            self._put(self._encoder.encode(from_float(louder, 16).tobytes("F")))

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: the disk is full.
        """
        with self._file:
            if self._num_frames:
                self._put(self._encoder.flush())
                self._file.seek(0)
                self._file.write(
                    header_frame(self._frames, self._num_frames, *self._shape, self._kbits)
                )

    def _put(self, piece: bytes | bytearray) -> None:
        self._frames.push(bytes(piece))
        self._file.write(piece)

"""How many bits a second ogg files spend on their sound, and how libsndfile is asked for as many.

libsndfile takes a compression level, 0 to 1, in place of a bit rate. For Opus it is a bit rate on a
straight line. For Vorbis it is a quality; which rate a quality stands for depends on the sample
rate and the number of channels, and the encoder writes it into the file as the nominal one.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from qwen_audio_agent.audio.formats import Coding

# Bits per second and channel at the levels 1 and 0. Source: libsndfile's ogg_opus.c.
_OPUS_LEAST, _OPUS_MOST = 6_000, 256_000
_OPUS_LEAST_ASKED: Final = 16_000  # a lower average is of much silence
_NUM_HALVINGS: Final = 9


def bit_rate_of_vorbis(path: Path) -> int | None:
    """Bits per second that the encoder says it aimed at; None if it says nothing.

    Raises:
        MutagenError: it cannot be read.
    """
    return int(OggVorbis(path).info.bitrate) or None


def bit_rate_of_opus(path: Path, duration: float) -> int:
    """Bits per second on average, without the comments; `duration` is in seconds.

    Raises:
        MutagenError: it cannot be read.
        OSError: neither.
    """
    num_bytes = path.stat().st_size - len(OggOpus(path).tags.write(framing=False))
    return round(8 * num_bytes / duration)


def compression_level(coding: Coding) -> float | None:
    """What libsndfile is given for the bit rate of a coding; None where it chooses itself."""
    if coding.bit_rate is None or coding.subtype not in ("OPUS", "VORBIS"):
        return None
    if coding.subtype == "OPUS":
        for_channel = max(coding.bit_rate / coding.num_channels, _OPUS_LEAST_ASKED)
        return max((_OPUS_MOST - for_channel) / (_OPUS_MOST - _OPUS_LEAST), 0.0)
    most_bits, fewest_bits = 0.0, 1.0
    for _ in range(_NUM_HALVINGS):
        middle = (most_bits + fewest_bits) / 2
        if _nominal_rate(coding, middle) > coding.bit_rate:
            most_bits = middle
        else:
            fewest_bits = middle
    return fewest_bits


def _nominal_rate(coding: Coding, level: float) -> int:
    """The bit rate that Vorbis states at a level, from a file of silence."""
    file = io.BytesIO()
    silence = np.zeros((1, coding.num_channels), np.float32)
    how = {"format": "OGG", "subtype": coding.subtype, "compression_level": level}
    soundfile.write(file, silence, coding.sample_rate, **how)
    file.seek(0)
    return int(OggVorbis(file).info.bitrate)

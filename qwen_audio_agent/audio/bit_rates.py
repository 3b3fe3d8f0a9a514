"""How many bits a second an mp3 spends on its sound, so that an edit of it spends as many."""

from __future__ import annotations

from typing import Final

from mutagen import MutagenError
from mutagen.mp3 import MP3

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.mp3_header import (
    bytes_before_sound,
    find_mp3_header,
    frame_bytes,
    kbits_of_layer_3,
)
from qwen_audio_agent.audio.tags.values import DAMAGED

# A variable rate a little above a constant one is meant to be it.
_TOLERANCE: Final = 1.03
# LAME leaves out the header, which says where the sound begins, where a frame does not hold it:
# 4 bytes, up to 32 of side information, and its own 156.
_HEADER_BYTES: Final = 192


def bit_rate_of(file: AudioFile) -> int | None:
    """Bits per second of an mp3 on average, without its tags; None of other files.

    Of one whose header is about all of it mutagen reads the header; many have none, and then the
    first frame tells nothing of a variable rate.
    """
    if file.container != "MP3" or not file.num_frames:
        return None
    try:
        header = find_mp3_header(file.path)
        if header is not None and header.covers_file:
            return int(MP3(file.path).info.bitrate)
        num_bytes = file.path.stat().st_size - bytes_before_sound(file.path)
    except (MutagenError, OSError, *DAMAGED):
        return None
    return round(8 * num_bytes / file.duration)


def mp3_compression(bit_rate: int, sample_rate: int) -> float:
    """The compression level by which libsndfile writes mp3 at a constant bit rate.

    Returns:
        0 to 1, for the lowest rate that layer III has which is not below `bit_rate`, in bits per
        second, and whose frames hold the header; its highest one for more. Source: libsndfile's
        mpeg_l3_encode.c, which spreads the levels evenly from the highest to the lowest rate.
    """
    kbits = kbits_of_layer_3(sample_rate)
    # By MPEG-2.5, up to 12 kHz, it stops early.
    highest = kbits[-1] if sample_rate > 12_000 else 64
    enough = [
        k
        for k in kbits
        if bit_rate <= _TOLERANCE * 1000 * k
        and k <= highest
        and frame_bytes(1000 * k, sample_rate) >= _HEADER_BYTES
    ]
    chosen = min(enough, default=highest)
    # Half a kbit/s more, for libsndfile cuts fractions off.
    return min(1.0, max(0.0, (highest - chosen - 0.5) / (highest - kbits[0])))

"""How many bits a second an mp3 spends on its sound, so that an edit of it spends as many."""

from __future__ import annotations

from typing import Final

from mutagen import MutagenError
from mutagen.mp3 import MP3

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.mp3_header import (
    bytes_before_sound,
    find_mp3_header,
    kbits_of_layer_3,
)
from qwen_audio_agent.audio.tags.values import DAMAGED

# A variable rate a little above a constant one is meant to be it.
_TOLERANCE: Final = 1.03
# Of 8 kbit/s nothing is left for the sound of two channels.
_LEAST_KBITS: Final = 16
_MPEG_2_5_HZ: Final = 12_000
_MOST_KBITS_BY_MPEG_2_5: Final = 64  # of LAME; the format has more


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


def constant_kbits(bit_rate: int, sample_rate: int) -> int:
    """The lowest rate that layer III has which is not below `bit_rate`, in bits per second.

    Returns:
        In kbit/s; the highest one where more is asked for.
    """
    rates = [k for k in kbits_of_layer_3(sample_rate) if k >= _LEAST_KBITS]
    if sample_rate <= _MPEG_2_5_HZ:
        rates = [k for k in rates if k <= _MOST_KBITS_BY_MPEG_2_5]
    return min((k for k in rates if bit_rate <= _TOLERANCE * 1000 * k), default=rates[-1])

"""How many bits a second a lossy file spends on its sound, so that an edit of it spends as many."""

from __future__ import annotations

from typing import Final

from mutagen import MutagenError
from mutagen.mp3 import MP3

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.media import bit_rate_of_aac
from qwen_audio_agent.audio.mp3_header import (
    bytes_before_sound,
    find_mp3_header,
    kbits_of_layer_3,
)
from qwen_audio_agent.audio.ogg_rates import bit_rate_of_opus, bit_rate_of_vorbis
from qwen_audio_agent.audio.tags.values import DAMAGED
from qwen_audio_agent.errors import AudioFileError

# A variable rate a little above a constant one is meant to be it.
_TOLERANCE: Final = 1.03
# Of 8 kbit/s nothing is left for the sound of two channels.
_LEAST_KBITS: Final = 16
_MPEG_2_5_HZ: Final = 12_000
_MOST_KBITS_BY_MPEG_2_5: Final = 64  # of LAME; the format has more


def bit_rate_of(file: AudioFile) -> int | None:
    """Bits per second of mp3, AAC, Vorbis or Opus without the tags; None of other files.

    It is what the encoder was asked for where the file says that, else the average.
    """
    if not file.num_frames:
        return None
    try:
        match file.container, file.subtype:
            case "MP3", _:
                return _of_mp3(file)
            case _, "AAC":
                return bit_rate_of_aac(file)
            case "OGG", "VORBIS":
                return bit_rate_of_vorbis(file.path)
            case "OGG", "OPUS":
                return bit_rate_of_opus(file.path, file.duration)
    except (AudioFileError, MutagenError, OSError, *DAMAGED):
        pass
    return None


def codec_of(container: str, subtype: str) -> str:
    """What two files have in common whose bit rates mean the same."""
    return container if container == "MP3" else subtype


def _of_mp3(file: AudioFile) -> int:
    """Of one whose header is about all of it mutagen reads the header; many have none, and then the
    first frame tells nothing of a variable rate.
    """
    header = find_mp3_header(file.path)
    if header is not None and header.covers_file:
        return int(MP3(file.path).info.bitrate)
    num_bytes = file.path.stat().st_size - bytes_before_sound(file.path)
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

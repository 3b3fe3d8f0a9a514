"""How many bits a second a lossy file spends on its sound, so that an edit of it spends as many."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import mutagen

from qwen_audio_agent.audio.mp3_header import kbits_of_layer_3
from qwen_audio_agent.audio.tags.values import DAMAGED

# A variable rate a little above a constant one is meant to be it.
_TOLERANCE: Final = 1.03


def bit_rate_of(path: Path) -> int | None:
    """Bits per second of a lossy file on average, without its tags; None where it does not say.

    Source: mutagen, which reads the Xing header of an mp3, and the sample description of an mp4.
    """
    try:
        info = getattr(mutagen.File(path), "info", None)  # type: ignore[attr-defined]
    except (mutagen.MutagenError, *DAMAGED):  # type: ignore[attr-defined]
        return None
    rate = getattr(info, "bitrate", 0)
    return rate if isinstance(rate, int) and 8_000 <= rate <= 1_000_000 else None


def mp3_compression(bit_rate: int, sample_rate: int) -> float:
    """The compression level by which libsndfile writes mp3 at a constant bit rate.

    Returns:
        0 to 1, for the lowest rate that layer III has which is not below `bit_rate`, in bits per
        second; its highest one for more. Source: libsndfile's mpeg_l3_encode.c, which spreads the
        levels evenly from the highest to the lowest rate.
    """
    kbits = kbits_of_layer_3(sample_rate)
    # By MPEG-2.5, up to 12 kHz, it stops early.
    highest = kbits[-1] if sample_rate > 12_000 else 64
    enough = [k for k in kbits if bit_rate <= _TOLERANCE * 1000 * k and k <= highest]
    chosen = min(enough, default=highest)
    # Half a kbit/s more, for libsndfile cuts fractions off.
    return min(1.0, max(0.0, (highest - chosen - 0.5) / (highest - kbits[0])))

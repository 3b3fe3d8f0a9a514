"""To and from `pydub.AudioSegment`, for people who hold one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qwen_audio_agent.audio.formats import from_float, to_float32
from qwen_audio_agent.audio.samples import Audio

if TYPE_CHECKING:
    from pydub import AudioSegment

# pydub holds 24 bits in four bytes, so there is no width of 3.
_DTYPES = {1: np.int8, 2: np.int16, 4: np.int32}


def from_pydub(segment: AudioSegment) -> Audio:
    """The sound of a segment; exact for 8, 16 and 24 bits, to float32 for 32.

    Args:
        segment: of any width, rate and number of channels.
    """
    interleaved = np.frombuffer(segment.raw_data, _DTYPES[segment.sample_width])
    return Audio(to_float32(interleaved.reshape(-1, segment.channels).T), segment.frame_rate)


def to_pydub(audio: Audio, bits: int = 16) -> AudioSegment:
    """A segment with the sound of `audio`, rounded and clipped to 16 or 32 bits.

    Args:
        audio: any sound.
        bits: 16, which gives back what `from_pydub` read from 16 bits, or 32.

    Raises:
        ValueError: another number of bits.
    """
    if bits not in (16, 32):
        raise ValueError(f"a segment is made with 16 or 32 bits, not {bits}")
    from pydub import AudioSegment

    return AudioSegment(
        data=np.ascontiguousarray(from_float(audio.samples, bits).T).tobytes(),
        sample_width=bits // 8,
        frame_rate=audio.sample_rate,
        channels=audio.num_channels,
    )

"""Changing the sample rate without delay and without aliases.

soxr at high quality is flat to 0.9 of the lower Nyquist frequency, with aliases below -140 dB; its
filters have linear phase, and their delay is taken out, so that times stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import soxr

from qwen_audio_agent.audio.samples import Audio

EAR_RATE: Final = 16_000
"""Frames per second that ears and the model hear, in Hz."""

_QUALITY: Final = "HQ"


def resample(audio: Audio, sample_rate: int) -> Audio:
    """The same sound at another rate.

    Args:
        audio: at any rate.
        sample_rate: of the result, in Hz.

    Returns:
        num_frames * sample_rate / audio.sample_rate frames, rounded, halves up.
    """
    if audio.sample_rate == sample_rate or audio.num_frames == 0:
        return Audio(audio.samples, sample_rate)
    columns = np.ascontiguousarray(audio.samples.T)
    resampled = soxr.resample(columns, audio.sample_rate, sample_rate, quality=_QUALITY)
    return Audio(resampled.T, sample_rate)


def to_16k_mono(audio: Audio) -> Audio:
    """What an ear gets: the mean of the channels at 16 kHz."""
    return resample(audio.to_mono(), EAR_RATE)


def resample_blocks(blocks: Iterator[Audio], sample_rate: int) -> Iterator[Audio]:
    """The same sound at another rate, block by block; sample for sample what `resample` gives.

    Args:
        blocks: consecutive stretches of one recording, all of one rate and number of channels.
        sample_rate: of the result, in Hz.

    Yields:
        Blocks of other lengths than came in, together as many frames as `resample` gives.
    """
    stream = None
    for block in blocks:
        if block.sample_rate == sample_rate:
            yield block
            continue
        if stream is None:
            stream = soxr.ResampleStream(
                block.sample_rate, sample_rate, block.num_channels, "float32", _QUALITY
            )
            ended = np.zeros((0, block.num_channels), np.float32)
        resampled = stream.resample_chunk(np.ascontiguousarray(block.samples.T))
        if len(resampled):
            yield Audio(resampled.T, sample_rate)
    if stream is not None:
        resampled = stream.resample_chunk(ended, last=True)
        if len(resampled):
            yield Audio(resampled.T, sample_rate)

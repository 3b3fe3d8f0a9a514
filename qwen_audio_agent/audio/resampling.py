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
        `resampled_frames` frames.
    """
    if audio.sample_rate == sample_rate:
        return audio
    parts = [part.samples for part in resample_blocks(iter((audio,)), sample_rate)]
    return Audio(np.concatenate([audio.samples[:, :0], *parts], axis=1), sample_rate)


def resampled_frames(num_frames: int, sample_rate: int, new_rate: int) -> int:
    """How many frames at `new_rate` Hz a sound of `num_frames` at `sample_rate` Hz has.

    Rounded, halves up.
    """
    return (2 * num_frames * new_rate + sample_rate) // (2 * sample_rate)


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
    num_in = num_out = 0
    for block in blocks:
        if block.sample_rate == sample_rate:
            yield block
            continue
        if stream is None:
            rate_in = block.sample_rate
            stream = soxr.ResampleStream(
                rate_in, sample_rate, block.num_channels, "float32", _QUALITY
            )
            # A frame more than there is, because soxr rounds some exact halves down.
            silence = np.zeros((-(-rate_in // sample_rate), block.num_channels), np.float32)
        resampled = stream.resample_chunk(np.ascontiguousarray(block.samples.T))
        num_in += block.num_frames
        num_out += len(resampled)
        if len(resampled):
            yield Audio(resampled.T, sample_rate)
    if stream is not None and num_in:
        resampled = stream.resample_chunk(silence, last=True)
        missing = resampled_frames(num_in, rate_in, sample_rate) - num_out
        if missing:
            yield Audio(resampled[:missing].T, sample_rate)

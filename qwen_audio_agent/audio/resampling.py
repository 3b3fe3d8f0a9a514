"""Changing the sample rate without delay and without aliases.

soxr at high quality is flat to 0.9 of the lower Nyquist frequency, with aliases below -140 dB; its
filters have linear phase, and their delay is taken out, so that times stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import soxr

from qwen_audio_agent.audio.samples import Audio, Samples

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
    """What an ear gets: one channel in which all of them are heard, at 16 kHz."""
    return resample(audio.audible_mono(), EAR_RATE)


def resample_blocks(blocks: Iterator[Audio], sample_rate: int) -> Iterator[Audio]:
    """The same sound at another rate, block by block; sample for sample what `resample` gives.

    Args:
        blocks: consecutive stretches of one recording, all of one rate and number of channels.
        sample_rate: of the result, in Hz.

    Yields:
        Blocks of other lengths than came in, together as many frames as `resample` gives.
    """
    resampler = None
    for block in blocks:
        if block.sample_rate == sample_rate:
            yield block
            continue
        resampler = resampler or Resampler(block.sample_rate, sample_rate, block.num_channels)
        resampled = resampler.push(block.samples)
        if resampled.shape[1]:
            yield Audio(resampled, sample_rate)
    if resampler is not None:
        resampled = resampler.rest()
        if resampled.shape[1]:
            yield Audio(resampled, sample_rate)


class Resampler:
    """Changes the rate of blocks as they pass; see `resample_blocks`.

    Args:
        rate_in: of the blocks, in Hz.
        rate_out: of the result, in Hz.
        num_channels: of every block.
    """

    def __init__(self, rate_in: int, rate_out: int, num_channels: int) -> None:
        self._rates = rate_in, rate_out
        self._num_channels = num_channels
        self._num_in = self._num_out = 0
        self._stream: soxr.ResampleStream | None = None
        if rate_in != rate_out:
            self._stream = soxr.ResampleStream(*self._rates, num_channels, "float32", _QUALITY)

    def push(self, samples: Samples) -> Samples:
        """Take the next (channels, frames), and give what of the result is ready."""
        if self._stream is None:
            return samples
        resampled: Samples = self._stream.resample_chunk(np.ascontiguousarray(samples.T))
        self._num_in += samples.shape[1]
        self._num_out += len(resampled)
        return resampled.T

    def rest(self) -> Samples:
        """The last of the result, when everything has passed."""
        if self._stream is None or not self._num_in:
            return np.empty((self._num_channels, 0), np.float32)
        rate_in, rate_out = self._rates
        # A frame more than there is, because soxr rounds some exact halves down.
        silence = np.zeros((-(-rate_in // rate_out), self._num_channels), np.float32)
        resampled: Samples = self._stream.resample_chunk(silence, last=True)
        return resampled[: resampled_frames(self._num_in, rate_in, rate_out) - self._num_out].T

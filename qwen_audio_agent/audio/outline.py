"""The outline of a sound, as a waveform is drawn: how far it swings in each of its equal parts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.samples import Audio, Samples


class OutlineMeter:
    """Draws the outline of blocks as they pass.

    Args:
        num_frames: how many they have together; what comes after these is not drawn.
        num_columns: equal parts, 1 or more; one without a frame of its own has a peak of 0.

    Attributes:
        peaks: float32 (num_columns,), the largest absolute sample of any channel so far.
    """

    def __init__(self, num_frames: int, num_columns: int) -> None:
        self.peaks = np.zeros(num_columns, np.float32)
        self._num_frames = max(num_frames, 1)
        self._at = 0

    def push(self, samples: Samples) -> None:
        """Take the next (channels, frames)."""
        samples = samples[:, : self._num_frames - self._at]
        num_frames = samples.shape[1]
        if not num_frames:
            return
        size, end = len(self.peaks), self._at + num_frames
        first, last = (at * size // self._num_frames for at in (self._at, end - 1))
        # Frame f lies in the column f * size // num_frames: column c begins at the first that does.
        begins = -(-np.arange(first, last + 1) * self._num_frames // size) - self._at
        columns = np.arange(first, last + 1)[begins < num_frames]
        begins = np.maximum(begins[begins < num_frames], 0)
        is_own = np.append(np.diff(begins) > 0, True)
        highest = np.maximum.reduceat(reduce(np.maximum, np.abs(samples)), begins[is_own])
        self.peaks[columns[is_own]] = np.maximum(self.peaks[columns[is_own]], highest)
        self._at = end


def outline(sound: Iterable[Audio], num_frames: int, num_columns: int) -> NDArray[np.float32]:
    """The peak of each of `num_columns` equal parts of a sound.

    Args:
        sound: its consecutive blocks.
        num_frames: how many frames they have together.
        num_columns: as of `OutlineMeter`.

    Returns:
        float32 (num_columns,), the largest absolute sample of any channel, 0 for silence.
    """
    meter = OutlineMeter(num_frames, num_columns)
    for block in sound:
        meter.push(block.samples)
    return meter.peaks

"""The outline of a sound, as a waveform is drawn: how far it swings in each of its equal parts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.samples import Audio


def outline(sound: Iterable[Audio], num_frames: int, num_columns: int) -> NDArray[np.float32]:
    """The peak of each of `num_columns` equal parts of a sound.

    Args:
        sound: its consecutive blocks.
        num_frames: how many frames they have together.
        num_columns: 1 or more; a part without a frame of its own has a peak of 0.

    Returns:
        float32 (num_columns,), the largest absolute sample of any channel, 0 for silence.
    """
    peaks = np.zeros(num_columns, np.float32)
    at = 0
    for block in sound:
        frames = np.arange(at, at + block.num_frames)
        column = frames * num_columns // max(num_frames, 1)
        np.maximum.at(peaks, column, reduce(np.maximum, np.abs(block.samples)))
        at += block.num_frames
    return peaks

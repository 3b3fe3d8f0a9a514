"""What of a sound gets to an ear, and whether there is anything in it to hear."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.resampling import EAR_RATE, to_16k_mono
from qwen_audio_agent.audio.samples import Audio

SHORTEST: Final = 0.1
"""Nothing is said in less, in seconds."""

_FAINTEST: Final = 1e-4  # a peak of -80 dBFS


def ear_samples(audio: Audio) -> NDArray[np.float32]:
    """16 kHz mono without NaN: float32 (frames,) in [-1, 1]."""
    samples = np.nan_to_num(to_16k_mono(audio).samples[0], posinf=1.0, neginf=-1.0)
    return np.ascontiguousarray(np.clip(samples, -1.0, 1.0), np.float32)


def is_audible(samples: NDArray[np.float32]) -> bool:
    """Whether there is enough sound for a word; in digital silence an ear hears "dog".

    Args:
        samples: float32 (frames,) at 16 kHz.
    """
    return len(samples) >= SHORTEST * EAR_RATE and float(np.abs(samples).max()) >= _FAINTEST

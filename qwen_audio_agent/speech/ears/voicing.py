"""How loud and how periodic every 10 ms of sound is: what tells a held vowel from breath and room.

Source: the periodicity is the peak of the normalised autocorrelation, as in P. Boersma, "Accurate
short-term analysis of the fundamental frequency", Proc. IFA 17, 1993, without its windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft

from qwen_audio_agent.speech.ears.cepstra import FRAME_SHIFT

Floats = NDArray[np.float32]

_WINDOW: Final = 640  # 40 ms
_LAGS: Final = np.arange(40, 231)  # 400 Hz down to 69 Hz
_FFT: Final = 1024
_BLOCK: Final = 128  # frames at once, in 5 MB
_FLOOR: Final = 1e-10


def levels_and_periodicity(samples: Floats, num_frames: int) -> tuple[Floats, Floats]:
    """Measure windows of 40 ms around the middle of each frame of 10 ms.

    Args:
        samples: float32 (n,) of 16 kHz mono in [-1, 1].
        num_frames: how many frames.

    Returns:
        Levels in dBFS, and periodicities from 0 (noise) to 1 (a steady tone): each float32
        (num_frames,).
    """
    levels, periodicity = np.empty((2, num_frames), np.float32)
    for part, windows in _windows(samples, num_frames):
        levels[part], periodicity[part] = _measured(windows)
    return levels, periodicity


def levels_of(samples: Floats, num_frames: int) -> Floats:
    """The levels alone, to within a rounding; see `levels_and_periodicity`."""
    levels = np.empty(num_frames, np.float32)
    for part, windows in _windows(samples, num_frames):
        levels[part] = _dbfs(np.einsum("nw,nw->n", windows, windows))
    return levels


def _windows(samples: Floats, num_frames: int) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Windows around the middle of each frame, without their mean, and which frames they are of."""
    lead = (_WINDOW - FRAME_SHIFT) // 2
    padded = np.pad(samples, (lead, max(0, num_frames * FRAME_SHIFT + _WINDOW - len(samples))))
    windows = sliding_window_view(padded, _WINDOW)[::FRAME_SHIFT][:num_frames]
    for first in range(0, num_frames, _BLOCK):
        part = slice(first, min(first + _BLOCK, num_frames))
        some = windows[part].astype(np.float64)
        some -= some.mean(axis=1, keepdims=True)
        yield part, some


def _dbfs(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    levels: NDArray[np.float64] = 10 * np.log10(energy / _WINDOW + _FLOOR)
    return levels


def _measured(windows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    energy = np.cumsum(windows**2, axis=1)
    whole = energy[:, -1]
    spectra = np.abs(fft.rfft(windows, _FFT, axis=1)) ** 2
    products = fft.irfft(spectra, axis=1)[:, _LAGS]
    # The energies of the two stretches that are compared at each lag.
    both = energy[:, _WINDOW - 1 - _LAGS] * (whole[:, None] - energy[:, _LAGS - 1])
    periodicity = (products / np.sqrt(both + _FLOOR**2)).max(axis=1)
    return _dbfs(whole), np.clip(periodicity, 0.0, 1.0)

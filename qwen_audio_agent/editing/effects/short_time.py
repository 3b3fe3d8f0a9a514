"""Short-time spectra of a channel, and the sound of short-time spectra."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from qwen_audio_agent.audio.samples import Samples

OVERLAP: Final = 4
"""Windows are so many hops long, and each sample lies in so many of them."""


def fast_hop(seconds: float, sample_rate: int) -> int:
    """A hop of about so many seconds, in frames, whose windows have a fast Fourier transform."""
    return int(fft.next_fast_len(max(8, round(seconds * sample_rate)), real=True))


def spectra(channel: NDArray[np.float32], hop: int) -> NDArray[np.complex64]:
    """Spectra (frames, frequencies) of windows of 4 hops; silence fills the last one."""
    length = OVERLAP * hop
    padded = np.pad(channel, (0, -len(channel) % hop + length))
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    short_time: NDArray[np.complex64] = fft.rfft(windows * _taper(length), axis=1)
    return short_time


def overlap_add(short_time: NDArray[np.complex64], hop: int) -> NDArray[np.float32]:
    """The sound of spectra; exact but for the first and last window, which nothing overlaps."""
    length = OVERLAP * hop
    windows = fft.irfft(short_time, length, axis=1, overwrite_x=True)
    windows *= _taper(length) * np.float32(2 / OVERLAP)
    summed = np.zeros((len(windows) + OVERLAP - 1, hop), np.float32)
    for part in range(OVERLAP):
        summed[part : part + len(windows)] += windows[:, part * hop : (part + 1) * hop]
    return summed.reshape(-1)


def power_of(short_time: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Power at every place of spectra."""
    power = np.square(short_time.real)
    power += np.square(short_time.imag)
    return power


def weigh(short_time: NDArray[np.complex64], gain: Samples) -> NDArray[np.complex64]:
    """Multiply spectra with a gain at every place, in place."""
    # Far faster than a product with a gain that becomes complex first.
    np.multiply(short_time.real, gain, out=short_time.real)
    np.multiply(short_time.imag, gain, out=short_time.imag)
    return short_time


def _taper(length: int) -> NDArray[np.float32]:
    return np.sqrt(np.hanning(length + 1)[:-1]).astype(np.float32)

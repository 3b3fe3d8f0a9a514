"""Short-time spectra of a channel, and the sound of short-time spectra."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

OVERLAP: Final = 4
"""Windows are so many hops long, and each sample lies in so many of them."""

_AT_ONCE: Final = 64


def fast_hop(seconds: float, sample_rate: int) -> int:
    """A hop of about so many seconds, in frames, whose windows have a fast Fourier transform."""
    return int(fft.next_fast_len(max(8, round(seconds * sample_rate)), real=True))


def spectra(channel: NDArray[np.float32], hop: int) -> NDArray[np.complex64]:
    """Spectra (frames, frequencies) of windows of 4 hops; silence fills the last one."""
    length = OVERLAP * hop
    padded = np.pad(channel, (0, -len(channel) % hop + length))
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    short_time = np.empty((len(windows), length // 2 + 1), np.complex64)
    taper = _taper(length)
    for part in parts(len(windows)):
        short_time[part] = fft.rfft(windows[part] * taper, axis=1)
    return short_time


def overlap_add(
    short_time: NDArray[np.complex64], gain: NDArray[np.float32], hop: int
) -> NDArray[np.float32]:
    """The sound of spectra, multiplied in place with a gain at every place.

    Exact but for the first and last window, which nothing overlaps.
    """
    length = OVERLAP * hop
    taper = _taper(length) * np.float32(2 / OVERLAP)
    summed = np.zeros((len(short_time) + OVERLAP - 1, hop), np.float32)
    for part in parts(len(short_time)):
        weighed = short_time[part]
        # Far faster than a product with a gain that becomes complex first.
        weighed.real *= gain[part]
        weighed.imag *= gain[part]
        windows = fft.irfft(weighed, length, axis=1)
        windows *= taper
        for offset in range(OVERLAP):
            at = part.start + offset
            summed[at : at + len(windows)] += windows[:, offset * hop : (offset + 1) * hop]
    return summed.reshape(-1)


def power_of(short_time: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Power at every place of spectra."""
    power = np.square(short_time.real)
    power += np.square(short_time.imag)
    return power


def parts(num_windows: int) -> Iterator[slice]:
    """All windows in parts that stay in the cache of a processor while they are worked on."""
    return (slice(first, first + _AT_ONCE) for first in range(0, num_windows, _AT_ONCE))


@cache
def _taper(length: int) -> NDArray[np.float32]:
    return np.sqrt(np.hanning(length + 1)[:-1]).astype(np.float32)

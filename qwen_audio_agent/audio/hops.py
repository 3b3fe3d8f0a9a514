"""The spectrum of every 10 ms of a sound, for those who look for speech in it.

16 kHz mono         |  10 ms  |  10 ms  |  10 ms  |
windows       |        32 ms         |
                        |        32 ms         |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft

from qwen_audio_agent.audio.resampling import EAR_RATE, resample_blocks
from qwen_audio_agent.audio.samples import Audio, Samples, in_blocks

_Floats = NDArray[np.float32]

HOPS_PER_SECOND: Final = 100
WINDOW: Final = 512
"""Frames at 16 kHz of which each spectrum is taken."""

_HOP: Final = EAR_RATE // HOPS_PER_SECOND
# Zeros before the first window put its middle into the middle of the first hop.
_LEAD: Final = (WINDOW - _HOP) // 2
# So many windows stay in the cache of a processor, which is three times as fast.
_AT_ONCE: Final = 256
TAPER: Final = np.hanning(WINDOW).astype(np.float32)
"""What each window is multiplied by, (512,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """Consecutive stretches of 10 ms.

    Attributes:
        spectra: float32 (hops, 257), power at the frequencies from 0 to 8 kHz, 32 ms around each.
        power: float32 (hops,), mean square of each between 0 and 8 kHz.
    """

    spectra: _Floats
    power: _Floats


def hops_of(sound: Audio | Iterable[Audio]) -> Iterator[Hops]:
    """Every 10 ms of a sound of any length, rate and number of channels, in constant memory.

    Args:
        sound: a sound in memory, or its consecutive blocks.

    Yields:
        At most some seconds at once. The last hop reaches beyond the end, or begins there.
    """
    mono = (block.audible_mono() for block in in_blocks(sound))
    rest = np.zeros(_LEAD, np.float32)
    padding = Audio(np.zeros((1, WINDOW - _LEAD), np.float32), EAR_RATE)
    for block in chain(resample_blocks(mono, EAR_RATE), [padding]):
        rest = np.concatenate([rest, block.samples[0]])
        if len(rest) < WINDOW:
            continue
        windows = sliding_window_view(rest, WINDOW)[::_HOP]
        rest = rest[len(windows) * _HOP :]
        for first in range(0, len(windows), _AT_ONCE):
            yield _measured(windows[first : first + _AT_ONCE])


def _measured(windows: Samples) -> Hops:
    spectra = fft.rfft(windows * TAPER, axis=1)
    power = np.square(spectra.real)
    power += np.square(spectra.imag)
    return Hops(power, np.square(windows[:, _LEAD : _LEAD + _HOP]).mean(axis=1))


def mel_bands(num_bands: int, lowest_hz: float, highest_hz: float) -> tuple[_Floats, _Floats]:
    """Triangles of equal height, evenly spaced in mel and half overlapping.

    Returns:
        Weights of the frequencies of `Hops.spectra`, float32 (257, bands), and the middles of the
        bands in Hz, (bands,).

    Source: O'Shaughnessy, Speech Communication, 1987: mel = 2595 log10(1 + f / 700 Hz).
    """
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in (lowest_hz, highest_hz))
    corners = 700 * (10 ** (np.linspace(lowest, highest, num_bands + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / EAR_RATE)[:, None]
    rising = (bins - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - bins) / np.diff(corners)[1:]
    bands = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return bands, corners[1:-1].astype(np.float32)

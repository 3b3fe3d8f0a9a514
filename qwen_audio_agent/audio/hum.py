r"""Whether a recording has the hum of the mains in it, from the sound itself.

    power  |      |       |           steady, at multiples of 50 or 60 Hz: hum
           |_/\/\_|_/\/\/\|_/\/\_
           50     100     150   Hz

A tone of the mains is there all the time, and nowhere but at a multiple of 50 or 60 Hz. So the
spectrum is taken that four of five windows of 4 s exceed: voices and melodies, which move, are not
in it. What is must not pause within a window either, as a voice on one note does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from qwen_audio_agent.audio.resampling import Resampler
from qwen_audio_agent.audio.samples import Audio, Samples, to_mono

MAX_HARMONICS: Final = 20
HIGHEST_HZ: Final = 1000.0

_MAINS_HZ: Final = (50.0, 60.0)
# Mains and clocks of recorders are this close; the nearest tones of music are 1 Hz away.
_TOLERANCE_HZ: Final = 0.2
_RATE: Final = 2500
_WINDOW_S: Final = 4
_HOP_S: Final = 1
_BINS_PER_HZ: Final = 8  # zero-padded: the peak of a tone is found to a tenth of a Hz
_FEWEST_WINDOWS: Final = 5
_MOST_WINDOWS: Final = 256
_PERCENTILE: Final = 20
# From the tone, in Hz: the sound beside it that it is compared with.
_BESIDE_HZ: Final = (1.5, 6.0)
_PROMINENT_DB: Final = 9.0
_CLEAR_DB: Final = 30.0
_STEADY_DB: Final = 6.0
_LAST_DB: Final = 6.0
_SHORT_S: Final = 0.12
_SHORT_BINS_PER_HZ: Final = 0.25
_PAUSED_DB: Final = -12.0
_QUIETEST_DB: Final = -75.0


@dataclass(frozen=True, slots=True)
class Hum:
    """The hum of the mains in a recording.

    Attributes:
        frequency_hz: of its lowest tone, about 50 or 60.
        level_db: RMS of all its tones together, in dBFS.
        num_harmonics: number of its highest tone, up to 1 kHz; 1 if there is only the lowest.
    """

    frequency_hz: float
    level_db: float
    num_harmonics: int


def find_hum(blocks: Iterable[Audio]) -> Hum | None:
    """Find the hum of the mains.

    Args:
        blocks: the recording, of any rate and number of channels; 8 s at least.

    Returns:
        What there is, or None. Memory does not grow with the length.
    """
    meter: HumMeter | None = None
    for block in blocks:
        meter = meter or HumMeter(block.sample_rate)
        meter.push(block.samples)
    return meter.hum() if meter else None


@dataclass(frozen=True, slots=True)
class _Measured:
    """Powers by frequency, `_BINS_PER_HZ` to the Hz; a sine of amplitude 1 has power 1.

    Attributes:
        quiet: what four of five windows exceed.
        middle: what half of them exceed.
        lowest: median of what nine of ten short windows in each long one exceed.
    """

    quiet: NDArray[np.float64]
    middle: NDArray[np.float64]
    lowest: NDArray[np.float64]


@cache
def _taper(num_frames: int) -> NDArray[np.float32]:
    return np.hanning(num_frames).astype(np.float32)


class HumMeter:
    """Finds the hum of the mains while a recording passes; see `find_hum`.

    Windows that touch digital silence do not count. Of a long recording it is every second window,
    or every fourth, and so on.

    Args:
        sample_rate: in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._resampler = Resampler(sample_rate, _RATE, 1)
        self._held = np.empty(0, np.float32)
        self._kept: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        self._number, self._stride = 0, 1

    def push(self, samples: Samples) -> None:
        """Take the next (channels, frames)."""
        self._take(self._resampler.push(to_mono(samples)))

    def hum(self) -> Hum | None:
        """What was found, once, when everything has passed."""
        self._take(self._resampler.rest())
        if len(self._kept) < _FEWEST_WINDOWS:
            return None
        powers, lowest = (np.array(values) for values in zip(*self._kept, strict=True))
        quiet, middle = np.percentile(powers, (_PERCENTILE, 50), axis=0)
        lowest = np.repeat(np.median(lowest, axis=0), round(_BINS_PER_HZ / _SHORT_BINS_PER_HZ))
        measured = _Measured(quiet, middle, lowest)
        found = [hum for mains in _MAINS_HZ if (hum := _hum_near(mains, measured))]
        return max(found, key=lambda hum: hum.level_db, default=None)

    def _take(self, mono: Samples) -> None:
        """Measure every window that is complete."""
        length, hop = _WINDOW_S * _RATE, _HOP_S * _RATE
        self._held = np.concatenate([self._held, mono[0]])
        while len(self._held) >= length:
            window, self._held = self._held[:length], self._held[hop:]
            if self._number % self._stride == 0 and window.reshape(40, -1).any(axis=1).all():
                self._kept.append(_powers(window))
                if len(self._kept) == _MOST_WINDOWS:
                    self._kept, self._stride = self._kept[::2], 2 * self._stride
            self._number += 1


def _powers(window: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Powers of a window, and what nine of ten short windows in it exceed."""
    short = round(_SHORT_S * _RATE)
    parts = np.lib.stride_tricks.sliding_window_view(window, short)[::short]
    lowest = np.percentile(_power(parts, _SHORT_BINS_PER_HZ), 10, axis=0).astype(np.float32)
    return _power(window[None], _BINS_PER_HZ)[0], lowest


def _power(windows: NDArray[np.float32], bins_per_hz: float) -> NDArray[np.float32]:
    """Power spectra of windows, (windows, bins)."""
    taper = _taper(windows.shape[1])
    spectra = fft.rfft(windows * taper, round(bins_per_hz * _RATE), axis=1)
    spectra = spectra[:, : round((HIGHEST_HZ + 20) * bins_per_hz)]
    power: NDArray[np.float32] = np.square(np.abs(spectra) * (2 / taper.sum()))
    return power


@dataclass(frozen=True, slots=True)
class _Tone:
    """What there is at a multiple of the mains' frequency."""

    number: int
    hz: float
    power: float
    prominence_db: float
    is_steady: bool


def _hum_near(mains: float, measured: _Measured) -> Hum | None:
    """The hum at about 50 Hz or about 60 Hz, if there is one."""
    numbers = range(1, int(HIGHEST_HZ / mains) + 1)
    best: list[_Tone] = []
    for shift in np.arange(-_TOLERANCE_HZ, _TOLERANCE_HZ + 0.01, 0.05):
        tones = [_tone(number, mains + shift, measured) for number in numbers]
        if _score(tones) > _score(best):
            best = tones
    if _score(best) < _CLEAR_DB:
        return None
    clear = [tone for tone in best if _is_clear(tone)]
    weights = np.array([tone.prominence_db * tone.number for tone in clear])
    frequency = np.average([tone.hz / tone.number for tone in clear], weights=weights)
    level_db = 10 * math.log10(sum(tone.power for tone in clear) / 2)
    if level_db < _QUIETEST_DB:
        return None
    last = max(tone.number for tone in best if tone.prominence_db > _LAST_DB and tone.is_steady)
    return Hum(round(float(frequency), 3), round(level_db, 1), last)


def _score(tones: list[_Tone]) -> float:
    """How clear a hum is: one tone alone must stand out very far, and one is the first to third."""
    if not any(_is_clear(tone) for tone in tones[:3]):
        return 0.0
    clear = [tone.prominence_db for tone in tones if _is_clear(tone)]
    return sum(clear) if len(clear) > 1 else sum(clear) / 1.2


def _is_clear(tone: _Tone) -> bool:
    return tone.prominence_db > _PROMINENT_DB and tone.is_steady


def _tone(number: int, mains: float, measured: _Measured) -> _Tone:
    quiet = measured.quiet + 1e-20
    # Half of the 0.05 Hz between the frequencies that are tried, and one bin.
    reach = 1 + math.ceil(0.025 * number * _BINS_PER_HZ)
    first = round(number * mains * _BINS_PER_HZ) - reach
    at = first + int(np.argmax(quiet[first : first + 2 * reach + 1]))
    near, far = (round(hz * _BINS_PER_HZ) for hz in _BESIDE_HZ)
    beside = np.concatenate([quiet[at - far : at - near], quiet[at + near : at + far]])
    is_peak = quiet[at] >= quiet[at - near : at + near + 1].max()
    changes_db = 10 * math.log10((measured.middle[at] + 1e-20) / quiet[at])
    pauses_db = 10 * math.log10(
        (measured.lowest[at + round(_BINS_PER_HZ / _SHORT_BINS_PER_HZ) // 2] + 1e-20) / quiet[at]
    )
    left, top, right = np.log(quiet[at - 1 : at + 2])
    bend = left - 2 * top + right
    offset = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return _Tone(
        number,
        (at + min(max(float(offset), -0.5), 0.5)) / _BINS_PER_HZ,
        float(measured.middle[at]),
        10 * math.log10(quiet[at] / np.median(beside)),
        bool(is_peak) and changes_db < _STEADY_DB and pauses_db > _PAUSED_DB,
    )

"""The front end of the acoustic model: 16 kHz sound to mel cepstra, their slopes and curvatures.

The numbers are those that the en-us model of PocketSphinx was trained with, so that its Gaussians
mean the same here as there.

Source: CMU Sphinx, `fe_sigproc.c`, `fe_noise.c`, `feat.c` and the model's `feat.params`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE_RATE: Final = 16000
FRAME_SHIFT: Final = 160  # 10 ms
_WINDOW: Final = 410  # 25.6 ms
_FFT: Final = 512
_NUM_FILTERS: Final = 25
_LOWEST_HZ: Final = 130.0
_HIGHEST_HZ: Final = 6800.0
_NUM_CEPSTRA: Final = 13
_BLOCK: Final = 256  # rows at once, in 3 MB
_LIFTER: Final = 22
_PREEMPHASIS: Final = 0.97


def _mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0))


def _mel_filters() -> NDArray[np.float64]:
    """Triangles of unit area on the mel scale, edges rounded to bins: (filters, bins)."""
    edges_mel = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), _NUM_FILTERS + 2)
    edges_hz = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    bin_hz = SAMPLE_RATE / _FFT
    edges_hz = np.floor(edges_hz / bin_hz + 0.5) * bin_hz
    hz = np.arange(_FFT // 2 + 1) * bin_hz
    low, middle, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising, falling = (hz - low) / (middle - low), (high - hz) / (high - middle)
    return np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)


def _cosines() -> NDArray[np.float64]:
    """The orthonormal DCT-II with the lifter of the model's front end: (cepstra, filters)."""
    k, n = np.arange(_NUM_CEPSTRA)[:, None], np.arange(_NUM_FILTERS)
    dct = np.cos(np.pi * k * (n + 0.5) / _NUM_FILTERS) * np.sqrt(2.0 / _NUM_FILTERS)
    dct[0] /= np.sqrt(2.0)
    lifter = 1.0 + _LIFTER / 2 * np.sin(np.pi * np.arange(_NUM_CEPSTRA) / _LIFTER)
    return np.asarray(dct * lifter[:, None])


_POWER_SMOOTHING: Final = 0.7
_RISE: Final = 0.995
_FALL: Final = 0.5
_MASKING: Final = 0.85
_MASKED_LEVEL: Final = 0.2
_MOST_GAIN: Final = 20.0


def _neighbours(reach: int = 4) -> NDArray[np.float64]:
    """The mean over each band and `reach` bands on either side of it: (filters, filters)."""
    near = np.abs(np.subtract.outer(np.arange(_NUM_FILTERS), np.arange(_NUM_FILTERS))) <= reach
    return np.asarray(near / near.sum(axis=1, keepdims=True))


_NEIGHBOURS: Final = _neighbours()
_FILTERS: Final = _mel_filters()
_COSINES: Final = _cosines()
_HAMMING: Final = np.hamming(_WINDOW)


def cepstra(samples: Floats) -> NDArray[np.float64]:
    """Mel cepstra of 16 kHz sound, one row per 10 ms.

    Args:
        samples: float32 (frames,) in [-1, 1], 16 kHz.

    Returns:
        float64 (T, 13); row t looks at samples 160 t to 160 t + 410.
    """
    scaled = samples.astype(np.float64) * 32768.0
    emphasised = np.append(scaled[:1], scaled[1:] - _PREEMPHASIS * scaled[:-1])
    num_rows = max(1, 1 + (len(scaled) - _WINDOW + FRAME_SHIFT - 1) // FRAME_SHIFT)
    padded = np.zeros((num_rows - 1) * FRAME_SHIFT + _WINDOW)
    padded[: min(len(padded), len(emphasised))] = emphasised[: len(padded)]
    rows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::FRAME_SHIFT]
    power = np.empty((num_rows, _FFT // 2 + 1))
    for first in range(0, num_rows, _BLOCK):
        part = slice(first, first + _BLOCK)
        power[part] = np.abs(np.fft.rfft(rows[part] * _HAMMING, _FFT)) ** 2
    return np.asarray(np.log(_without_noise(power @ _FILTERS.T) + 1e-4) @ _COSINES.T)


def _follow_minimum(minimum: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Track the lower envelope: slowly up, fast down."""
    keep = np.where(now >= minimum, _RISE, _FALL)
    return np.asarray(keep * minimum + (1 - keep) * now)


def _without_noise(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale mel powers (T, 25) down where they do not stand out of their own noise floor.

    The acoustic model was trained on sound treated like this, so the same is done here.

    Source: CMU Sphinx `fe_noise.c`, after Kim and Stern, "Power-normalized cepstral
    coefficients", 2012.
    """
    power, noise, floor = bands[0], bands[0] / _MOST_GAIN, bands[0] / _MOST_GAIN
    peak = np.zeros(_NUM_FILTERS)
    gains = np.empty_like(bands)
    for t, now in enumerate(bands):
        power = _POWER_SMOOTHING * power + (1 - _POWER_SMOOTHING) * now
        noise = _follow_minimum(noise, power)
        signal = np.maximum(power - noise, 1.0)
        floor = _follow_minimum(floor, signal)
        peak = peak * _MASKING
        masked = np.where(signal < _MASKING * peak, peak * _MASKED_LEVEL, signal)
        peak = np.maximum(peak, signal)
        gain = np.maximum(masked, floor) / np.maximum(power, 1e-9)
        gains[t] = np.clip(gain, 1 / _MOST_GAIN, _MOST_GAIN)
    return bands * (gains @ _NEIGHBOURS.T)


def features(cepstra_rows: NDArray[np.float64]) -> Floats:
    """Cepstra with their mean removed, slopes and curvatures: float32 (3, T, 13).

    Source: the feature type `1s_c_d_dd` of CMU Sphinx.
    """
    loud = cepstra_rows[cepstra_rows[:, 0] > 0]
    centred = cepstra_rows - (loud if len(loud) else cepstra_rows).mean(axis=0)
    num_rows = len(centred)
    padded = np.pad(centred, ((3, 3), (0, 0)), mode="edge")

    def at(offset: int) -> NDArray[np.float64]:
        return padded[3 + offset : 3 + offset + num_rows]

    slope = at(2) - at(-2)
    curvature = (at(3) - at(-1)) - (at(1) - at(-3))
    return np.stack([centred, slope, curvature]).astype(np.float32)

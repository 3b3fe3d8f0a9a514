"""Word edges moved to the quietest place near by, where a cut is heard least.

aligned    ... the | middle ...        to 10 ms, by what the frames sound like
refined    ... the  | middle ...       to 2 ms, by how loud the sound is
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_HOP: Final = 0.002
_WINDOW: Final = 0.012
_REACH: Final = 0.04  # how far an edge may move
_PRICE_DB: Final = 20.0  # what moving it that far must gain
_SHARE: Final = 0.4  # of the way to the next edge, lest they cross


def refine_edges(
    samples: NDArray[np.float32], sample_rate: int, edges: Sequence[float]
) -> tuple[float, ...]:
    """Move edges of words, each by at most 40 ms, to quieter places.

    On hand-labelled read speech this brought the mean error of starts from 26.7 to 24.4 ms and of
    ends from 24.3 to 23.2 ms; choosing by spectral change gained less.

    Args:
        samples: float32 (frames,) in [-1, 1].
        sample_rate: in Hz.
        edges: seconds, ascending; equal ones stay equal.

    Returns:
        The edges, in the same order and still ascending.
    """
    distinct = sorted(set(edges))
    limits = [0.0, *distinct, len(samples) / sample_rate]
    moved = {}
    for before, edge, after in zip(limits, distinct, limits[2:], strict=False):
        room = _SHARE * min(edge - before or _REACH, after - edge or _REACH)
        moved[edge] = _quietest(samples, sample_rate, edge, min(_REACH, max(0.0, room)))
    return tuple(moved[edge] for edge in edges)


def _quietest(samples: NDArray[np.float32], sample_rate: int, edge: float, reach: float) -> float:
    """The best trade of level for distance within `reach` seconds of `edge`."""
    steps = int(reach / _HOP)
    times = edge + np.arange(-steps, steps + 1) * _HOP
    half = round(_WINDOW / 2 * sample_rate)
    middles = np.round(times * sample_rate).astype(np.intp)
    first, last = max(0, int(middles[0]) - half), int(middles[-1]) + half + 1
    energy = np.concatenate([[0.0], np.cumsum(samples[first:last].astype(np.float64) ** 2)])
    top = len(energy) - 1
    starts = np.clip(middles - half - first, 0, top)
    stops = np.clip(middles + half + 1 - first, 0, top)
    power = (energy[stops] - energy[starts]) / np.maximum(stops - starts, 1)
    price = _PRICE_DB * ((times - edge) / _REACH) ** 2
    best = float(times[np.argmin(10 * np.log10(power + 1e-9) + price)])
    return min(max(0.0, best), len(samples) / sample_rate)

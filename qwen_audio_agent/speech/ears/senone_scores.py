"""How well the tied states of the acoustic model explain a sound, where somebody asks for it.

All 5,126 of them would take 2 MB for each second of sound; a search needs some hundreds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.speech.ears.acoustics import AcousticModel, Floats

_BLOCK: Final = 512  # frames at once
_ROWS: Final = 64
"""Frames multiplied at once: so few that BLAS does not call its threads, which cost more than the
work."""


class SenoneScores:
    """Natural logarithms of the likelihoods of senones, frame by frame.

    Args:
        model: the acoustic model.
        feature_rows: float32 (3, T, 13) of `cepstra.features`.
    """

    def __init__(self, model: AcousticModel, feature_rows: Floats) -> None:
        self._model = model
        self._rows = feature_rows

    def __len__(self) -> int:
        """The number of frames."""
        return int(self._rows.shape[1])

    def between(self, start: int, end: int) -> SenoneScores:
        """The same of the frames [start, end)."""
        return SenoneScores(self._model, self._rows[:, start:end])

    def of(self, senones: Sequence[int] | NDArray[Any]) -> Floats:
        """How well some senones explain every frame: float32 (T, senones)."""
        wanted = np.asarray(senones, np.intp)
        scores = np.empty((len(self), len(wanted)), np.float32)
        phones = self._model.phone_of_senone[wanted]
        for phone in np.unique(phones):
            here = np.flatnonzero(phones == phone)
            for part, mine, block in self._blocks(int(phone)):
                scores[part, here] = block[:, np.searchsorted(mine, wanted[here])]
        return scores

    @property
    def best(self) -> Floats:
        """How well the best of all senones explains every frame: float32 (T,)."""
        return self._summary[0]

    @property
    def of_phones(self) -> Floats:
        """How well each phone by itself explains every frame: float32 (T, phones, 3 states)."""
        return self._summary[1]

    @cached_property
    def _summary(self) -> tuple[Floats, Floats]:
        num_phones = len(self._model.phones)
        best = np.full(len(self), -np.inf, np.float32)
        of_phones = np.empty((len(self), num_phones, 3), np.float32)
        for phone in range(num_phones):
            for part, mine, block in self._blocks(phone):
                best[part] = np.maximum(best[part], block.max(axis=1))
                states = np.searchsorted(mine, self._model.senones[phone])
                of_phones[part, phone] = block[:, states]
        return best, of_phones

    def _blocks(self, phone: int) -> Iterator[tuple[slice, NDArray[np.intp], Floats]]:
        """Some frames at a time: which, the senones of a phone's codebook, and their scores."""
        mine = np.flatnonzero(self._model.phone_of_senone == phone)
        weights = np.exp(self._model.weights[:, :, mine])
        for first in range(0, len(self), _BLOCK):
            part = slice(first, min(first + _BLOCK, len(self)))
            scores = np.zeros((part.stop - first, len(mine)), np.float32)
            for stream, rows in enumerate(self._rows[:, part]):
                densities = self._densities(rows, phone, stream)
                best = densities.max(axis=1, keepdims=True)
                scores += np.log(_times(np.exp(densities - best), weights[stream])) + best
            yield part, mine, scores

    def _densities(self, rows: Floats, phone: int, stream: int) -> Floats:
        """Log densities of one codebook: float32 (T, densities)."""
        mean, precision = self._model.means[phone, stream], self._model.precisions[phone, stream]
        constant = 0.5 * (np.log(precision / (2 * np.pi)) - mean * mean * precision).sum(axis=1)
        squares = _times(rows * rows, -0.5 * precision.T)
        fit: Floats = squares + _times(rows, (mean * precision).T) + constant
        return fit


def _times(rows: Floats, matrix: Floats) -> Floats:
    """`rows` @ `matrix`, some rows at a time."""
    num_rows = len(rows)
    padded = np.pad(rows, ((0, -num_rows % _ROWS), (0, 0)))
    product: Floats = padded.reshape(-1, _ROWS, rows.shape[1]) @ matrix
    return product.reshape(len(padded), -1)[:num_rows]

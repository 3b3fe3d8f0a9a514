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
            mine, block = self._block(int(phone))
            here = np.flatnonzero(phones == phone)
            scores[:, here] = block[:, np.searchsorted(mine, wanted[here])]
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
        for phone, (mine, block) in enumerate(self._blocks()):
            np.maximum(best, block.max(axis=1), out=best)
            of_phones[:, phone] = block[:, np.searchsorted(mine, self._model.senones[phone])]
        return best, of_phones

    def _blocks(self) -> Iterator[tuple[NDArray[np.intp], Floats]]:
        for phone in range(len(self._model.phones)):
            yield self._block(phone)

    def _block(self, phone: int) -> tuple[NDArray[np.intp], Floats]:
        """The senones that use the codebook of a phone, ascending, and their scores."""
        model = self._model
        mine = np.flatnonzero(model.phone_of_senone == phone)
        scores = np.zeros((len(self), len(mine)), np.float32)
        for stream, rows in enumerate(self._rows):
            densities = self._densities(rows, phone, stream)
            best = densities.max(axis=1, keepdims=True)
            mixed = _times(np.exp(densities - best), np.exp(model.weights[stream][:, mine]))
            np.log(mixed, out=mixed)
            mixed += best
            scores += mixed
        return mine, scores

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

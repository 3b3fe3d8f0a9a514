"""The acoustic model of PocketSphinx in numpy: how well each of its tied states fits each frame.

PocketSphinx gives words; an edit needs more: how much better the sound fits *this* phrase than
anything else, and where exactly its edges lie. Both follow from the log-likelihoods of the tied
states (senones), computed here from the files inside the pocketsphinx package.

Source: the file formats of CMU Sphinx (`s3io`, `bin_mdef`, `ptm_mgau`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# The dumped mixture weights are logarithms to the base 1.0001, shifted right by ten bits.
_WEIGHT_STEP: Final = 1024 * float(np.log(1.0001))
_VARIANCE_FLOOR: Final = 1e-4

# Where in its word a phone stands; the senones differ.
INTERNAL, BEGIN, END, SINGLE = range(4)


def _s3_arrays(path: Path) -> NDArray[np.float32]:
    """Means or variances: float32 (phones, streams, densities, 13)."""
    data = path.read_bytes()
    start = data.index(b"endhdr\n") + len(b"endhdr\n") + 4  # the byte-order mark follows the text
    num_phones, num_streams, num_densities = np.frombuffer(data, "<i4", 3, start)
    sizes = np.frombuffer(data, "<i4", num_streams, start + 12)
    start += 12 + 4 * int(num_streams) + 4
    shape = (int(num_phones), int(num_streams), int(num_densities), int(sizes[0]))
    return np.frombuffer(data, "<f4", int(np.prod(shape)), start).reshape(shape)


def _transitions(path: Path) -> tuple[Floats, Floats]:
    """Log probabilities of staying in each state of a phone and of leaving it: (phones, 3)."""
    data = path.read_bytes()
    start = data.index(b"endhdr\n") + len(b"endhdr\n") + 4
    num_phones, num_from, num_to, _ = (int(n) for n in np.frombuffer(data, "<i4", 4, start))
    counts = np.frombuffer(data, "<f4", num_phones * num_from * num_to, start + 16)
    counts = counts.reshape(num_phones, num_from, num_to)
    states = np.arange(num_from)
    stay, leave = counts[:, states, states], counts[:, states, states + 1]
    total = stay + leave
    return np.log(stay / total, dtype=np.float32), np.log(leave / total, dtype=np.float32)


def _mixture_weights(path: Path, num_streams: int, num_densities: int, num_senones: int) -> Floats:
    """Log weights: float32 (streams, densities, senones)."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    size = num_streams * num_densities * num_senones
    dumped = data[-size:].reshape(num_streams, num_densities, num_senones)
    return -dumped.astype(np.float32) * np.float32(_WEIGHT_STEP)


@dataclass(frozen=True, slots=True)
class AcousticModel:
    """Phones, their tied states, and the Gaussian mixtures that tell how each state sounds.

    Attributes:
        phones: names of the context-independent phones, "SIL" among them.
        senones: int16 (sequences, 3): the tied states that follow one another in a phone.
        phone_of_senone: int (senones,): whose codebook of Gaussians it uses.
        triphones: sorted int64 keys of (phone, left, right, place in its word).
        triphone_sequences: the row of `senones` of each of them.
        means: float32 (phones, streams, densities, 13).
        precisions: float32 of the same shape, 1 / variance.
        weights: float32 (streams, densities, senones), logarithms.
        stays: float32 (phones, 3): log probability that a state lasts one frame longer.
        leaves: float32 (phones, 3): that it does not.
    """

    phones: tuple[str, ...]
    senones: NDArray[np.int16]
    phone_of_senone: NDArray[np.intp]
    triphones: NDArray[np.int64]
    triphone_sequences: NDArray[np.int32]
    means: Floats
    precisions: Floats
    weights: Floats
    stays: Floats
    leaves: Floats

    @classmethod
    def load(cls, folder: Path) -> AcousticModel:
        """Read the model files in `folder` (mdef, means, variances, sendump)."""
        mdef = _Definition.load(folder / "mdef")
        means = _s3_arrays(folder / "means")
        variances = np.maximum(_s3_arrays(folder / "variances"), np.float32(_VARIANCE_FLOOR))
        _, num_streams, num_densities, _ = means.shape
        return cls(
            mdef.phones,
            mdef.senones,
            mdef.phone_of_senone,
            mdef.triphones,
            mdef.triphone_sequences,
            means,
            np.reciprocal(variances),
            _mixture_weights(folder / "sendump", num_streams, num_densities, mdef.num_senones),
            *_transitions(folder / "transition_matrices"),
        )

    def phone(self, name: str) -> int:
        """The number of a phone."""
        return self.phones.index(name)

    def states(
        self, phone: int, left: int | None, right: int | None, place: int
    ) -> list[NDArray[np.int16]]:
        """The senones of the three states of a phone between two others.

        Args:
            phone: its number.
            left: the phone before it; None if that may be any, and all its senones are wanted.
            right: the phone after it; None likewise.
            place: INTERNAL, BEGIN, END or SINGLE.
        """
        for where in (place, *(p for p in (INTERNAL, BEGIN, END, SINGLE) if p != place)):
            rows = self._triphone_rows(phone, left, right, where)
            if len(rows):
                return [np.unique(self.senones[rows, state]) for state in range(3)]
        return [self.senones[phone, state : state + 1] for state in range(3)]

    def _triphone_rows(
        self, phone: int, left: int | None, right: int | None, place: int
    ) -> NDArray[np.int32]:
        """The rows of `senones` of all triphones that agree with what is known of them."""
        low = _triphone_key(phone, left or 0, 0 if left is None else right or 0, 0)
        high = _triphone_key(phone, 255 if left is None else left, 255, 3)
        if left is not None and right is not None:
            high = _triphone_key(phone, left, right, 3)
        inside = slice(*np.searchsorted(self.triphones, (low, high + 1)))
        keys = self.triphones[inside]
        agree = keys % 4 == place
        if right is not None:
            agree &= keys // 4 % 256 == right
        rows: NDArray[np.int32] = self.triphone_sequences[inside][agree]
        return rows


def _triphone_key(phone: int, left: int, right: int, place: int) -> int:
    return ((phone * 256 + left) * 256 + right) * 4 + place


@dataclass(frozen=True, slots=True)
class _Definition:
    """What a binary `mdef` file says about phones, triphones and their senones."""

    phones: tuple[str, ...]
    num_senones: int
    senones: NDArray[np.int16]
    phone_of_senone: NDArray[np.intp]
    triphones: NDArray[np.int64]
    triphone_sequences: NDArray[np.int32]

    @classmethod
    def load(cls, path: Path) -> _Definition:
        data = path.read_bytes()
        _, _, text_size = np.frombuffer(data, "<i4", 3)
        header = np.frombuffer(data, "<i4", 10, 12 + text_size)
        num_phones, num_triphones, num_states, _, num_senones, _, num_sequences, _, num_nodes, _ = (
            int(n) for n in header
        )
        start = 12 + int(text_size) + 40
        names, at = [], start
        for _ in range(num_phones):
            end = data.index(b"\0", at)
            names.append(data[at:end].decode("ascii"))
            at = end + 1
        start += -(-(at - start) // 4) * 4 + 8 * num_nodes
        layout = np.dtype([("sequence", "<i4"), ("transitions", "<i4"), ("context", "u1", 4)])
        table = np.frombuffer(data, layout, num_triphones, start)
        start += layout.itemsize * num_triphones + 4
        senones = np.frombuffer(data, "<i2", num_sequences * num_states, start)
        senones = senones.reshape(num_sequences, num_states)
        phone_of_senone = np.zeros(num_senones, np.intp)
        phone_of_senone[senones[table["sequence"][:num_phones]]] = np.arange(num_phones)[:, None]
        place, phone, left, right = table["context"][num_phones:].astype(np.int64).T
        sequences = table["sequence"][num_phones:]
        phone_of_senone[senones[sequences]] = phone[:, None]
        keys = ((phone * 256 + left) * 256 + right) * 4 + place
        order = np.argsort(keys)
        by_phone = senones[table["sequence"][:num_phones]]
        return cls(
            tuple(names),
            num_senones,
            np.concatenate([by_phone, senones]),
            phone_of_senone,
            keys[order],
            (sequences[order] + num_phones).astype(np.int32),
        )

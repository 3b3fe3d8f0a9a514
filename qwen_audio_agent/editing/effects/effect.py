"""What every effect is: a small frozen value that turns blocks of sound into blocks of sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any, ClassVar, Protocol

import numpy as np

from qwen_audio_agent.audio.levels import LoudnessMeter
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.errors import EditError

OpenBlocks = Callable[[], Iterator[Samples]]
"""Starts the programme again from its first frame: float32 (channels, frames) of any length."""


@dataclass(frozen=True, slots=True)
class Effect(Protocol):
    """A change of the whole programme.

    Effects never delay: frame n of the output belongs to frame n of the input (tempo: n x factor).
    The output is finite and does not depend on how the input was cut into blocks; memory does not
    grow with the length.
    """

    name: ClassVar[EffectName]

    def __post_init__(self) -> None:
        """Refuse settings out of range.

        Raises:
            EditError: names the setting, what was given and what is allowed.
        """
        for item in fields(self):
            if not item.metadata:
                continue
            low, high, unit = (item.metadata[key] for key in ("low", "high", "unit"))
            value = getattr(self, item.name)
            if value is None and item.default is None:
                continue
            if not (isinstance(value, int | float) and math.isfinite(value)) or not (
                low <= value <= high
            ):
                raise EditError(
                    f"{self.name}: {item.name} is {value}; "
                    f"give a number from {low:g} to {high:g}{unit and ' ' + unit}"
                )

    def num_frames(self, num_frames: int) -> int:
        """Length of the output for an input of `num_frames` frames."""
        return num_frames

    @property
    def reads_twice(self) -> bool:
        """Whether `process` opens the programme more than once, to measure it before it changes."""
        return False

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """Stream the changed programme.

        Args:
            open_blocks: called again by effects that measure the programme before they change it.
            sample_rate: of the programme, in Hz.
            num_channels: of the programme.

        Yields:
            float32 (channels, frames), `num_frames` of the input's length in total.
        """
        ...


def setting(default: float | None, low: float, high: float, unit: str = "") -> Any:
    """Declare a field of an effect: its default and the range that is allowed, in `unit`."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit})


def recut(blocks: Iterable[Samples], num_frames: int, num_channels: int) -> Iterator[Samples]:
    """Cut a stream into blocks of exactly `num_frames` frames; the last one may be shorter.

        | a | b  | c |  ->  | ab | bc |

    What an effect does per block then never depends on who reads the file. Samples that are not
    numbers become silence, so that no filter carries them on. The rows of a block are contiguous,
    and nobody else has it.
    """
    return with_context(blocks, num_frames, 0, num_channels)


def with_context(
    blocks: Iterable[Samples], num_frames: int, context: int, num_channels: int
) -> Iterator[Samples]:
    """Blocks of `num_frames` frames, each with the `context` frames before and after it.

        | a | b | c |  ->  | 00 a b | a b c | b c 00 |

    Beyond both ends of the programme the context is silence. The middle of what is yielded, without
    `context` frames on either side, is the programme.
    """
    shape = (num_channels, num_frames + 2 * context)
    window, filled = np.empty(shape, np.float32), context
    window[:, :context] = 0
    for block in chain(blocks, [np.zeros((num_channels, context), np.float32)]):
        numbers = _only_numbers(block)
        start = 0
        while start < numbers.shape[1]:
            if filled == shape[1]:
                done, window = window, np.empty(shape, np.float32)
                filled = 2 * context
                window[:, :filled] = done[:, num_frames:]
                yield done
            taken = min(shape[1] - filled, numbers.shape[1] - start)
            window[:, filled : filled + taken] = numbers[:, start : start + taken]
            filled, start = filled + taken, start + taken
    if filled > 2 * context:
        yield window[:, :filled]


def _only_numbers(block: Samples) -> Samples:
    # The sum shows in one reading that there is nothing to replace.
    if np.isfinite(block.sum()):
        return block
    return np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)


def programme_lufs(blocks: Iterable[Samples], sample_rate: int, num_channels: int) -> float:
    """Integrated loudness of a stream; -inf for silence and for what is too short to have one."""
    meter = LoudnessMeter(sample_rate, num_channels)
    for block in recut(blocks, sample_rate, num_channels):
        meter.push(block)
    return meter.lufs

"""What every effect is: a small frozen value that turns blocks of sound into blocks of sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any, ClassVar, Protocol

import numpy as np

from qwen_audio_agent.audio.levels import loudness_lufs
from qwen_audio_agent.audio.samples import Audio, Samples
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
    numbers become silence, so that no filter carries them on.
    """
    held: list[Samples] = [np.empty((num_channels, 0), np.float32)]
    num_held = 0
    for block in blocks:
        held.append(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0))
        num_held += block.shape[1]
        if num_held >= num_frames:
            joined = np.concatenate(held, axis=1)
            whole = num_held - num_held % num_frames
            yield from np.split(joined[:, :whole], whole // num_frames, axis=1)
            held, num_held = [joined[:, whole:]], num_held - whole
    if num_held:
        yield np.concatenate(held, axis=1)


def with_context(
    blocks: Iterable[Samples], num_frames: int, context: int, num_channels: int
) -> Iterator[Samples]:
    """Blocks of `num_frames` frames, each with the `context` frames before and after it.

        | a | b | c |  ->  | 00 a b | a b c | b c 00 |

    Beyond both ends of the programme the context is silence. The middle of what is yielded, without
    `context` frames on either side, is the programme.
    """
    edge = np.zeros((num_channels, context), np.float32)
    held = edge
    for block in recut(chain(blocks, [edge]), num_frames, num_channels):
        held = np.concatenate([held, block], axis=1)
        if held.shape[1] > num_frames + 2 * context:
            yield held[:, : num_frames + 2 * context]
            held = held[:, num_frames:]
    if held.shape[1] > 2 * context:
        yield held


def programme_lufs(blocks: Iterable[Samples], sample_rate: int, num_channels: int) -> float:
    """Integrated loudness of a stream; -inf for silence and for what is too short to have one."""
    whole = recut(blocks, sample_rate, num_channels)
    return loudness_lufs(Audio(block, sample_rate) for block in whole)

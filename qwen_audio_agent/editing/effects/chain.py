"""Effects one behind the other, in one pass where they allow it.

    highpass -> denoise -> deess -> compress -> | kept | -> normalize
                                                   ^ measured by normalize

Blocks go from effect to effect. Only the sound before one that measures the programme first is kept
on the disk for its second reading, and it is measured while it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from qwen_audio_agent.audio.hidden_file import HiddenFile, disk_error
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.effects.effect import Effect, OpenBlocks


def chained(
    effects: Sequence[Effect],
    open_blocks: OpenBlocks,
    sample_rate: int,
    num_channels: int,
    folder: Path,
) -> Iterator[Samples]:
    """Stream the programme through all effects, in constant memory.

    Args:
        effects: in the order in which they are applied.
        open_blocks: starts the programme again from its first frame.
        sample_rate: of the programme, in Hz.
        num_channels: of the programme.
        folder: has room for what is read twice: 4 bytes per sample, once for each such effect but
            the first one.

    Raises:
        DiskError: it has not.
    """
    with ExitStack() as stack:
        opened = open_blocks
        for index, effect in enumerate(effects):
            if index and effect.reads_twice:
                opened = stack.enter_context(_Kept(opened, num_channels, folder))
            opened = partial(effect.process, opened, sample_rate, num_channels)
        yield from opened()


class _Kept:
    """A stream that is computed once and written to a hidden file while it is read first."""

    def __init__(self, open_blocks: OpenBlocks, num_channels: int, folder: Path) -> None:
        self._open_blocks = open_blocks
        self._num_channels = num_channels
        self._folder = folder
        self._lengths: list[int] = []
        self._complete = False

    def __enter__(self) -> Self:
        try:
            self._hidden = HiddenFile(self._folder)
        except OSError as error:
            raise disk_error(self._folder, error) from None
        self._hidden.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hidden.__exit__(kind, error, trace)

    def __call__(self) -> Iterator[Samples]:
        return self._read() if self._complete else self._written()

    def _written(self) -> Iterator[Samples]:
        self._lengths.clear()
        with self._hidden.path.open("wb", buffering=0) as file:
            for block in self._open_blocks():
                try:
                    file.write(np.ascontiguousarray(block, np.float32).data)
                except OSError as error:
                    raise disk_error(self._hidden.path, error) from None
                self._lengths.append(block.shape[1])
                yield block
        self._complete = True

    def _read(self) -> Iterator[Samples]:
        with self._hidden.path.open("rb") as file:
            for num_frames in self._lengths:
                block = np.fromfile(file, np.float32, self._num_channels * num_frames)
                yield block.reshape(self._num_channels, num_frames)

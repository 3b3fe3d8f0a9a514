"""What is kept between tokens and between turns: keys and values, and the features of clips."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from qwen_audio_agent.model.features import AudioClip

_FIRST_CAPACITY: Final = 256
DEFAULT_FEATURE_BYTES: Final = 512 * 2**20


class GrowingLayer(DynamicLayer):
    """Keys and values of one block, in buffers that grow by doubling.

    Tokens are added in place, so that a step costs the same however much was read before, and
    cropping copies nothing: `keys` and `values` are views of what is in use.
    """

    keys: Tensor
    values: Tensor

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Make the first buffers, in the shape, dtype and device of the first states."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self._buffers = [_buffer(states, 0) for states in (key_states, value_states)]
        self._view(0)
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Add states (B, H, T, D); give all of them (B, H, S, D)."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.keys.shape[-2]
        end = start + key_states.shape[-2]
        # What transformers does to keys between steps, such as choosing beams, replaces the views.
        is_replaced = start and self.keys.data_ptr() != self._buffers[0].data_ptr()
        if is_replaced or end > self._buffers[0].shape[-2]:
            grown = [_buffer(states, end) for states in (key_states, value_states)]
            for new, used in zip(grown, (self.keys, self.values), strict=True):
                new[..., :start, :] = used
            self._buffers = grown
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[..., start:end, :] = states
        self._view(end)
        return self.keys, self.values

    def _view(self, num_tokens: int) -> None:
        self.keys, self.values = (buffer[..., :num_tokens, :] for buffer in self._buffers)


class GrowingCache(Cache):
    """A key/value cache of `GrowingLayer`s; it also carries the rotary frequencies of its keys."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=GrowingLayer)


class FeatureCache:
    """Features of clips by their content: what was heard once is not encoded again.

    They are of one network, with the weights that it has. Threads may share it.

    Args:
        max_bytes: those used longest ago are dropped beyond it.

    Attributes:
        num_encoded: clips that had to be encoded.
        num_bytes: size of what is kept.
    """

    def __init__(self, max_bytes: int = DEFAULT_FEATURE_BYTES) -> None:
        self.max_bytes = max_bytes
        self.num_encoded = 0
        self.num_bytes = 0
        self._kept: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def features(
        self, clips: Sequence[AudioClip], encode: Callable[[Sequence[AudioClip]], list[Tensor]]
    ) -> list[Tensor]:
        """The features of each clip, (num_tokens + 2, C); those not kept are encoded in one go."""
        with self._lock:
            found = {c.key: self._kept[c.key] for c in clips if c.key in self._kept}
        missing = list({c.key: c for c in clips if c.key not in found}.values())
        if missing:
            encoded = encode(missing)  # not under the lock: it takes long
            found |= {clip.key: rows for clip, rows in zip(missing, encoded, strict=True)}
        with self._lock:
            self.num_encoded += len(missing)
            for clip in clips:
                self._keep(clip.key, found[clip.key])
        return [found[clip.key] for clip in clips]

    def _keep(self, key: str, rows: Tensor) -> None:
        if key not in self._kept:
            self.num_bytes += rows.nbytes
        self._kept[key] = rows
        self._kept.move_to_end(key)
        while self.num_bytes > self.max_bytes:
            self.num_bytes -= self._kept.popitem(last=False)[1].nbytes


def _buffer(states: Tensor, at_least: int) -> Tensor:
    capacity = _FIRST_CAPACITY
    while capacity < at_least:
        capacity *= 2
    return torch.empty(
        *states.shape[:-2], capacity, states.shape[-1], dtype=states.dtype, device=states.device
    )

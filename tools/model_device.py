"""`benchmark.py model`, on a GPU: the public size in bfloat16, beside the bandwidth of the memory.

Weights are random and made on the device. A token cannot be had without reading every weight of the
decoder and all keys and values: that many bytes over the bandwidth of a copy is the limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import model_speed
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, Cache, StaticCache

from qwen_audio_agent.model import QwenAudioConfig, QwenAudioForCausalLM
from qwen_audio_agent.model.cache import GrowingCache

NUM_READ: Final = 1024
NUM_STEPS: Final = 64
COPIED_BYTES: Final = 2**30
CLIP_SECONDS: Final = 30
COMPILE: Final = partial(torch.compile, mode="reduce-overhead")

Row = dict[str, object]


class Device:
    """One device: its clock, its memory and the bandwidth of it."""

    def __init__(self, name: str, copied_bytes: int = COPIED_BYTES) -> None:
        self.name, self.is_gpu = name, name.startswith("cuda")
        self._copied_bytes = copied_bytes

    def ms(
        self,
        work: Callable[[Any], object],
        before: Callable[[], Any] = lambda: None,
        repeat: int = 3,
    ) -> float:
        """The least milliseconds of some runs after a first one, until the device is done.

        Args:
            work: what is measured; it is given what `before` gives.
            before: is not measured.
            repeat: how many runs.
        """
        taken = []
        for _ in range(repeat + 1):
            given = before()
            self._wait()
            started = time.perf_counter()
            work(given)
            self._wait()
            taken.append(1000 * (time.perf_counter() - started))
        return min(taken[1:])

    def bytes_per_second(self) -> float:
        """Bytes read and written by a copy within the device."""
        source = torch.ones(self._copied_bytes, dtype=torch.uint8, device=self.name)
        target = torch.empty_like(source)
        return 2 * self._copied_bytes / (self.ms(lambda _: target.copy_(source)) / 1000)

    def peak_mib(self) -> object:
        """The most memory held since it was last asked; only a GPU says so."""
        if not self.is_gpu:
            return "-"
        peak = round(torch.cuda.max_memory_allocated(self.name) / 2**20)
        torch.cuda.reset_peak_memory_stats(self.name)
        return peak

    def _wait(self) -> None:
        if self.is_gpu:
            torch.cuda.synchronize(self.name)


def random_model(config: QwenAudioConfig, device: str) -> QwenAudioForCausalLM:
    """A model in bfloat16 that is never on the CPU."""
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    made: QwenAudioForCausalLM = model.eval()
    return made


def bytes_per_token(model: QwenAudioForCausalLM, num_before: int) -> int:
    """What has to be read to make one token after so many."""
    config, decoder = model.config, [*model.transformer.h.parameters(), *model.lm_head.parameters()]
    kept = 2 * num_before * config.hidden_size * config.num_hidden_layers
    num_bytes: int = sum(w.nbytes for w in decoder) + kept * model.lm_head.weight.itemsize
    return num_bytes


def decode(step: Callable[..., Any], cache: Cache, token: Tensor) -> None:
    """Make `NUM_STEPS` tokens greedily, each looked at, as a reply is made."""
    for _ in range(NUM_STEPS):
        output = step(input_ids=token, past_key_values=cache, use_cache=True, logits_to_keep=1)
        token = torch.full_like(token, int(output.logits[0, -1].argmax()))


@torch.no_grad()
def rows_of(
    config: QwenAudioConfig, device: Device, compiled: Callable[[Any], Any] = COMPILE
) -> Iterator[Row]:
    """The encoder, a prompt, and tokens one by one: with the cache of a conversation, a static one,
    and that with the network compiled.
    """
    bandwidth = device.bytes_per_second()
    yield _row(device, "GB copied", 1000.0, bandwidth / 1e9)
    model = random_model(config, device.name)
    mel = model_speed.some_mel().to(device.name)
    frames = config.audio_config.n_ctx
    ms = device.ms(lambda _: model.transformer.encode_mels([mel], [frames]))
    yield _row(device, "seconds encoded", ms, CLIP_SECONDS)
    ids = model_speed.some_ids(NUM_READ).to(device.name)

    def read(cache: Cache) -> Cache:
        model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return cache

    yield _row(device, "tokens read", device.ms(read, before=GrowingCache), NUM_READ)
    limit = bandwidth / bytes_per_token(model, NUM_READ + NUM_STEPS // 2)
    static = partial(StaticCache, config=config, max_cache_len=NUM_READ + NUM_STEPS)
    for way, new_cache, step in (
        ("growing cache", GrowingCache, model),
        ("static cache", static, model),
        ("static cache, compiled", static, compiled(model)),
    ):
        ms = device.ms(
            lambda cache: decode(step, cache, ids[:, -1:]),  # noqa: B023 - called at once
            before=lambda: read(new_cache()),  # noqa: B023
        )
        yield _row(device, f"tokens written, {way}", ms, NUM_STEPS, limit)


def _row(device: Device, work: str, ms: float, amount: float, limit: float | None = None) -> Row:
    """One line of the table; `limit` is an amount per second."""
    rate = 1000 * amount / ms
    share = "-" if limit is None else f"{100 * rate / limit:.0f}% of {limit:.0f}"
    return {"work": work, "per second": rate, "of limit": share, "peak MiB": device.peak_mib()}

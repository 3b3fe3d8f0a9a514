"""`benchmark.py model`, encoder and decoder: two ways in turns, whose results must be equal.

Time is that of the processor: where others are at work, the clock on the wall tells of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import model_ways
import torch
from model_ways import Way
from torch import Tensor

SECONDS = (5.0, 15.0, 30.0)
LENGTHS = (256, 1024, 2048)
NUM_STEPS = 64
LARGEST_DIFFERENCE = 1e-4

Row = dict[str, object]


def some_mel() -> Tensor:
    """(80, 3000)."""
    return torch.randn(80, 3000, generator=torch.Generator().manual_seed(2))


def some_ids(count: int) -> Tensor:
    """(1, count)."""
    random = torch.Generator().manual_seed(3)
    return torch.randint(0, model_ways.NUM_ROWS, (1, count), generator=random)


def side_by_side(
    runs: Mapping[str, Callable[[], Tensor]], repeat: int
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Run each in turn, `repeat` times after a first one; least milliseconds, and results."""
    results = {name: run() for name, run in runs.items()}
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, run in runs.items():
            started = time.process_time()
            results[name] = run()
            taken[name].append(1000 * (time.process_time() - started))
    return {name: min(times) for name, times in taken.items()}, results


def row_of(work: str, times: dict[str, float], results: dict[str, Tensor] | None) -> Row:
    """One line of the table.

    Raises:
        RuntimeError: the two ways do not give the same.
    """
    row: Row = {"work": work, "ours ms": times["ours"], "transformers ms": times["theirs"]}
    row["ratio"] = times["ours"] / times["theirs"]
    row["difference"] = "-"
    if results is not None:
        difference = float((results["ours"] - results["theirs"]).abs().max())
        if difference > LARGEST_DIFFERENCE:
            raise RuntimeError(f"{work}: results differ by {difference}")
        row["difference"] = f"{difference:.0e}"
    return row


def encoder_rows(ways: Mapping[str, Way], repeat: int) -> Iterator[Row]:
    """Clips of three lengths; only at 30 s do both read the same."""
    mel = some_mel()
    for seconds in SECONDS:
        runs = {name: partial(way.encode, mel, seconds) for name, way in ways.items()}
        times, results = side_by_side(runs, repeat)
        yield row_of(f"encode {seconds:.0f} s", times, results if seconds == SECONDS[-1] else None)


def decoder_rows(ways: Mapping[str, Way], repeat: int) -> Iterator[Row]:
    """Prompts of three lengths; then tokens one by one after them; then a whole reply."""
    ids = some_ids(LENGTHS[-1])
    for length in LENGTHS:
        prompt = ids[:, :length]
        runs = {name: partial(way.read_afresh, prompt) for name, way in ways.items()}
        yield row_of(f"read {length} tokens", *side_by_side(runs, repeat))
    for length in LENGTHS[:-1]:
        steps = {name: steps_after(way, ids, length) for name, way in ways.items()}
        times, results = side_by_side(steps, NUM_STEPS - 1)
        yield row_of(f"one of {NUM_STEPS} tokens after {length}", times, results)
    prompt = ids[:, : LENGTHS[0]]
    runs = {name: partial(way.reply, prompt, NUM_STEPS) for name, way in ways.items()}
    times, results = side_by_side(runs, repeat)
    yield row_of(f"a reply of {NUM_STEPS} to {LENGTHS[0]}", times, results)


def steps_after(way: Way, ids: Tensor, length: int) -> Callable[[], Tensor]:
    """Something that reads the next token at each call."""
    cache = way.new_cache()
    way.read(ids[:, :length], cache)
    following = iter(ids[:, length:].split(1, dim=1))
    return lambda: way.read(next(following), cache)

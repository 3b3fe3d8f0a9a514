"""`benchmark.py model`: the native network beside transformers' own classes, and reuse of turns.

Both ways have the same random weights and run in turns; the least time of the processor of some
runs counts, on one thread if not told otherwise, so that others on the machine disturb little.
Results that differ by over 1e-4 end the benchmark. At 30 s the encoders read the same; of shorter
clips transformers' reads 30 s all the same. "In short" compares turns of the conversation.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

import measuring
import model_chat
import model_device
import model_memory
import model_speed
import model_ways
import model_weights
import torch

PARTS = ("beside transformers", "conversation", "memory", "public size on a GPU")

Row = dict[str, object]


def speed_rows(size: str, repeat: int) -> Iterator[Row]:
    """Encoder and decoder beside transformers."""
    config = model_ways.config_of(size)
    model = model_weights.qwen_audio(config)
    ways = {"ours": model_ways.ours(model), "theirs": model_ways.theirs(config, model)}
    yield from model_speed.encoder_rows(ways, repeat)
    yield from model_speed.decoder_rows(ways, repeat)


def talk_rows(size: str, repeat: int) -> list[Row]:
    """Each turn of a conversation with reuse and without, in the least time of some."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = model_chat.tokenizer_of(Path(folder))
    model = model_chat.model_for(tokenizer, model_ways.config_of(size))
    talks = [model_chat.talk(model, tokenizer, model_chat.WAYS) for _ in range(repeat)]
    rows: list[Row] = []
    for turn, repeated in enumerate(zip(*talks, strict=True), 1):
        row: Row = {"turn": turn, "new audio s": model_chat.AUDIO_SECONDS.get(turn, "")}
        for way in model_chat.WAYS:
            best = min((costs[way] for costs in repeated), key=lambda cost: cost.ms)
            row |= {f"{way}: ms": best.ms, f"{way}: read": best.num_read}
            row[f"{way}: encoded"] = best.num_encoded
        rows.append(row)
    return rows


def summary(rows: list[Row]) -> Row:
    """How the last turn compares with the second, and with itself without reuse."""
    ms = {way: [cast(float, row[f"{way}: ms"]) for row in rows] for way in model_chat.WAYS}
    encoded = {
        way: sum(cast(int, row[f"{way}: encoded"]) for row in rows) for way in model_chat.WAYS
    }
    return {
        "last turn / second": ms["reuse"][-1] / ms["reuse"][1],
        "fresh / reuse, last turn": ms["fresh"][-1] / ms["reuse"][-1],
        "fresh / reuse, last three": sum(ms["fresh"][-3:]) / sum(ms["reuse"][-3:]),
        "audios": len(model_chat.AUDIO_SECONDS),
        "encoded with reuse": encoded["reuse"],
        "encoded without": encoded["fresh"],
    }


def told(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, shown as they come."""
    for row in rows:
        print(row, file=sys.stderr, flush=True)
        yield row


def device_rows() -> Iterable[Row]:
    """The public size on a GPU; none without one."""
    if not torch.cuda.is_available():
        return ()
    return model_device.rows_of(model_ways.config_of("public"), model_device.Device("cuda"))


def main(argv: list[str]) -> int:
    """Print the tables; exit status 0."""
    parser = argparse.ArgumentParser(prog="benchmark.py model", description=__doc__)
    parser.add_argument("--size", choices=model_ways.SIZES, default="middle")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the fastest counts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    size, repeat, threads = arguments.size, arguments.repeat, arguments.threads
    torch.set_num_threads(threads)
    measure: dict[str, Callable[[], Iterable[Row]]] = {
        "beside transformers": lambda: speed_rows(size, repeat),
        "conversation": lambda: talk_rows(size, repeat),
        "memory": lambda: model_memory.rows_of(size, threads),
        "public size on a GPU": device_rows,
    }
    with torch.inference_mode():
        tables: dict[str, list[Row]] = {}
        for part in arguments.parts:
            tables[part] = [*told(measure[part]())]
            if part == "conversation":
                tables["conversation in short"] = [summary(tables[part])]
    if arguments.json:
        print(json.dumps(tables, indent=1))
        return 0
    for title, rows in tables.items():
        # Only what needs a GPU can be without rows.
        print(f"\n{title}\n\n{measuring.table(rows) if rows else 'no GPU here: not measured'}")
    return 0

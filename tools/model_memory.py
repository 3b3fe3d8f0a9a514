"""`benchmark.py model`, memory: each piece of work in each way, alone in a process.

As a program: SIZE WAY WORK; it does it once and ends.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import measuring
import model_chat
import model_speed
import model_ways
import model_weights
import torch

from qwen_audio_agent.model import QwenAudioConfig

Row = dict[str, object]

WORKS = ("nothing", "encode 30", "read 1024", "read 2048", "talk")
"""What is done; "talk" is done by ours alone, with reuse and without."""


def rows_of(size: str, threads: int) -> Iterator[Row]:
    """Peak memory of whole processes; that of "nothing" is code and weights."""
    for work in WORKS:
        for way in model_chat.WAYS if work == "talk" else ("ours", "theirs"):
            command = [sys.executable, __file__, size, way, work, str(threads)]
            yield {"work": work, "way": way, "peak MiB": round(measuring.run(command).peak_mib)}


def do(config: QwenAudioConfig, way: str, work: str) -> None:
    """Do one piece of work in one way."""
    if work == "talk":
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = model_chat.tokenizer_of(Path(folder))
        model_chat.talk(model_chat.model_for(tokenizer, config), tokenizer, [way])
        return
    if way == "ours":
        made = model_ways.ours(model_weights.qwen_audio(config))
    else:
        made = model_ways.theirs(config)
    what, _, amount = work.partition(" ")
    if what == "encode":
        made.encode(model_speed.some_mel(), float(amount))
    elif what == "read":
        made.read(model_speed.some_ids(int(amount)), made.new_cache())


if __name__ == "__main__":
    SIZE, WAY, WORK, THREADS = sys.argv[1:]
    torch.set_num_threads(int(THREADS))
    with torch.inference_mode():
        do(model_ways.config_of(SIZE), WAY, WORK)

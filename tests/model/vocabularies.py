"""Vocabularies to generate with: Qwen-Audio's own, and a tiny one of single bytes."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
import tiktoken

END = 151645
"""<|im_end|> of Qwen."""

NUM_TOKENS = 155947

_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def qwen_encoding() -> tiktoken.Encoding:
    """The vocabulary of the checkpoint, with all special tokens; skips when it is not there."""
    folder = os.environ.get("GOLDEN_DATA")
    if not folder:
        pytest.skip("GOLDEN_DATA names no folder with the checkpoint")
    lines = (Path(folder) / "checkpoint" / "qwen.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines if line}
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    specials += [f"<|extra_{i}|>" for i in range(205)]
    specials += [f"<|other_{i}|>" for i in range(151871 - 151851)]
    specials += [f"<|{i / 100:.2f}|>" for i in range(3001)]
    specials += [f"<|later_{i}|>" for i in range(155165 - 154872)]
    return tiktoken.Encoding(
        "qwen",
        pat_str=_SPLIT,
        mergeable_ranks=ranks,
        special_tokens={name: len(ranks) + i for i, name in enumerate(specials)},
    )


def byte_encoding() -> tiktoken.Encoding:
    """One token for each byte, a few for pairs of them, and 300 as the end."""
    pairs = [b'{"', b'": ', b"}\n", b" c", b"\n<", b"to"]
    ranks = {bytes([i]): i for i in range(256)}
    ranks |= {pair: 256 + i for i, pair in enumerate(pairs)}
    return tiktoken.Encoding(
        "bytes", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={"<|end|>": 300}
    )

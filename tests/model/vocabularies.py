"""Vocabularies to generate with: Qwen-Audio's own, and a tiny one of single bytes."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiktoken

from qwen_audio_agent.model.constraint import constraint_tokens

_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Vocabulary:
    encoding: tiktoken.Encoding
    num_tokens: int
    end: int
    tokens: Any


def _vocabulary(encoding: tiktoken.Encoding, num_tokens: int, end: int) -> Vocabulary:
    tokens = constraint_tokens(encoding, num_tokens=num_tokens, end_tokens=[end])
    return Vocabulary(encoding, num_tokens, end, tokens)


def qwen_vocabulary() -> Vocabulary:
    """That of the checkpoint, with as many special tokens; skips when it is not there."""
    folder = os.environ.get("GOLDEN_DATA")
    if not folder:
        pytest.skip("GOLDEN_DATA names no folder with the checkpoint")
    lines = (Path(folder) / "checkpoint" / "qwen.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines if line}
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    specials += [f"<|extra_{i}|>" for i in range(205)]
    specials += [f"<|task_{i}|>" for i in range(151871 - 151851)]
    specials += [f"<|{i / 100:.2f}|>" for i in range(3001)]
    specials += [f"<|sound_{i}|>" for i in range(155165 - 154872)]
    encoding = tiktoken.Encoding(
        "qwen",
        pat_str=_SPLIT,
        mergeable_ranks=ranks,
        special_tokens={name: len(ranks) + i for i, name in enumerate(specials)},
    )
    return _vocabulary(encoding, 155_947, 151_645)


def byte_vocabulary() -> Vocabulary:
    """One token for each byte, a few for pairs of them, and 300 as the end."""
    pairs = [b'{"', b'":', b"}\n", b" c", b"\n<", b"to"]
    ranks = {bytes([i]): i for i in range(256)}
    ranks |= {pair: 256 + i for i, pair in enumerate(pairs)}
    encoding = tiktoken.Encoding(
        "bytes", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={"<|end|>": 300}
    )
    return _vocabulary(encoding, 301, 300)

"""A tiny network in which what is read matters much, its tokenizer, and noise to hear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from qwen_audio_agent.model import AudioClip, QwenAudioConfig, QwenAudioForCausalLM, QWenTokenizer
from tests.model.tiny_checkpoint import SIZES, write_vocabulary

NUM_TEXT_TOKENS = 260
SEQ_LENGTH = 256


def tiny_config(**changes: Any) -> QwenAudioConfig:
    sizes: dict[str, Any] = {
        "vocab_size": NUM_TEXT_TOKENS + 3522 + 40,
        "layer_norm_epsilon": 1e-5,
        "seq_length": SEQ_LENGTH,
        "max_position_embeddings": 4096,
        "audio": SIZES["audio"]
        | {"n_state": 48, "n_head": 3, "audio_start_id": NUM_TEXT_TOKENS + 3520},
    }
    return QwenAudioConfig(**(SIZES | sizes | changes))


def tiny_model(**changes: Any) -> QwenAudioForCausalLM:
    """Weights large enough that what is read before matters for what comes next."""
    torch.manual_seed(0)
    return QwenAudioForCausalLM(tiny_config(initializer_range=0.3, **changes)).eval()


def tiny_tokenizer(folder: Path) -> QWenTokenizer:
    return QWenTokenizer(str(write_vocabulary(folder, NUM_TEXT_TOKENS)))


def noise(seconds: float, seed: int = 0) -> AudioClip:
    numbers = np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16_000))
    return AudioClip(numbers.astype(np.float32), f"noise {seed}.wav")

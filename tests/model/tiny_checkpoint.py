"""A whole checkpoint of Qwen-Audio in a few hundred kilobytes: random weights, 256 text tokens."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import torch

from qwen_audio_agent.model import QwenAudioConfig, QwenAudioForCausalLM

NUM_TEXT_TOKENS = 256  # one for each byte; 3522 special tokens follow
SIZES: dict[str, Any] = {
    "vocab_size": NUM_TEXT_TOKENS + 3522 + 6,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "kv_channels": 8,
    "intermediate_size": 96,
    "seq_length": 256,
    "audio": {
        "n_mels": 80,
        "n_ctx": 1500,
        "n_state": 16,
        "n_head": 2,
        "n_layer": 2,
        "output_dim": 32,
        "audio_start_id": NUM_TEXT_TOKENS + 3520,
    },
}


def tiny_model(dtype: torch.dtype = torch.float32, seed: int = 0, **sizes: Any):
    """A network with random weights; no tensor of it is what its initialisation would make."""
    torch.manual_seed(seed)
    model = QwenAudioForCausalLM(QwenAudioConfig(**(SIZES | sizes)))
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(torch.randn_like(tensor), alpha=0.1)
    return model.to(dtype).eval()


def write_vocabulary(folder: Path, num_tokens: int = NUM_TEXT_TOKENS) -> Path:
    """A qwen.tiktoken: every byte, then pairs of letters."""
    tokens = [bytes([i]) for i in range(256)]
    tokens += [bytes([97 + i // 26, 97 + i % 26]) for i in range(num_tokens - 256)]
    lines = [b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(tokens)]
    path = folder / "qwen.tiktoken"
    path.write_bytes(b"".join(lines))
    return path


def write_tiny_checkpoint(
    folder: Path,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    max_shard_size: str = "50GB",
    **sizes: Any,
) -> Path:
    """Write one with the files of the public ones, and give its folder back."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny_model(dtype, seed, **sizes).save_pretrained(folder, max_shard_size=max_shard_size)
    write_vocabulary(folder)
    tokenizer = {"model_max_length": 8192, "tokenizer_class": "QWenTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), "utf-8")
    generation = {"chat_format": "chatml", "max_new_tokens": 8, "max_window_size": 6144}
    (folder / "generation_config.json").write_text(json.dumps(generation), "utf-8")
    return folder

"""Tiny random checkpoints of the later families, as folders that transformers itself has saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    PreTrainedModel,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3OmniMoeThinkerConfig,
    Qwen3OmniMoeThinkerForConditionalGeneration,
    WhisperFeatureExtractor,
)

from qwen_audio_agent.model import AudioClip
from qwen_audio_agent.model.later_engines import LaterEngine

FAMILIES = ("qwen2_audio", "qwen2_5_omni_thinker", "qwen3_omni_moe_thinker")

_AUDIO = {
    "qwen2_audio": ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"),
    "qwen2_5_omni_thinker": ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"),
    "qwen3_omni_moe_thinker": ("<|audio_pad|>", "<|audio_start|>", "<|audio_end|>"),
}
_OMNI_NAMES = ("audio_token", "audio_bos_token", "audio_eos_token")
_VISION = ("<|vision_bos|>", "<|vision_eos|>", "<|IMAGE|>", "<|VIDEO|>")
TEXT_TAGS = ("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<think>")
"""Tokens that these tokenizers add without calling them special."""

_MERGES = (("h", "e"), ("Ċ", "Ċ"), ("Ġ", "t"), ("Ġt", "he"), ("i", "n"), ("u", "s"), ("e", "r"))


def make_tokenizer(family: str) -> Qwen2Tokenizer:
    """Bytes, a few merges, and the tokens that the family adds."""
    letters = [*sorted(ByteLevel.alphabet()), *(a + b for a, b in _MERGES)]
    names = dict(zip(_OMNI_NAMES, _AUDIO[family], strict=True))
    names |= {
        "vision_bos_token": _VISION[0],
        "vision_eos_token": _VISION[1],
        "image_token": _VISION[2],
        "video_token": _VISION[3],
    }
    tokenizer = Qwen2Tokenizer(
        vocab={letter: i for i, letter in enumerate(letters)},
        merges=list(_MERGES),
        eos_token="<|im_end|>",  # noqa: S106 - no password
        pad_token="<|endoftext|>",  # noqa: S106
        extra_special_tokens={} if family == "qwen2_audio" else names,
    )
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *_AUDIO[family], *_VISION]
    tokenizer.add_tokens(specials, special_tokens=True)
    tokenizer.add_tokens(list(TEXT_TAGS))
    return tokenizer


def make_extractor(family: str) -> WhisperFeatureExtractor:
    """The front end; a short one where the real one takes 300 s."""
    seconds = 30 if family == "qwen2_audio" else 60
    return WhisperFeatureExtractor(feature_size=16, chunk_length=seconds)


def make_model(family: str, tokenizer: Qwen2Tokenizer) -> PreTrainedModel:
    """The network with random weights."""
    torch.manual_seed(len(family))
    return _MAKERS[family](tokenizer)


def save_checkpoint(family: str, folder: Path) -> Path:
    """A folder with the weights, the tokenizer and the front end."""
    tokenizer = make_tokenizer(family)
    make_model(family, tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    make_extractor(family).save_pretrained(folder)
    return folder


def make_engine(family: str) -> LaterEngine:
    """An engine of the three."""
    tokenizer = make_tokenizer(family)
    return LaterEngine(make_model(family, tokenizer).eval(), tokenizer, make_extractor(family))


def make_clip(seconds: float, seed: int = 0) -> AudioClip:
    """Noise."""
    noise = np.random.default_rng(seed).normal(0.0, 0.1, round(seconds * 16000))
    return AudioClip(noise.astype(np.float32))


def _text(tokenizer: Qwen2Tokenizer) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer) + 3,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "initializer_range": 0.2,
        "max_position_embeddings": 16384,
    }


def _audio() -> dict[str, Any]:
    return {
        "num_mel_bins": 16,
        "d_model": 32,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 64,
        "initializer_range": 0.2,
    }


def _vision() -> dict[str, Any]:
    return {
        "depth": 1,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": 32,
    }


def _rope() -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}


def _places(tokenizer: Qwen2Tokenizer, family: str) -> dict[str, Any]:
    pad, bos, _ = tokenizer.convert_tokens_to_ids(list(_AUDIO[family]))
    image, video = tokenizer.convert_tokens_to_ids(list(_VISION[2:]))
    names = {"audio_token_id": pad, "image_token_id": image, "video_token_id": video}
    return names | {"audio_start_token_id": bos, "vision_start_token_id": bos}


def _qwen2_audio(tokenizer: Qwen2Tokenizer) -> PreTrainedModel:
    config = Qwen2AudioConfig(
        text_config={"model_type": "qwen2", **_text(tokenizer)},
        audio_config={"model_type": "qwen2_audio_encoder", **_audio()},
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    return Qwen2AudioForConditionalGeneration(config)


def _qwen2_5_omni(tokenizer: Qwen2Tokenizer) -> PreTrainedModel:
    places = _places(tokenizer, "qwen2_5_omni_thinker")
    config = Qwen2_5OmniThinkerConfig(
        text_config={**_text(tokenizer), "rope_parameters": _rope(), "tie_word_embeddings": False},
        audio_config={**_audio(), "output_dim": 32},
        vision_config={**_vision(), "fullatt_block_indexes": [0]},
        audio_token_index=places.pop("audio_token_id"),
        image_token_index=places.pop("image_token_id"),
        video_token_index=places.pop("video_token_id"),
        **places,
    )
    return Qwen2_5OmniThinkerForConditionalGeneration(config)


def _qwen3_omni(tokenizer: Qwen2Tokenizer) -> PreTrainedModel:
    config = Qwen3OmniMoeThinkerConfig(
        text_config={
            **_text(tokenizer),
            "rope_parameters": _rope(),
            "moe_intermediate_size": 32,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "head_dim": 8,
        },
        audio_config={**_audio(), "output_dim": 32, "downsample_hidden_size": 8},
        vision_config={**_vision(), "deepstack_visual_indexes": [0], "num_position_embeddings": 16},
        **_places(tokenizer, "qwen3_omni_moe_thinker"),
    )
    return Qwen3OmniMoeThinkerForConditionalGeneration(config)


_MAKERS = {
    "qwen2_audio": _qwen2_audio,
    "qwen2_5_omni_thinker": _qwen2_5_omni,
    "qwen3_omni_moe_thinker": _qwen3_omni,
}

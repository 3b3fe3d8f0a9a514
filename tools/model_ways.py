"""The two ways of `benchmark.py model`: this package's network, and transformers' own classes.

Both get the same sizes and, side by side, the same random weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import model_weights
import torch
from torch import Tensor
from transformers import Cache, DynamicCache, GenerationConfig, PreTrainedModel

from qwen_audio_agent.model import Conversation, QwenAudioConfig, QwenAudioForCausalLM
from qwen_audio_agent.model.cache import GrowingCache
from qwen_audio_agent.model.config import public_audio_sizes
from qwen_audio_agent.model.generation import Sampling, StopSequences
from qwen_audio_agent.model.prompt import Prompt

SIZES = {
    # hidden size, head size, width of the MLP, layers, encoder's width, encoder's layers
    "tiny": (64, 16, 172, 2, 32, 2),
    "middle": (768, 128, 2064, 8, 384, 6),
}
NUM_ROWS = 4608
NUM_SUPPRESSED = 782
"""As many rows of the public head have no token."""
CONV_FRAMES_PER_SECOND = 50


def config_of(size: str) -> QwenAudioConfig:
    """The sizes called "tiny" or "middle", or those of the public checkpoint, "public"."""
    if size == "public":
        return QwenAudioConfig(audio=public_audio_sizes())
    hidden, head, mlp, layers, n_state, n_layer = SIZES[size]
    audio = {"n_state": n_state, "n_head": max(n_state // 64, 2), "n_layer": n_layer}
    return QwenAudioConfig(
        vocab_size=NUM_ROWS,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // head,
        kv_channels=head,
        intermediate_size=2 * mlp,
        audio=public_audio_sizes() | audio | {"output_dim": hidden},
    )


@dataclass(frozen=True)
class Way:
    """One implementation.

    Attributes:
        decoder: with its head.
        encode: the features (T, C) of a mel (80, 3000) of which so many seconds are sound.
        new_cache: an empty cache, as its own generation takes.
        reply: the tokens (T,) that follow ids (1, T), greedily, so many.
    """

    decoder: PreTrainedModel
    encode: Callable[[Tensor, float], Tensor]
    new_cache: Callable[[], Cache]
    reply: Callable[[Tensor, int], Tensor]

    def read(self, ids: Tensor, cache: Cache) -> Tensor:
        """Read tokens (1, T) after those in the cache; logits (V,) of what follows."""
        output = self.decoder(
            input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1
        )
        logits: Tensor = output.logits[0, -1]
        return logits

    def read_afresh(self, ids: Tensor) -> Tensor:
        """Read a whole prompt (1, T)."""
        return self.read(ids, self.new_cache())


def ours(model: QwenAudioForCausalLM) -> Way:
    """This package."""

    def encode(mel: Tensor, seconds: float) -> Tensor:
        frames = round(seconds * CONV_FRAMES_PER_SECOND)
        return model.transformer.encode_mels([mel], [frames])[0]

    def reply(ids: Tensor, count: int) -> Tensor:
        stream = Conversation(model).stream(
            Prompt(tuple(ids[0].tolist())),
            Sampling(do_sample=False, max_new_tokens=count),
            StopSequences(()),
            suppressed=_suppressed(model.config),
        )
        return torch.tensor(list(stream))

    return Way(model, encode, GrowingCache, reply)


def theirs(config: QwenAudioConfig, twin: QwenAudioForCausalLM | None = None) -> Way:
    """transformers, with the weights of `twin`, or with random ones.

    What follows Whisper's blocks is ours in both, so that both end in the same features.
    """
    decoder, encoder = model_weights.qwen2(config), model_weights.whisper(config)
    audio = config.audio_config
    ending = model_weights.Ending(audio.n_state, audio.output_dim).eval()
    if twin is not None:
        decoder.load_state_dict(model_weights.for_qwen2(twin))
        encoder.load_state_dict(model_weights.for_whisper(twin))
        ending.load_state_dict(twin.transformer.audio.state_dict(), strict=False)

    def encode(mel: Tensor, seconds: float) -> Tensor:  # noqa: ARG001 - it reads 30 s, always
        features: Tensor = ending(encoder(mel[None]).last_hidden_state)
        return features

    def reply(ids: Tensor, count: int) -> Tensor:
        settings = GenerationConfig(
            do_sample=False,
            max_new_tokens=count,
            pad_token_id=0,
            suppress_tokens=list(_suppressed(config)),
        )
        everything = cast(Any, decoder).generate(ids, settings, attention_mask=torch.ones_like(ids))
        tokens: Tensor = everything[0, ids.shape[1] :]
        return tokens

    return Way(decoder, encode, lambda: DynamicCache(config=decoder.config), reply)


def _suppressed(config: QwenAudioConfig) -> range:
    return range(config.vocab_size - NUM_SUPPRESSED, config.vocab_size)

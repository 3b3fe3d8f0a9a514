"""The same random weights for this package's network and for transformers' own classes."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody uses
from transformers import Qwen2Config, Qwen2ForCausalLM, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from qwen_audio_agent.model import QwenAudioConfig, QwenAudioForCausalLM

_QWEN2_NAMES = {
    "lm_head.": "lm_head.",
    "transformer.wte.": "model.embed_tokens.",
    "transformer.ln_f.": "model.norm.",
    "transformer.h.": "model.layers.",
    ".ln_1.": ".input_layernorm.",
    ".ln_2.": ".post_attention_layernorm.",
    ".attn.c_proj.": ".self_attn.o_proj.",
    ".mlp.w1.": ".mlp.up_proj.",
    ".mlp.w2.": ".mlp.gate_proj.",
    ".mlp.c_proj.": ".mlp.down_proj.",
}
_WHISPER_NAMES = {
    "positional_embedding": "embed_positions.weight",
    "blocks.": "layers.",
    ".attn.query.": ".self_attn.q_proj.",
    ".attn.key.": ".self_attn.k_proj.",
    ".attn.value.": ".self_attn.v_proj.",
    ".attn.out.": ".self_attn.out_proj.",
    ".attn_ln.": ".self_attn_layer_norm.",
    ".mlp_ln.": ".final_layer_norm.",
    ".mlp.0.": ".fc1.",
    ".mlp.2.": ".fc2.",
}


class Ending(nn.Module):
    """What Qwen-Audio does after Whisper's blocks."""

    def __init__(self, n_state: int, output_dim: int) -> None:
        super().__init__()
        self.ln_post = nn.LayerNorm(n_state)
        self.proj = nn.Linear(n_state, output_dim)
        self.audio_bos_eos_token = nn.Embedding(2, output_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(1, T, C) -> (T // 2 + 2, output_dim)."""
        pooled = F.avg_pool1d(x.transpose(1, 2), 2).transpose(1, 2)
        rows = self.proj(self.ln_post(pooled))[0]
        bos, eos = self.audio_bos_eos_token.weight.split(1)
        return torch.cat([bos, rows, eos])


def qwen_audio(config: QwenAudioConfig) -> QwenAudioForCausalLM:
    """Random weights, biases and norms too, so that a mistake in them would show."""
    torch.manual_seed(1)
    model = QwenAudioForCausalLM(config)
    model.eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.add_(torch.randn_like(weight) * 0.1)
    return model


def qwen2(config: QwenAudioConfig) -> Qwen2ForCausalLM:
    """The decoder of transformers, of the same sizes."""
    sizes = Qwen2Config(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size // 2,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        num_key_value_heads=config.num_attention_heads,
        max_position_embeddings=config.max_position_embeddings,
        rms_norm_eps=config.layer_norm_epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": config.rotary_emb_base},
        tie_word_embeddings=False,
    )
    decoder = Qwen2ForCausalLM(sizes)
    decoder.eval()
    return decoder


def whisper(config: QwenAudioConfig) -> WhisperEncoder:
    """The encoder of transformers, of the same sizes; its last norm is in `Ending`."""
    audio = config.audio_config
    sizes = WhisperConfig(
        num_mel_bins=audio.n_mels,
        d_model=audio.n_state,
        encoder_layers=audio.n_layer,
        encoder_attention_heads=audio.n_head,
        encoder_ffn_dim=4 * audio.n_state,
        max_source_positions=audio.n_ctx,
    )
    encoder = WhisperEncoder(sizes)
    encoder.eval()
    encoder.layer_norm = nn.Identity()  # type: ignore[assignment]
    return encoder


def for_qwen2(model: QwenAudioForCausalLM) -> dict[str, Tensor]:
    """Our decoder's weights under the names of `qwen2`."""
    state = {k: v for k, v in model.state_dict().items() if ".audio." not in k}
    renamed = _renamed(state, _QWEN2_NAMES)
    for key in [key for key in renamed if ".attn.c_attn." in key]:
        for part, rows in zip("qkv", renamed.pop(key).chunk(3), strict=True):
            renamed[key.replace(".attn.c_attn.", f".self_attn.{part}_proj.")] = rows
    return renamed


def for_whisper(model: QwenAudioForCausalLM) -> dict[str, Tensor]:
    """Our encoder's weights under the names of `whisper`."""
    state = model.transformer.audio.state_dict()
    ending = ("ln_post", "proj", "audio_bos_eos_token")
    return _renamed({k: v for k, v in state.items() if not k.startswith(ending)}, _WHISPER_NAMES)


def _renamed(state: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    pattern = re.compile("|".join(map(re.escape, names)))
    return {pattern.sub(lambda found: names[found[0]], key): v for key, v in state.items()}

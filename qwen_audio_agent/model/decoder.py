"""The decoder: Qwen-7B's blocks, with dynamic NTK and log-n scaling beyond the training length.

Attention itself is one of transformers' own kernels (SDPA, flash, eager ...), chosen when the model
is loaded. Rotary angles and log-n factors come from outside, worked out once for all blocks.

Source: QwenLM/Qwen-Audio, modeling_qwen.py, at 0b0e882e.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody uses
from transformers import Cache
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from qwen_audio_agent.model.config import QwenAudioConfig


class Positions(NamedTuple):
    """What the places of tokens mean to every block.

    A tuple, because accelerate moves tuples to the device of a block and other values not.

    Attributes:
        cos: float32 (B or 1, 1, T, D).
        sin: float32 (B or 1, 1, T, D).
        query_scale: (B or 1, 1, T, 1), log-n factors of queries; None where all are 1.
    """

    cos: Tensor
    sin: Tensor
    query_scale: Tensor | None


class RMSNorm(nn.Module):
    """Scale to unit mean square in float32, then by the weight in the input's dtype."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> (..., C)."""
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return wide.to(x.dtype) * self.weight


class Attention(nn.Module):
    """Causal multi-head attention; one projection makes all queries, all keys, all values."""

    is_causal = True
    num_key_value_groups = 1

    def __init__(self, config: QwenAudioConfig, layer_idx: int) -> None:
        super().__init__()
        self.config = config
        self.layer_idx = layer_idx
        self.head_dim = config.kv_channels
        self.scaling = self.head_dim**-0.5
        self.c_attn = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.c_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(
        self,
        x: Tensor,
        positions: Positions,
        mask: Tensor | None,
        past_key_values: Cache | None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend to what came before.

        Args:
            x: (B, T, C).
            positions: of the T tokens.
            mask: what transformers' mask functions made for the chosen kernel.
            past_key_values: rotated keys, and values, of earlier tokens; is added to.
            **kwargs: for the kernel.

        Returns:
            (B, T, C), and the attention weights (B, H, T, S) if the kernel gives them.
        """
        qkv = self.c_attn(x).unflatten(-1, (3, -1, self.head_dim))  # (B, T, 3, H, D)
        qkv = qkv.permute(2, 0, 3, 1, 4)  # (3, B, H, T, D)
        q, k = _rotate(qkv[:2], positions)
        v = qkv[2]
        if past_key_values is not None:
            k, v = past_key_values.update(k, v, self.layer_idx)
        if positions.query_scale is not None:
            q = q * positions.query_scale.to(q.dtype)
        kernel = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, _eager)
        mixed, weights = kernel(
            self, q, k, v, mask, dropout=0.0, scaling=self.scaling, **kwargs
        )  # (B, T, H, D)
        return self.c_proj(mixed.flatten(2)), weights


class MLP(nn.Module):
    """Gated: w2 is the gate, w1 what passes it."""

    def __init__(self, config: QwenAudioConfig) -> None:
        super().__init__()
        width = config.intermediate_size // 2
        self.w1 = nn.Linear(config.hidden_size, width, bias=False)
        self.w2 = nn.Linear(config.hidden_size, width, bias=False)
        self.c_proj = nn.Linear(width, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        out: Tensor = self.c_proj(self.w1(x) * F.silu(self.w2(x)))
        return out


class DecoderBlock(GradientCheckpointingLayer):
    """A pre-norm transformer block."""

    def __init__(self, config: QwenAudioConfig, layer_idx: int) -> None:
        super().__init__()
        self.ln_1 = RMSNorm(config.hidden_size, config.layer_norm_epsilon)
        self.attn = Attention(config, layer_idx)
        self.ln_2 = RMSNorm(config.hidden_size, config.layer_norm_epsilon)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None]:
        """(B, T, C) -> (B, T, C) and the attention weights; arguments as `Attention`."""
        attended, weights = self.attn(self.ln_1(x), *args, **kwargs)
        x = x + attended
        return x + self.mlp(self.ln_2(x)), weights


def rotary_frequencies(config: QwenAudioConfig, alphas: Sequence[float]) -> Tensor:
    """Angles per position.

    Args:
        config: sizes and base.
        alphas: of dynamic NTK, one for each row, or one for all.

    Returns:
        float32 (len(alphas), D / 2).
    """
    d = config.kv_channels
    exponents = torch.arange(0, d, 2).float() / d
    bases = [config.rotary_emb_base * alpha ** (d / (d - 2)) for alpha in alphas]
    return torch.stack([1.0 / base**exponents for base in bases])


def positions_of(
    config: QwenAudioConfig, places: Tensor, frequencies: Tensor, *, beyond: bool
) -> Positions:
    """Rotary angles and log-n factors.

    Args:
        config: the training length and whether queries are scaled beyond it.
        places: int64 (B or 1, T), index of each token in its sequence.
        frequencies: float32 (B or 1, D / 2), from `rotary_frequencies`.
        beyond: whether a place may be beyond the training length.
    """
    angles = places[..., None].float() * frequencies[:, None]  # (B, T, D / 2)
    angles = torch.cat([angles, angles], dim=-1)[:, None]  # (B, 1, T, D)
    scale = None
    if config.use_logn_attn and beyond:
        scale = ((places + 1).clamp(min=1).float().log() / math.log(config.seq_length)).clamp(min=1)
        scale = scale[:, None, :, None]
    return Positions(angles.cos(), angles.sin(), scale)


def _rotate(x: Tensor, positions: Positions) -> Tensor:
    """Turn pairs (j, j + D/2) of (2, B, H, T, D) by their angles, in float32."""
    wide = x.float()
    left, right = wide.chunk(2, dim=-1)
    turned = wide * positions.cos + torch.cat([-right, left], dim=-1) * positions.sin
    return turned.to(x.dtype)


def _eager(
    module: nn.Module,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Attention spelt out, for those who want to see the weights."""
    scores = q @ k.transpose(-2, -1) * scaling  # (B, H, T, S)
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1, dtype=torch.float32).to(q.dtype)
    weights = F.dropout(weights, dropout, module.training)
    return (weights @ v).transpose(1, 2).contiguous(), weights

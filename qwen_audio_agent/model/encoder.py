"""The audio encoder: log-mel in, 25 features per second out, in the width of the decoder.

It is Whisper's encoder with three changes: it reads a clip as long as it is and not always 30 s,
it averages pairs of frames before the last norm, and a projection brings the features to the
decoder, between two learnt rows that open and close every clip.

Source: QwenLM/Qwen-Audio, audio.py, at 0b0e882e; Radford et al. 2022 (arXiv 2212.04356).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody uses
from transformers.modeling_layers import GradientCheckpointingLayer

from qwen_audio_agent.model.config import AudioConfig


class EncoderAttention(nn.Module):
    """Full attention over the frames of a clip; the key has no bias."""

    def __init__(self, n_state: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.query = nn.Linear(n_state, n_state)
        self.key = nn.Linear(n_state, n_state, bias=False)
        self.value = nn.Linear(n_state, n_state)
        self.out = nn.Linear(n_state, n_state)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Attend.

        Args:
            x: (B, T, C).
            mask: bool (B, 1, 1, T), true where a key may be attended to; None: everywhere.
        """
        q, k, v = (self._heads(layer(x)) for layer in (self.query, self.key, self.value))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (B, H, T, D)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _heads(self, x: Tensor) -> Tensor:
        heads: Tensor = x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, H, T, D)
        return heads


class EncoderBlock(GradientCheckpointingLayer):
    """A pre-norm transformer block."""

    def __init__(self, n_state: int, n_head: int) -> None:
        super().__init__()
        self.attn = EncoderAttention(n_state, n_head)
        self.attn_ln = nn.LayerNorm(n_state)
        self.mlp = nn.Sequential(
            nn.Linear(n_state, 4 * n_state), nn.GELU(), nn.Linear(4 * n_state, n_state)
        )
        self.mlp_ln = nn.LayerNorm(n_state)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        x = x + self.attn(self.attn_ln(x), mask)
        out: Tensor = x + self.mlp(self.mlp_ln(x))
        return out


class AudioEncoder(nn.Module):
    """Turns clips into rows that stand in a prompt where their placeholders are."""

    positional_embedding: Tensor

    def __init__(self, sizes: AudioConfig) -> None:
        super().__init__()
        n_state = sizes.n_state
        self.conv1 = nn.Conv1d(sizes.n_mels, n_state, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(n_state, n_state, kernel_size=3, stride=2, padding=1)
        # Stored with the weights and rounded with them, so it must be loaded, not made again.
        self.register_buffer("positional_embedding", sinusoids(sizes.n_ctx, n_state))
        self.blocks = nn.ModuleList(
            EncoderBlock(n_state, sizes.n_head) for _ in range(sizes.n_layer)
        )
        self.ln_post = nn.LayerNorm(n_state)
        self.proj = nn.Linear(n_state, sizes.output_dim)
        self.audio_bos_eos_token = nn.Embedding(2, sizes.output_dim)

    def forward(self, mels: Sequence[Tensor], conv_frames: Sequence[int]) -> list[Tensor]:
        """Encode clips side by side, padded to the longest.

        The last frames of a shorter clip see the silence that it is padded with, where alone they
        would see the edge, so its features depend a little on its companions; the original is like
        that. A clip alone depends on nothing.

        Args:
            mels: for each clip (80, >= 2 * the largest conv_frames).
            conv_frames: frames of each clip after the convolutions.

        Returns:
            For each clip (num_tokens + 2, output_dim): the opening row, 25 rows per second, the
            closing row.
        """
        most = max(conv_frames, default=0)
        # Weights of parts are not looked at: accelerate may bring them only when a part is called.
        device = self.positional_embedding.device
        bos, eos = self.audio_bos_eos_token(torch.arange(2, device=device)).unbind(0)
        if most < 2:  # shorter than one pair of frames: nothing to hear
            return [torch.stack([bos, eos]) for _ in conv_frames]
        mel = torch.stack([clip[:, : 2 * most] for clip in mels])
        mel = mel.to(device, self.conv1.weight.dtype)
        x = F.gelu(self.conv1(mel))  # (B, C, 2 T)
        x = F.gelu(self.conv2(x)).transpose(1, 2)  # (B, T, C)
        x = x + self.positional_embedding[:most]
        mask = None
        if min(conv_frames) < most:
            lengths = torch.tensor(conv_frames, device=x.device)
            mask = torch.arange(most, device=x.device) < lengths[:, None]  # (B, T)
            x = x.masked_fill(~mask[..., None], 0.0)
            # A clip without a frame would attend to nothing; its rows are dropped below.
            mask = (mask | (lengths == 0)[:, None])[:, None, None]
        for block in self.blocks:
            x = block(x, mask)
        x = F.avg_pool1d(x.transpose(1, 2), 2).transpose(1, 2)  # (B, T // 2, C)
        x = self.proj(self.ln_post(x))
        return [
            torch.cat([bos[None], rows[: frames // 2], eos[None]])
            for rows, frames in zip(x, conv_frames, strict=True)
        ]


def sinusoids(length: int, channels: int) -> Tensor:
    """Whisper's positions: float32 (length, channels), sines in the first half, then cosines."""
    steps = torch.arange(channels // 2) * (-math.log(10_000) / (channels // 2 - 1))
    angles = torch.arange(length)[:, None] * steps.exp()[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)

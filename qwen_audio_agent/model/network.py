"""Qwen-Audio as a transformers model: the decoder, with the encoder's features in its prompt.

Attribute names are the keys of the public checkpoint; nothing is computed at loading that a
checkpoint does not hold.

Source: QwenLM/Qwen-Audio, modeling_qwen.py, at 0b0e882e.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import Cache, DynamicCache, GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from qwen_audio_agent.model.chat import ChatMixin
from qwen_audio_agent.model.checked_loading import load_checked
from qwen_audio_agent.model.config import QwenAudioConfig
from qwen_audio_agent.model.decoder import (
    DecoderBlock,
    Positions,
    RMSNorm,
    positions_of,
    rotary_frequencies,
)
from qwen_audio_agent.model.encoder import AudioEncoder, sinusoids
from qwen_audio_agent.model.features import AudioClip

AudioInfo = Mapping[str, Any] | Sequence[Mapping[str, Any] | None]
"""What the original tokenizer's `process_audio` makes: of one prompt, or of each row of a batch."""


class QwenAudioPreTrainedModel(PreTrainedModel):
    """What the network needs to tell transformers about itself."""

    config: QwenAudioConfig
    config_class = QwenAudioConfig
    base_model_prefix = "transformer"
    supports_gradient_checkpointing = True
    _no_split_modules = ["DecoderBlock", "EncoderBlock"]
    _skip_keys_device_placement = ["past_key_values"]
    _keys_to_ignore_on_load_unexpected = [
        r"\.attn\.masked_bias$",
        r"rotary_emb\.inv_freq$",
    ]
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, AudioEncoder):
            init.copy_(module.positional_embedding, sinusoids(*module.positional_embedding.shape))


class QwenAudioModel(QwenAudioPreTrainedModel):
    """Token ids and clips in, hidden states out."""

    def __init__(self, config: QwenAudioConfig) -> None:
        super().__init__(config)
        self.audio = AudioEncoder(config.audio_config)
        self.wte = nn.Embedding(config.vocab_size, config.hidden_size)
        self.h = nn.ModuleList(DecoderBlock(config, i) for i in range(config.num_hidden_layers))
        self.ln_f = RMSNorm(config.hidden_size, config.layer_norm_epsilon)
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        """The embedding of tokens."""
        return self.wte

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Put another embedding in its place."""
        self.wte = cast(nn.Embedding, value)

    def remember_length(self, cache: Cache, num_tokens: int) -> None:
        """Let a cache be of a prompt of so many tokens, which decides alpha of dynamic NTK.

        Left out, the first tokens that are read decide it.
        """
        frequencies = self._frequencies(None, num_tokens).to(self.wte.weight.device)
        cache.rotary_frequencies = frequencies  # type: ignore[attr-defined]

    def encode_clips(self, clips: Sequence[AudioClip]) -> list[Tensor]:
        """The features of clips: for each (num_tokens + 2, C)."""
        return self.encode_mels(
            [clip.mel() for clip in clips], [c.lengths.conv_frames for c in clips]
        )

    def encode_mels(self, mels: Sequence[Tensor], conv_frames: Sequence[int]) -> list[Tensor]:
        """As `AudioEncoder`, each clip alone, or as the original if the config says so."""
        if self.config.reference_exact:
            together: list[Tensor] = self.audio(mels, conv_frames)
            return together
        pairs = zip(mels, conv_frames, strict=True)
        return [self.audio([mel], [frames])[0] for mel, frames in pairs]

    def forward(  # noqa: PLR0913 - as transformers calls it
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        audio_features: Sequence[Sequence[Tensor]] | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """Read tokens.

        Args:
            input_ids: int64 (B, T).
            attention_mask: (B, S), 0 where a row is padded on the left; or a 4-D mask.
            position_ids: int64 (B, T); counted without padding if left out.
            past_key_values: what was read before; alpha of dynamic NTK is kept in it.
            inputs_embeds: (B, T, C) in the place of `input_ids`.
            use_cache: give the cache back, a new one if there is none.
            audio_features: for each row the features of its clips, in order of their places.
            output_hidden_states: give the embeddings, and what comes out of each block.
            output_attentions: give the attention weights; only the eager kernel has them.
            **kwargs: for the attention kernel.
        """
        if input_ids is not None and inputs_embeds is None:
            inputs_embeds = self.wte(input_ids)
            if audio_features is not None:
                inputs_embeds = self._splice(input_ids, inputs_embeds, audio_features)
        elif input_ids is not None or inputs_embeds is None:
            raise ValueError("exactly one of input_ids and inputs_embeds is needed")
        if use_cache is None:
            use_cache = self.config.use_cache and not self.training
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache()
        positions = self._positions(inputs_embeds, attention_mask, position_ids, past_key_values)
        mask = create_causal_mask(
            config=self.config,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
        )
        hidden, states, weights = inputs_embeds, [inputs_embeds], []
        for block in self.h:
            hidden, attention = block(hidden, positions, mask, past_key_values, **kwargs)
            weights.append(attention)
            if output_hidden_states:  # they are large: not to be held for nothing
                states.append(hidden)
        return BaseModelOutputWithPast(
            last_hidden_state=self.ln_f(hidden),
            past_key_values=past_key_values if use_cache else None,
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(weights) if output_attentions else None,
        )

    def _positions(
        self,
        embeds: Tensor,
        attention_mask: Tensor | None,
        position_ids: Tensor | None,
        past: Cache | None,
    ) -> Positions:
        num_new, num_past = embeds.shape[1], past.get_seq_length() if past is not None else 0
        rows = attention_mask if attention_mask is not None and attention_mask.ndim == 2 else None
        frequencies = getattr(past, "rotary_frequencies", None)
        if frequencies is None:
            frequencies = self._frequencies(rows, num_past + num_new)
            frequencies = frequencies.to(embeds.device)
            if past is not None:
                past.rotary_frequencies = frequencies  # type: ignore[attr-defined]
        if position_ids is None or self.config.reference_exact:
            places = torch.arange(num_new, device=embeds.device)[None] + num_past
            if rows is not None and not self.config.reference_exact:
                places = (rows.long().cumsum(-1) - 1).clamp(min=0)[:, -num_new:]
        else:
            places = position_ids
        # A static cache counts on the device: to ask it would make every token wait.
        known = position_ids is None and isinstance(num_past, int)
        beyond = not known or num_past + num_new > self.config.seq_length
        return positions_of(self.config, places, frequencies, beyond=beyond)

    def _frequencies(self, attention_mask: Tensor | None, num_tokens: int) -> Tensor:
        """Rotary frequencies for prompts of these lengths, a row for each or one for all."""
        lengths = [num_tokens]
        if attention_mask is not None and num_tokens > self.config.seq_length:
            lengths = attention_mask.sum(-1).tolist()
        alphas = [1.0 if self.training else self.config.ntk_alpha(length) for length in lengths]
        return rotary_frequencies(self.config, alphas)

    def _splice(self, ids: Tensor, embeds: Tensor, features: Sequence[Sequence[Tensor]]) -> Tensor:
        """Put features where their places are; row r of a batch of beams is prompt r // beams."""
        start_id = self.config.audio_config.audio_start_id
        embeds = embeds.clone()
        for row, row_ids in enumerate(ids.tolist()):
            of_row = features[row * len(features) // len(ids)]
            starts = [place for place, token in enumerate(row_ids) if token == start_id]
            if len(starts) != len(of_row):
                raise ValueError(f"row {row} has {len(starts)} places for {len(of_row)} audios")
            for start, rows in zip(starts, of_row, strict=True):
                last = start + len(rows) - 1
                if last >= len(row_ids) or row_ids[last] != start_id + 1:
                    raise ValueError(
                        f"an audio of {len(rows)} rows does not fit its place in row {row}"
                    )
                embeds[row, start : last + 1] = rows.to(embeds)
        return embeds


class QwenAudioForCausalLM(ChatMixin, QwenAudioPreTrainedModel, GenerationMixin):
    """Qwen-Audio and Qwen-Audio-Chat."""

    def __init__(self, config: QwenAudioConfig) -> None:
        super().__init__(config)
        self.transformer = QwenAudioModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """As transformers does it, but a checkpoint that is not whole is refused.

        Raises:
            CheckpointError: a weight is missing, surplus or misshapen, or a file is broken.
        """
        return load_checked(super().from_pretrained, pretrained_model_name_or_path, *args, **kwargs)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: Cache | None = None,
        labels: Tensor | None = None,
        audio_info: AudioInfo | None = None,
        audio_features: Sequence[Sequence[Tensor]] | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Read tokens and say which may come next.

        Args:
            input_ids: int64 (B, T).
            attention_mask: (B, S), 0 where a row is padded.
            past_key_values: what was read before.
            labels: int64 (B, T), -100 where nothing is to be learnt.
            audio_info: log-mels and lengths, as the tokenizer's `process_audio` gives them.
            audio_features: or the features of the clips themselves, for each row.
            logits_to_keep: only of the last so many tokens; 0: of all.
            **kwargs: as `QwenAudioModel`.
        """
        if audio_features is None and audio_info is not None:
            audio_features = self._encode_info(audio_info)
        outputs = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            audio_features=audio_features,
            **kwargs,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        if isinstance(logits_to_keep, int) and not logits_to_keep:
            kept = slice(None)
        logits = self.lm_head(outputs.last_hidden_state[:, kept])
        loss = None
        if labels is not None:
            loss = self.loss_function(logits, labels, vocab_size=self.config.vocab_size)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def prepare_inputs_for_generation(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As transformers does it; sound is read once, with the prompt."""
        if not kwargs.get("is_first_iteration") and kwargs.get("use_cache", True):
            kwargs |= {"audio_info": None, "audio_features": None}
        prepared: dict[str, Any] = cast(Any, super()).prepare_inputs_for_generation(*args, **kwargs)
        return prepared

    def _encode_info(self, audio_info: AudioInfo) -> list[list[Tensor]]:
        """The features of each row's clips; the clips of all rows are encoded in one go."""
        rows = [audio_info] if isinstance(audio_info, Mapping) else list(audio_info)
        mels: list[Tensor] = []
        frames: list[int] = []
        counts: list[int] = []
        for row in rows:
            counts.append(len(row["audio_span_tokens"]) if row else 0)
            if row:
                mels.extend(row["input_audios"])
                frames.extend(int(lengths[0]) for lengths in row["input_audio_lengths"])
        features = self.transformer.encode_mels(mels, frames)
        return [[features.pop(0) for _ in range(count)] for count in counts]

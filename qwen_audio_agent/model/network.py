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
        cache.rotary_frequencies = self._frequencies([num_tokens])  # type: ignore[attr-defined]

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
            attention_mask: (B, S), 0 where a row is padded; or a 4-D mask.
            position_ids: int64 (B, T); counted if left out, without the padding of a 2-D mask.
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
            # The cache by its name, by which transformers takes it away from what is checkpointed.
            hidden, attention = block(
                hidden, positions, mask, past_key_values=past_key_values, **kwargs
            )
            if output_hidden_states:  # they are large: not to be held for nothing
                states.append(hidden)
            if output_attentions:
                weights.append(attention)
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
        if position_ids is not None and not self.config.reference_exact:
            places = position_ids
        elif rows is not None and not self.config.reference_exact:
            places = (rows.long().cumsum(-1) - 1).clamp(min=0)[:, -num_new:]
        else:
            places = torch.arange(num_new, device=embeds.device)[None] + num_past
        frequencies = getattr(past, "rotary_frequencies", None)
        if frequencies is None:
            lengths = [num_past + num_new]
            if lengths[0] > self.config.seq_length and rows is not None:
                lengths = rows.sum(-1).tolist()
            elif lengths[0] > self.config.seq_length:
                lengths = (places.amax(-1) + 1).tolist()
            frequencies = self._frequencies(lengths)
        frequencies = frequencies.to(embeds.device)
        if past is not None:
            past.rotary_frequencies = frequencies  # type: ignore[attr-defined]
        # A static cache counts on the device: to ask it would make every token wait.
        known = position_ids is None and isinstance(num_past, int)
        beyond = not known or num_past + num_new > self.config.seq_length
        return positions_of(self.config, places, frequencies, beyond=beyond and not self.training)

    def _frequencies(self, lengths: Sequence[int]) -> Tensor:
        """Rotary frequencies for prompts of these lengths, a row for each or one for all."""
        alphas = [1.0 if self.training else self.config.ntk_alpha(length) for length in lengths]
        return rotary_frequencies(self.config, alphas)

    def _splice(self, ids: Tensor, embeds: Tensor, features: Sequence[Sequence[Tensor]]) -> Tensor:
        """Put features where their places are; row r of a batch of beams is prompt r // beams."""
        start_id = self.config.audio_config.audio_start_id
        if not features or len(ids) % len(features):
            raise ValueError(f"{len(ids)} rows have audios for {len(features)}")
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

    def forward(  # noqa: PLR0913 - as transformers calls it
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
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
            position_ids: as `QwenAudioModel`.
            past_key_values: what was read before.
            labels: int64 (B, T), -100 where nothing is to be learnt.
            audio_info: log-mels and lengths, as the tokenizer's `process_audio` gives them.
            audio_features: or the features of the clips themselves, for each row.
            logits_to_keep: only of the last so many tokens; 0: of all.
            **kwargs: as `QwenAudioModel`, and as transformers' loss, such as `num_items_in_batch`.
        """
        if audio_features is None and audio_info is not None:
            audio_features = self._encode_info(audio_info)
        outputs = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
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
            loss = self.loss_function(logits, labels, vocab_size=self.config.vocab_size, **kwargs)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def generate(self, *args: Any, audio_info: AudioInfo | None = None, **kwargs: Any) -> Any:
        """As transformers does it; sound is encoded once, and not for each token.

        Args:
            *args: as transformers takes them.
            audio_info: of the prompts, as the tokenizer's `process_audio` gives it.
            **kwargs: as transformers takes them; or `audio_features`, as `forward`.

        Raises:
            ValueError: a prompt has places for other audios than those given, or for one at all.
        """
        if audio_info is not None and kwargs.get("audio_features") is None:
            with torch.no_grad():
                kwargs["audio_features"] = self._encode_info(audio_info)
        return cast(Any, super()).generate(*args, **kwargs)

    def prepare_inputs_for_generation(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As transformers does it; sound is read once, with the prompt."""
        is_first = kwargs.get("is_first_iteration")
        if not is_first and kwargs.get("use_cache", True):
            kwargs["audio_features"] = None
        prepared: dict[str, Any] = cast(Any, super()).prepare_inputs_for_generation(*args, **kwargs)
        if is_first and prepared.get("input_ids") is not None:
            past = prepared.get("past_key_values")
            features = prepared.get("audio_features") or ()
            prepared["audio_features"] = self._unread(prepared["input_ids"], features, past)
        return prepared

    def _unread(
        self, ids: Tensor, features: Sequence[Sequence[Tensor]], past: Cache | None
    ) -> list[list[Tensor]] | None:
        """The features of each row but those of clips that a cache has read."""
        counts = (ids == self.config.audio_config.audio_start_id).sum(-1).tolist()
        if not features:
            if any(counts):
                raise ValueError(
                    f"the prompt has places for {max(counts)} audios and none is given; pass "
                    "audio_info, as the tokenizer's process_audio gives it"
                )
            return None
        rows = [list(features[row * len(features) // len(ids)]) for row in range(len(ids))]
        if past is None or not int(past.get_seq_length()):
            return rows
        return [row[max(0, len(row) - count) :] for row, count in zip(rows, counts, strict=True)]

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

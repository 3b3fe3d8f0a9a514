"""Qwen2-Audio, Qwen2.5-Omni and Qwen3-Omni as engines, on transformers' own classes.

What a turn shares with an earlier one is not read again, and so its audios are not encoded again;
an audio that moves to another place of the prompt is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel, TokenizersBackend, WhisperFeatureExtractor

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model.constraint import constraint_tokens
from qwen_audio_agent.model.engine import ReadingEngine, Turn
from qwen_audio_agent.model.features import AudioClip
from qwen_audio_agent.model.generation import Sampling
from qwen_audio_agent.model.later_models import FAMILIES, FrontEnd
from qwen_audio_agent.model.later_prompt import LaterPrompts
from qwen_audio_agent.model.prompt import Prompt
from qwen_audio_agent.model.reading import PromptReader, input_device
from qwen_audio_agent.model.text_tokenizer import TextTokenizer


class LaterReader(PromptReader):
    """Reads with one of transformers' classes.

    No positions are handed over: without a picture or a video in the prompt, the three axes of
    M-RoPE count places as the cache does, which is what the model's `get_rope_index` says too. Left
    to themselves the models count so, and touch no state that other readers share.

    Args:
        model: the network.
        front_end: of it.
    """

    def __init__(self, model: PreTrainedModel, front_end: FrontEnd) -> None:
        super().__init__(model)
        self._front_end = front_end

    def _forward(self, ids: Sequence[int], clips: Sequence[AudioClip]) -> Tensor:
        device = input_device(self.model)
        sound = self._front_end.inputs(clips, device) if clips else {}
        # The body without the head: logits of a long prompt's every place would take gigabytes.
        output = self.model.model(
            input_ids=torch.tensor([ids], device=device),
            past_key_values=self._cache,
            use_cache=True,
            **sound,
        )
        logits: Tensor = self.model.lm_head(output.last_hidden_state[:, -1])[0]
        return logits


class LaterEngine(ReadingEngine):
    """A model of a later family.

    Args:
        model: Qwen2-Audio, or the thinker of Qwen2.5-Omni or Qwen3-Omni.
        tokenizer: of it.
        extractor: its front end.
        name: of the checkpoint.

    Raises:
        CheckpointError: the tokenizer is not that of the model.
    """

    call_format: Literal["react", "hermes"] = "hermes"

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: TokenizersBackend,
        extractor: WhisperFeatureExtractor,
        name: str = "",
    ) -> None:
        config: Any = model.config
        family = FAMILIES[config.model_type]
        text = TextTokenizer(tokenizer)
        named = ("audio_token", "audio_bos_token", "audio_eos_token")
        tokens = [
            getattr(tokenizer, attribute, None) or default
            for attribute, default in zip(named, family.audio_tokens, strict=True)
        ]
        pad, before, after = (text.control_id(token) for token in tokens)
        if pad != config.audio_token_id:
            raise CheckpointError(
                f"{tokens[0]} is token {pad} of the tokenizer and {config.audio_token_id} of "
                "config.json; they are not of one model"
            )
        rows = config.get_text_config().vocab_size
        # Where a checkpoint does not say that it samples, transformers takes the likeliest token.
        samples = bool(getattr(model.generation_config, "do_sample", False))
        sampling = Sampling.of(model.generation_config, do_sample=samples)
        super().__init__(name or family.title, sampling, text, text.ends, text.unspeakable(rows))
        self.model, self.tokenizer = model, text
        self.front_end = FrontEnd(family, extractor, getattr(config.audio_config, "n_window", 0))
        self.max_clip_seconds = self.front_end.longest_seconds
        self._prompts = LaterPrompts(text, self.front_end, (pad, before, after))
        self._num_rows = rows

    def encode_text(self, text: str) -> list[int]:
        """Ids of a plain text."""
        return self.tokenizer.encode_text(text)

    def _make_guide(self) -> Any:
        return constraint_tokens(
            self.tokenizer,
            num_tokens=self._num_rows,
            end_tokens=(self.tokenizer.im_end_id, self.tokenizer.end_of_text_id),
        )

    def _prompt(self, turns: Sequence[Turn]) -> Prompt:
        return self._prompts.turns([(turn.role, turn.said) for turn in turns])

    def _reader(self) -> LaterReader:
        return LaterReader(self.model, self.front_end)

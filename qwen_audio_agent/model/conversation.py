"""A conversation that reads every token once and encodes every audio once.

Dynamic NTK ties the rotary angles of the keys to the length of the prompt, in steps at the training
length, twice, four times ... that: where a new turn takes a step, and only there, all of it is read
again. Between the steps what both prompts share is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from qwen_audio_agent.model.cache import FeatureCache
from qwen_audio_agent.model.features import AudioClip
from qwen_audio_agent.model.prompt import Prompt
from qwen_audio_agent.model.reading import PromptReader, input_device

if TYPE_CHECKING:
    from qwen_audio_agent.model.network import QwenAudioForCausalLM


class Conversation(PromptReader):
    """Keys, values and features of one conversation with a model; one reply at a time.

    Args:
        model: who answers.
        features: of clips; share one among conversations that hear the same audio.
    """

    def __init__(self, model: QwenAudioForCausalLM, features: FeatureCache | None = None) -> None:
        super().__init__(model)
        self.features = features or FeatureCache()
        self._prompt_clips: tuple[AudioClip, ...] = ()
        self._alpha = 0.0

    def forget(self) -> None:
        """Drop all keys and values; features stay."""
        super().forget()
        self._alpha = 0.0

    def _keepable(self, prompt: Prompt, shared: int) -> int:
        """All of it, unless NTK takes a step."""
        self._prompt_clips = prompt.clips
        alpha = self.model.config.ntk_alpha(len(prompt))
        takes_a_step = alpha != self._alpha
        if takes_a_step:
            self.work.rereads += shared > 0
            self.forget()
        self._alpha = alpha
        return 0 if takes_a_step else shared

    def _forward(self, ids: Sequence[int], clips: Sequence[AudioClip]) -> Tensor:
        features = self._features(clips)
        output = self.model(
            input_ids=torch.tensor([ids], device=input_device(self.model)),
            past_key_values=self._cache,
            audio_features=[features] if features else None,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[0, -1]
        return logits

    def _features(self, clips: Sequence[AudioClip]) -> list[Tensor]:
        encode = self.model.transformer.encode_clips
        if clips and self.model.config.reference_exact:
            # Clips that depend on their companions cannot be kept.
            features: list[Tensor] = encode(self._prompt_clips)
            return features[len(features) - len(clips) :]
        return self.features.features(clips, encode)

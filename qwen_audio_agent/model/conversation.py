"""A conversation that reads every token once and encodes every audio once.

Dynamic NTK ties the rotary angles of the keys to the length of the prompt, in steps at the training
length, twice, four times ... that: where a new turn takes a step, and only there, all of it is read
again. Between the steps what both prompts share is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from transformers import LogitsProcessor

from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.model.cache import FeatureCache, GrowingCache
from qwen_audio_agent.model.generation import Sampling, StopSequences
from qwen_audio_agent.model.prompt import Prompt

if TYPE_CHECKING:
    from qwen_audio_agent.model.network import QwenAudioForCausalLM


@dataclass
class Work:
    """What a conversation has cost so far.

    Attributes:
        tokens_read: places of prompts that went through the decoder.
        tokens_reused: places of prompts that did not have to.
        tokens_generated: tokens of replies.
        rereads: times that everything had to be read again, for NTK took a step.
    """

    tokens_read: int = 0
    tokens_reused: int = 0
    tokens_generated: int = 0
    rereads: int = 0


class Conversation:
    """Keys, values and features of one conversation with a model; one reply at a time.

    Args:
        model: who answers.
        features: of clips; share one among conversations that hear the same audio.

    Attributes:
        work: what it has cost.
    """

    def __init__(self, model: QwenAudioForCausalLM, features: FeatureCache | None = None) -> None:
        self.model = model
        self.features = features or FeatureCache()
        self.work = Work()
        self._cache = GrowingCache()
        self._read: list[int] = []
        self._alpha = 0.0

    def forget(self) -> None:
        """Drop all keys and values; features stay."""
        self._cache = GrowingCache()
        self._read = []
        self._alpha = 0.0

    def stream(
        self,
        prompt: Prompt,
        sampling: Sampling,
        stops: StopSequences,
        processors: Iterable[LogitsProcessor] = (),
        suppressed: Sequence[int] = (),
    ) -> Iterator[int]:
        """Generate the tokens of a reply; closing the iterator ends it, and what was read stays.

        Args:
            prompt: everything before the reply.
            sampling: how tokens are chosen.
            stops: what ends it.
            processors: change the logits of each step; are given ids int64 (1, T) and (1, V).
            suppressed: ids that are never chosen.

        Raises:
            UsageError: the prompt is longer than the model promises to read.
        """
        device = self.model.lm_head.weight.device
        chain, sampler = sampling.processors(processors), sampling.sampler(device)
        banned = torch.tensor(sorted(suppressed), dtype=torch.long, device=device)
        early = torch.tensor(sorted(stops.tokens), dtype=torch.long, device=device)
        reply: list[int] = []
        logits = self._read_prompt(prompt)
        ids = torch.tensor([prompt.ids], device=device) if chain else None
        while len(reply) < sampling.max_new_tokens:
            scores = logits.float().clone()  # (V,)
            scores[banned] = -torch.inf
            if len(reply) < sampling.min_new_tokens:
                scores[early] = -torch.inf
            if ids is not None:
                scores = chain(cast(torch.LongTensor, ids), cast(torch.FloatTensor, scores[None]))[
                    0
                ]
            token = sampling.choose(scores, sampler)
            if token in stops.tokens:
                return
            reply.append(token)
            self.work.tokens_generated += 1
            yield token
            if stops.ends_with_one(reply) or len(reply) == sampling.max_new_tokens:
                return
            if ids is not None:
                ids = torch.cat([ids, torch.tensor([[token]], device=device)], dim=1)
            logits = self._step([token], [token], [])

    def _read_prompt(self, prompt: Prompt) -> Tensor:
        """Logits (V,) of what follows the prompt; reads only what is new in it."""
        config = self.model.config
        if len(prompt) > config.max_position_embeddings:
            raise UsageError(
                f"the prompt has {len(prompt)} tokens and the model reads "
                f"{config.max_position_embeddings}; an audio takes 25 per second: drop old turns"
            )
        alpha = config.ntk_alpha(len(prompt))
        # At least the last place is read again, for its logits; an audio is read whole.
        kept = prompt.whole(self.common(prompt.identity[:-1]))
        if alpha != self._alpha and self._read:
            self.work.rereads += kept > 0
            kept = 0
            self.forget()
        self._alpha = alpha
        if kept < len(self._read):
            self._cache.crop(kept - len(self._read))
            del self._read[kept:]
        self.work.tokens_reused += kept
        self.work.tokens_read += len(prompt) - kept
        clips = prompt.clips_from(kept)
        encode = self.model.transformer.encode_clips
        with torch.no_grad():
            if config.reference_exact:  # clips that depend on their companions cannot be kept
                features = encode(prompt.clips)[len(prompt.clips) - len(clips) :] if clips else []
            else:
                features = self.features.features(clips, encode)
        return self._step(prompt.ids[kept:], prompt.identity[kept:], features)

    def common(self, identity: Sequence[int]) -> int:
        """How many of the places that it has read a prompt of this identity begins with."""
        pairs = zip(self._read, identity, strict=False)
        differing = (place for place, (old, new) in enumerate(pairs) if old != new)
        return next(differing, min(len(self._read), len(identity)))

    @torch.no_grad()
    def _step(
        self, ids: Sequence[int], identity: Sequence[int], features: Sequence[Tensor]
    ) -> Tensor:
        """Read tokens; logits (V,) of what follows them."""
        try:
            output = self.model(
                input_ids=torch.tensor([ids], device=self.model.transformer.wte.weight.device),
                past_key_values=self._cache,
                audio_features=[features] if features else None,
                use_cache=True,
                logits_to_keep=1,
            )
        except BaseException:  # some blocks may have kept what others have not
            self.forget()
            raise
        self._read.extend(identity)
        logits: Tensor = output.logits[0, -1]
        return logits

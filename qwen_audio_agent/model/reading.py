"""Reading prompts bit by bit: what a prompt begins with, and was read before, is not read again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import LogitsProcessor

from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.model.cache import GrowingCache
from qwen_audio_agent.model.features import AudioClip
from qwen_audio_agent.model.generation import Sampling, StopSequences
from qwen_audio_agent.model.prompt import Prompt


@dataclass
class Work:
    """What a reader has cost so far.

    Attributes:
        tokens_read: places of prompts that went through the decoder.
        tokens_reused: places of prompts that did not have to.
        tokens_generated: tokens of replies.
        rereads: times that everything had to be read again, though the prompts begin alike.
    """

    tokens_read: int = 0
    tokens_reused: int = 0
    tokens_generated: int = 0
    rereads: int = 0


def input_device(model: Any) -> torch.device:
    """Where the ids that a network reads are to be made.

    The CPU where accelerate keeps the embedding elsewhere until it is called: it moves them itself.
    """
    weight: Tensor = model.get_input_embeddings().weight
    return torch.device("cpu") if weight.is_meta else weight.device


class PromptReader(ABC):
    """Keys and values of what a network has read, and how it goes on; one reply at a time.

    Args:
        model: the network.

    Attributes:
        work: what it has cost.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.work = Work()
        self._cache = GrowingCache()
        self._read: list[int] = []
        self._newest = 0  # reply, by number

    @property
    def num_read(self) -> int:
        """Places that it has read."""
        return len(self._read)

    def forget(self) -> None:
        """Drop all keys and values."""
        self._cache = GrowingCache()
        self._read = []

    def common(self, identity: Sequence[int]) -> int:
        """How many of the places that it has read a prompt of this identity begins with."""
        pairs = zip(self._read, identity, strict=False)
        differing = (place for place, (old, new) in enumerate(pairs) if old != new)
        return next(differing, min(len(self._read), len(identity)))

    def stream(
        self,
        prompt: Prompt,
        sampling: Sampling,
        stops: StopSequences,
        processors: Iterable[LogitsProcessor] = (),
        suppressed: Sequence[int] = (),
    ) -> Generator[int, None, None]:
        """Generate the tokens of a reply; closing the iterator ends it, and what was read stays.

        Args:
            prompt: everything before the reply.
            sampling: how tokens are chosen.
            stops: what ends it.
            processors: change the logits of each step; are given ids int64 (1, T) and (1, V).
            suppressed: ids that are never chosen.

        Raises:
            UsageError: the prompt is longer than the model promises to read.
            RuntimeError: another reply was begun before this one had its end.
        """
        number = self._newest = self._newest + 1
        chain = sampling.processors(processors)
        reply: list[int] = []
        logits = self._read_prompt(prompt)
        device = logits.device  # of the head or, where accelerate brings them back, of the ids
        sampler = sampling.sampler(device)
        banned = torch.tensor(sorted(suppressed), dtype=torch.long, device=device)
        early = torch.tensor(sorted(stops.tokens), dtype=torch.long, device=device)
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
            if number != self._newest:
                raise RuntimeError(
                    "another reply was begun here; one conversation has one at a time"
                )
            logits = self._step([token], [token], [])

    def _read_prompt(self, prompt: Prompt) -> Tensor:
        """Logits (V,) of what follows the prompt; reads only what is new in it."""
        longest = self.model.config.get_text_config().max_position_embeddings
        if len(prompt) > longest:
            raise UsageError(
                f"the prompt has {len(prompt)} tokens and the model reads {longest}; "
                f"{prompt.num_audio_tokens} of them are audio: drop old turns"
            )
        # At least the last place is read again, for its logits; an audio is read whole.
        kept = self._keepable(prompt, prompt.whole(self.common(prompt.identity[:-1])))
        # In this order, and by the cache's own length: an interrupt between leaves nothing wrong.
        del self._read[kept:]
        self._cache.crop(kept - self._cache.get_seq_length())
        self.work.tokens_reused += kept
        self.work.tokens_read += len(prompt) - kept
        return self._step(prompt.ids[kept:], prompt.identity[kept:], prompt.clips_from(kept))

    def _keepable(self, prompt: Prompt, shared: int) -> int:  # noqa: ARG002
        """How many of the places that a prompt shares with what was read need not be read again."""
        return shared

    @torch.no_grad()
    def _step(
        self, ids: Sequence[int], identity: Sequence[int], clips: Sequence[AudioClip]
    ) -> Tensor:
        """Read tokens; logits (V,) of what follows them."""
        try:
            logits = self._forward(ids, clips)
        except BaseException:  # some blocks may have kept what others have not
            self.forget()
            raise
        self._read.extend(identity)
        return logits

    @abstractmethod
    def _forward(self, ids: Sequence[int], clips: Sequence[AudioClip]) -> Tensor:
        """Put tokens, and the clips that have their places among them, through the network.

        Returns:
            Logits (V,) of what follows.
        """

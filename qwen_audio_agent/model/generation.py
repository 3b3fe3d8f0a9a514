"""Choosing tokens one by one: settings, and the text that a stream of tokens makes."""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen, under the names of transformers' GenerationConfig.

    Attributes:
        do_sample: draw from the distribution; off, take the most likely.
        temperature: over 0; below 1 sharpens the distribution.
        top_k: draw from so many tokens at most; 0: from all.
        top_p: draw from the fewest tokens that have this much of the probability.
        repetition_penalty: over 1 makes tokens of the prompt and the reply less likely.
        max_new_tokens: the longest reply.
        min_new_tokens: the reply does not end before.
        seed: of the draws; None: a new one each time.
    """

    do_sample: bool = True
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 0.5
    repetition_penalty: float = 1.0
    max_new_tokens: int = 512
    min_new_tokens: int = 0
    seed: int | None = None

    @classmethod
    def of(cls, config: GenerationConfig | None, **overrides: Any) -> Sampling:
        """The settings of a checkpoint's generation_config.json, changed by `overrides`.

        Raises:
            TypeError: an override has no such name.
        """
        names = {item.name for item in fields(cls)}
        unknown = sorted(overrides.keys() - names)
        if unknown:
            raise TypeError(f"unknown settings {unknown}; there are {sorted(names)}")
        given = {name: getattr(config, name, None) for name in names}
        given |= overrides
        return cls(**{name: value for name, value in given.items() if value is not None})

    def processors(self, first: Iterable[LogitsProcessor] = ()) -> LogitsProcessorList:
        """What is done to the logits of each step, after those given."""
        chain = LogitsProcessorList(first)
        if self.repetition_penalty != 1.0:
            chain.append(RepetitionPenaltyLogitsProcessor(self.repetition_penalty))
        if self.do_sample:
            if self.temperature != 1.0:
                chain.append(TemperatureLogitsWarper(self.temperature))
            if self.top_k:
                chain.append(TopKLogitsWarper(self.top_k))
            if self.top_p < 1.0:
                chain.append(TopPLogitsWarper(self.top_p))
        return chain

    def sampler(self, device: torch.device) -> torch.Generator | None:
        """The source of the draws."""
        if self.seed is None:
            return None
        return torch.Generator(device).manual_seed(self.seed)

    def choose(self, scores: Tensor, sampler: torch.Generator | None) -> int:
        """The next token from scores (V,)."""
        if not self.do_sample:
            return int(scores.argmax())
        return int(torch.multinomial(scores.softmax(-1), 1, generator=sampler))

    def changed(self, **settings: Any) -> Sampling:
        """The same but for the settings that are given and not None."""
        return replace(self, **{name: new for name, new in settings.items() if new is not None})


class StopSequences:
    """Ids that end a reply: single tokens, which are not part of it, and longer sequences.

    Args:
        tokens: end the reply and are left out.
        sequences: end the reply and stay in it.
    """

    def __init__(self, tokens: Iterable[int], sequences: Sequence[Sequence[int]] = ()) -> None:
        self.tokens = frozenset(tokens)
        self._sequences = [tuple(sequence) for sequence in sequences if sequence]

    def ends_with_one(self, reply: Sequence[int]) -> bool:
        """Whether a sequence has just been completed."""
        return any(tuple(reply[-len(s) :]) == s for s in self._sequences)


class Spelling(Protocol):
    """A vocabulary of bytes."""

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for; of an id without a token, those of U+FFFD."""
        ...


def noted(token_ids: Iterable[int], note: list[int]) -> Iterator[int]:
    """The same tokens, each added to a list as it passes."""
    for token in token_ids:
        note.append(token)
        yield token


def texts(tokenizer: Spelling, token_ids: Iterable[int]) -> Generator[str, None, None]:
    """The text of a stream of tokens, in pieces; a letter of several tokens comes when whole."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for token in token_ids:
        piece = decoder.decode(tokenizer.token_bytes(token))
        if piece:
            yield piece
    rest = decoder.decode(b"", final=True)
    if rest:
        yield rest

"""Lets a network generate only what a grammar allows: the other tokens get no probability.

    tokens = constraint_tokens(encoding, num_tokens=155947, end_tokens=[151645])    once, 0.5 s
    constraint = Constraint(tokens, grammar)                                        5 ms
    model.generate(..., logits_processor=[constraint.processor(num_prompt_tokens)])

It needs llguidance, which is optional: pip install 'qwen-audio-agent[constrained]'.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

import numpy as np
import tiktoken
import torch
from numpy.typing import NDArray
from transformers import LogitsProcessor

from qwen_audio_agent.errors import QwenAudioAgentError, UsageError
from qwen_audio_agent.model.text_tokenizer import TextTokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer
    from transformers import PreTrainedTokenizerFast

_MISSING = (
    "generating by a grammar needs llguidance: pip install 'qwen-audio-agent[constrained]', or "
    "generate without a grammar"
)


def constraint_tokens(
    vocabulary: tiktoken.Encoding | PreTrainedTokenizerFast | TextTokenizer,
    *,
    num_tokens: int,
    end_tokens: Sequence[int],
) -> LLTokenizer:
    """The tokens of a model, as llguidance needs them; keep it, making it takes up to a second.

    Special tokens never stand for text, so no grammar lets them through but as an end.

    Args:
        vocabulary: of tiktoken, or a fast tokenizer of Hugging Face. Of a bare fast tokenizer
            llguidance takes every added token in angle brackets for a special one, and then fails
            where a grammar has the text `<tool_call>`; a `TextTokenizer` tells them apart.
        num_tokens: columns of the logits; ids beyond the vocabulary are never allowed.
        end_tokens: ids that end a reply.

    Raises:
        UsageError: llguidance is not installed.
    """
    try:
        import llguidance
        import llguidance.hf
        import llguidance.tiktoken
    except ImportError as error:
        raise UsageError(_MISSING) from error
    ends = list(end_tokens)
    if isinstance(vocabulary, TextTokenizer):
        spelled = llguidance.TokenizerWrapper(_Spelled(vocabulary, num_tokens, ends[0]))
        return llguidance.LLTokenizer(spelled, n_vocab=num_tokens, eos_token=ends)
    if isinstance(vocabulary, tiktoken.Encoding):
        return llguidance.tiktoken.lltokenizer_from_encoding(
            vocabulary, n_vocab=num_tokens, eos_token=ends
        )
    return llguidance.hf.from_tokenizer(vocabulary, n_vocab=num_tokens, eos_token=ends)


def has_llguidance() -> bool:
    """Whether it is installed; loads nothing."""
    return find_spec("llguidance") is not None


class _Spelled:
    """A vocabulary token by token, under the names that llguidance looks for."""

    bos_token_id = None

    def __init__(self, tokenizer: TextTokenizer, num_tokens: int, end_token: int) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = end_token
        self.tokens = [tokenizer.token_bytes(token) for token in range(num_tokens)]
        self.special_token_ids = tokenizer.unwritable(num_tokens)

    def __call__(self, text: str) -> list[int]:
        return self._tokenizer.encode_text(text)


class Constraint:
    """A grammar over the tokens of a model; checked once, used for any number of generations.

    Args:
        tokens: from `constraint_tokens`.
        grammar: in llguidance's Lark.

    Raises:
        UsageError: the grammar is none, such as for a JSON schema with unknown keywords.
    """

    def __init__(self, tokens: LLTokenizer, grammar: str) -> None:
        self._tokens = tokens
        self._grammar = grammar
        self.processor(0)

    def processor(self, num_prompt_tokens: int | None = None) -> ConstrainedLogits:
        """A new processor for one generation.

        Args:
            num_prompt_tokens: tokens before the first that the grammar is about; those of its first
                call if None.
        """
        from llguidance import LLMatcher

        matcher = LLMatcher(self._tokens, self._grammar, log_level=0)
        if matcher.is_error():
            first = matcher.get_error().strip().partition("\n")[0]
            raise UsageError(
                f"the tools cannot be put into a grammar: {first[:200]}; generate without one "
                "(constrained=False), or simplify their schemas"
            )
        return ConstrainedLogits(matcher, self._tokens, num_prompt_tokens)


class ConstrainedLogits(LogitsProcessor):
    """Allows only the next tokens that the grammar allows, for one sequence, token after token.

    Where the grammar leaves one text only, its tokens are forced as the tokenizer would write them.
    It starts again whenever it is called at the end of the prompt.

    Attributes:
        forced: ids that are certain to come next, the first of them now; a generator may take them
            without asking the network for logits.
    """

    def __init__(
        self, matcher: LLMatcher, tokens: LLTokenizer, num_prompt_tokens: int | None
    ) -> None:
        self._matcher = matcher
        self._num_tokens = tokens.vocab_size
        self._num_prompt = num_prompt_tokens
        self._num_seen = num_prompt_tokens or 0
        self.forced: list[int] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The scores, -inf for all that is not allowed.

        Args:
            input_ids: int64 (1, T), the prompt and what was generated.
            scores: float (1, V), V >= the number of tokens.

        Raises:
            ValueError: several sequences at once, tokens taken back, a V that is too small, or a
                generated token that was not allowed.
            QwenAudioAgentError: the grammar is too complex to follow.
        """
        if input_ids.shape[0] != 1 or scores.shape[-1] < self._num_tokens:
            raise ValueError(
                f"one sequence and {self._num_tokens} scores are needed; "
                f"ids are {tuple(input_ids.shape)} and scores {tuple(scores.shape)}"
            )
        self._read(input_ids[0].tolist())
        refused = np.ones(scores.shape[-1], dtype=np.bool_)  # V
        refused[: self._num_tokens] = ~self._allowed()
        mask = torch.from_numpy(refused).to(scores.device)
        return cast("torch.FloatTensor", scores.masked_fill(mask, float("-inf")))  # 1 V

    def _read(self, ids: list[int]) -> None:
        """Follow the tokens that were generated since the last call."""
        if self._num_prompt is None:
            self._num_prompt = len(ids)
        if len(ids) == self._num_prompt:
            self._matcher.reset()
            self._num_seen = self._num_prompt
        if len(ids) < self._num_seen:
            raise ValueError(f"{len(ids)} tokens are fewer than the {self._num_seen} seen before")
        for token in ids[self._num_seen :]:
            if not self._matcher.consume_token(token):
                raise ValueError(f"token {token} is not allowed here: {self._matcher.get_error()}")
        self._num_seen = len(ids)

    def _allowed(self) -> NDArray[np.bool_]:
        """Which ids may come next, one flag for each token."""
        self.forced = self._matcher.compute_ff_tokens()
        if self.forced:
            only = np.zeros(self._num_tokens, dtype=np.bool_)
            only[self.forced[0]] = True
            return only
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        if self._matcher.is_error():
            raise QwenAudioAgentError(f"the grammar has no way on: {self._matcher.get_error()}")
        # Of a grammar that is at its end, the mask lets only the end tokens through.
        return np.unpackbits(bits, count=self._num_tokens, bitorder="little").astype(np.bool_)

"""What a chat model needs of a network that hears: turns in, text out, and the cost.

`QwenAudioEngine` is the native one. Others wrap transformers' own classes of later Qwen models;
they all take the same turns, so that the chat model above them is one.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from transformers import LogitsProcessor

from qwen_audio_agent.model.cache import FeatureCache
from qwen_audio_agent.model.constraint import constraint_tokens
from qwen_audio_agent.model.conversation import Conversation
from qwen_audio_agent.model.features import LONGEST_SECONDS
from qwen_audio_agent.model.generation import Sampling, Spelling, StopSequences, noted, texts
from qwen_audio_agent.model.list_format import Reply
from qwen_audio_agent.model.network import QwenAudioForCausalLM
from qwen_audio_agent.model.prompt import ChatPrompts, Prompt
from qwen_audio_agent.model.reading import PromptReader
from qwen_audio_agent.model.tokenizer import QWenTokenizer

Role = Literal["system", "user", "assistant"]
MOST_READERS: Final = 2
"""That an engine keeps, with what they have read."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says.

    Attributes:
        role: who.
        said: a text, a `Query` with audio in it, or a `Reply` of the model itself.
    """

    role: Role
    said: str


@dataclass
class Generation:
    """A reply in the making: iterate over it for its text, then read what it was.

    Attributes:
        num_prompt_tokens: places of the prompt.
        num_audio_tokens: those of them that are audio.
        pieces: of its text, as they come.
        token_ids: what was generated so far.
        finish_reason: "stop" or "length", once it has ended.
    """

    num_prompt_tokens: int
    num_audio_tokens: int
    pieces: Generator[str, None, None] = field(init=False, repr=False)
    token_ids: list[int] = field(default_factory=list)
    finish_reason: Literal["stop", "length"] | None = None

    def __iter__(self) -> Iterator[str]:
        return self.pieces

    def close(self) -> None:
        """End it before it ends by itself."""
        self.pieces.close()
        self.finish_reason = self.finish_reason or "stop"


class Engine(Protocol):
    """A network that hears and writes.

    Attributes:
        name: of the checkpoint.
        call_format: how it was taught to ask for tools.
        max_clip_seconds: the longest audio that it hears at once.
        sampling: the settings of the checkpoint.
    """

    name: str
    call_format: Literal["react", "hermes"]
    max_clip_seconds: float
    sampling: Sampling

    @property
    def max_prompt_tokens(self) -> int:
        """The longest prompt that it reads."""
        ...

    def generate(
        self,
        turns: Sequence[Turn],
        sampling: Sampling,
        processors: Iterable[LogitsProcessor] = (),
    ) -> Generation:
        """Begin a reply to the turns; an assistant's turn at the end is gone on with.

        Nothing is read before the first of its text is asked for; what the prompt will cost is
        known at once.

        Raises:
            UsageError: the prompt is too long; only when the reply is asked for.
        """
        ...

    def encode_text(self, text: str) -> list[int]:
        """Ids of a plain text."""
        ...

    def guide(self) -> Any:
        """The vocabulary for constrained decoding, from `constraint_tokens`.

        Raises:
            UsageError: llguidance is not installed.
        """
        ...


class ReadingEngine(ABC):
    """What engines have in common: readers, each lent to one reply at a time. Threads may share it.

    Args:
        name: of the checkpoint.
        sampling: the settings of the checkpoint.
        spelling: the bytes of its tokens.
        ends: tokens that end a reply.
        unspeakable: tokens that no reply may hold.
    """

    model: Any

    def __init__(
        self,
        name: str,
        sampling: Sampling,
        spelling: Spelling,
        ends: Iterable[int],
        unspeakable: Sequence[int],
    ) -> None:
        self.name, self.sampling = name, sampling
        self._spelling = spelling
        self._stops = StopSequences(ends)
        self._unspeakable = unspeakable
        self._guide: Any = None
        self._idle: list[PromptReader] = []
        self._lock = threading.Lock()

    def generate(
        self,
        turns: Sequence[Turn],
        sampling: Sampling,
        processors: Iterable[LogitsProcessor] = (),
    ) -> Generation:
        """Begin a reply, with as much of an earlier conversation as the turns begin with."""
        prompt = self._prompt(turns)
        generation = Generation(len(prompt), prompt.num_audio_tokens)
        generation.pieces = self._pieces(generation, prompt, sampling, processors)
        return generation

    def _pieces(
        self,
        generation: Generation,
        prompt: Prompt,
        sampling: Sampling,
        processors: Iterable[LogitsProcessor],
    ) -> Generator[str, None, None]:
        """The text of a reply; what it is made of is noted on the way."""
        reader = self._take(prompt.identity)
        tokens = reader.stream(prompt, sampling, self._stops, processors, self._unspeakable)
        try:
            yield from texts(self._spelling, noted(tokens, generation.token_ids))
            full = len(generation.token_ids) >= sampling.max_new_tokens
            generation.finish_reason = "length" if full else "stop"
        finally:
            tokens.close()
            self._give_back(reader)

    @property
    def max_prompt_tokens(self) -> int:
        """The longest prompt that it reads."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    def guide(self) -> Any:
        """The vocabulary for constrained decoding; it takes a second, once."""
        if self._guide is None:
            self._guide = self._make_guide()
        return self._guide

    def reply(self, generation: Generation) -> Reply:
        """What was generated, to be handed back in a later turn."""
        ids = generation.token_ids
        return Reply("".join(texts(self._spelling, ids)), ids)

    @abstractmethod
    def _prompt(self, turns: Sequence[Turn]) -> Prompt:
        """Turns as the network reads them."""

    @abstractmethod
    def _make_guide(self) -> Any:
        """The vocabulary for constrained decoding."""

    @abstractmethod
    def _reader(self) -> PromptReader:
        """A reader that has read nothing."""

    def _take(self, identity: Sequence[int]) -> PromptReader:
        """The idle reader that has read most of it, or a new one.

        All prompts begin alike; a reader that would have to forget most of what it has read is in
        another conversation, and is left to it while there is room.
        """
        with self._lock:
            best = max(self._idle, key=lambda reader: reader.common(identity), default=None)
            if best is None:
                return self._reader()
            is_elsewhere = best.num_read > 2 * best.common(identity)
            if is_elsewhere and len(self._idle) < MOST_READERS:
                return self._reader()
            self._idle.remove(best)
            return best

    def _give_back(self, reader: PromptReader) -> None:
        with self._lock:
            self._idle.append(reader)
            del self._idle[:-MOST_READERS]


class QwenAudioEngine(ReadingEngine):
    """The native network.

    Args:
        model: Qwen-Audio-Chat.
        tokenizer: of it.
        name: of the checkpoint.

    Raises:
        CheckpointError: the tokenizer is that of another model, or its vocabulary is cut off.
    """

    call_format: Literal["react", "hermes"] = "react"
    max_clip_seconds = LONGEST_SECONDS

    def __init__(
        self, model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, name: str = "qwen-audio"
    ) -> None:
        tokenizer.vocabulary.raise_if_foreign(model.config)
        super().__init__(
            name,
            Sampling.of(model.generation_config),
            tokenizer,
            (tokenizer.im_end_id, tokenizer.im_start_id, tokenizer.eod_id),
            tokenizer.unspeakable(model.config.vocab_size),
        )
        self.model, self.tokenizer = model, tokenizer
        self.features = FeatureCache()
        self._prompts = ChatPrompts(tokenizer)

    def encode_text(self, text: str) -> list[int]:
        """Ids of a plain text."""
        return self.tokenizer.encode_text(text)

    def _make_guide(self) -> Any:
        return constraint_tokens(
            self.tokenizer.encoding,
            num_tokens=self.model.config.vocab_size,
            end_tokens=(self.tokenizer.im_end_id, self.tokenizer.eod_id),
        )

    def _prompt(self, turns: Sequence[Turn]) -> Prompt:
        return self._prompts.turns([(turn.role, turn.said) for turn in turns])

    def _reader(self) -> Conversation:
        return Conversation(self.model, self.features)

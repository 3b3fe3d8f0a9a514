"""Chat as the model card has it, `model.chat` and `model.chat_stream`, with reuse between turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from transformers import GenerationConfig

from qwen_audio_agent.model.cache import FeatureCache
from qwen_audio_agent.model.conversation import Conversation
from qwen_audio_agent.model.generation import Sampling, StopSequences, texts
from qwen_audio_agent.model.list_format import Reply
from qwen_audio_agent.model.prompt import SYSTEM, ChatPrompts, History
from qwen_audio_agent.model.tokenizer import QWenTokenizer

if TYPE_CHECKING:
    from qwen_audio_agent.model.network import QwenAudioForCausalLM


class ChatMixin:
    """What the card calls on a model."""

    def conversation(self, features: FeatureCache | None = None) -> Conversation:
        """A conversation whose turns reuse what was read before; hand it to `chat`."""
        return Conversation(cast("QwenAudioForCausalLM", self), features)

    def chat(
        self,
        tokenizer: QWenTokenizer,
        query: str,
        history: History | None = None,
        system: str = SYSTEM,
        **options: Any,
    ) -> tuple[Reply, list[tuple[str, str | None]]]:
        """Answer a query.

        Args:
            tokenizer: of the model.
            query: a text, or what `tokenizer.from_list_format` makes, which carries audio.
            history: what an earlier call gave back; it is not changed.
            system: instruction that stands before everything.
            **options: as `chat_stream`.

        Returns:
            The answer, and the history with it.

        Raises:
            AudioFileError: an audio cannot be read, or is longer than 30 s.
            UsageError: the prompt is too long, or names an address that is not allowed.
        """
        turn = _Turn(cast("QwenAudioForCausalLM", self), tokenizer, query, history, system, options)
        reply = turn.reply(list(turn.tokens()))
        return reply, [*turn.history, (turn.query, reply)]

    def chat_stream(
        self,
        tokenizer: QWenTokenizer,
        query: str,
        history: History | None = None,
        system: str = SYSTEM,
        **options: Any,
    ) -> Iterator[str]:
        """Answer a query bit by bit: the text of the answer so far, longer each time.

        Args:
            tokenizer: of the model.
            query: as `chat`.
            history: as `chat`.
            system: as `chat`.
            **options: `conversation`: what to reuse; `stop_words_ids`: sequences of ids that end
                the answer and stay in it; `generation_config`: in the place of the model's;
                `max_window_size`: the most tokens of history; `trust_text`, `allow_urls`: see
                `ChatPrompts`; `logits_processor`: a list; and the settings of `Sampling`.
        """
        turn = _Turn(cast("QwenAudioForCausalLM", self), tokenizer, query, history, system, options)
        so_far = ""
        for piece in texts(tokenizer, turn.tokens()):
            so_far += piece
            yield so_far


class _Turn:
    """One turn of a chat, from its options to its reply."""

    def __init__(
        self,
        model: QwenAudioForCausalLM,
        tokenizer: QWenTokenizer,
        query: str,
        history: History | None,
        system: str,
        options: dict[str, Any],
    ) -> None:
        options = dict(options)
        config: GenerationConfig = options.pop("generation_config", None) or model.generation_config
        self._model, self._tokenizer = model, tokenizer
        prompts = ChatPrompts(
            tokenizer,
            trust_text=options.pop("trust_text", False),
            allow_urls=options.pop("allow_urls", False),
            cut_at_limit=model.config.reference_exact,
        )
        self._conversation = options.pop("conversation", None) or Conversation(model)
        self._stop_words = options.pop("stop_words_ids", None) or ()
        self._processors = options.pop("logits_processor", None) or ()
        window = options.pop("max_window_size", None) or getattr(config, "max_window_size", 6144)
        self._sampling = Sampling.of(config, **options)
        self.history = list(history or ())
        self.query = prompts.opened(query)
        self._prompt = prompts.chat(self.query, self.history, system, window)

    def tokens(self) -> Iterator[int]:
        """The tokens of the answer, as they come."""
        tokenizer = self._tokenizer
        ends = (tokenizer.im_end_id, tokenizer.im_start_id, tokenizer.eod_id)
        stops = StopSequences(ends, self._stop_words)
        unspeakable = tokenizer.unspeakable(self._model.config.vocab_size)
        return self._conversation.stream(
            self._prompt, self._sampling, stops, self._processors, unspeakable
        )

    def reply(self, token_ids: list[int]) -> Reply:
        """The answer, its text without the spaces around it."""
        return Reply("".join(texts(self._tokenizer, token_ids)).strip(), token_ids)

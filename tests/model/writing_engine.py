"""An engine that writes what a writer says, in the place of what its network would compute.

Prompts, tokens, audio, constraint, sampling, stops and usage are those of the native engine; only
the products of matrices are left out.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from qwen_audio_agent.model import QwenAudioForCausalLM, QWenTokenizer
from qwen_audio_agent.model.conversation import Conversation
from qwen_audio_agent.model.engine import QwenAudioEngine
from tests.model.tiny import tiny_model, tiny_tokenizer
from tests.model.writer import Writer


class WritingReader(Conversation):
    """Reads as the native one does, and writes."""

    def __init__(
        self, model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, writer: Writer
    ) -> None:
        super().__init__(model)
        self._tokenizer, self._writer = tokenizer, writer
        self._script: list[int] = []
        self._at = 0

    def _read_prompt(self, prompt) -> Tensor:
        self.forget()
        written = self._writer.reply(self._turns(prompt.ids))
        self._script = [*self._tokenizer.encode_text(written), self._tokenizer.im_end_id]
        self._at = -1
        return super()._read_prompt(prompt)

    def _turns(self, ids: tuple[int, ...]) -> list[tuple[str, str]]:
        """The prompt as it can be read, one turn after the other."""
        turns: list[list[int]] = []
        for token in ids:
            if token == self._tokenizer.im_start_id:
                turns.append([])
            elif token < self._tokenizer.num_text_tokens:
                turns[-1].append(token)
        texts = [b"".join(map(self._tokenizer.token_bytes, turn)).decode() for turn in turns]
        # A line ends each turn, after a token that is no text; the last one is open.
        last = len(texts) - 1
        texts = [t if n == last else t.removesuffix("\n") for n, t in enumerate(texts)]
        return [(role, said) for role, _, said in (text.partition("\n") for text in texts)]

    def _forward(self, ids, clips) -> Tensor:  # noqa: ARG002 - what is heard is not listened to
        if self._at >= 0:
            expected = self._script[self._at]
            assert list(ids) == [expected], (
                f"the grammar does not let {self._tokenizer.decode(self._script)!r} through: "
                f"after {self._at} tokens comes {self._tokenizer.decode(list(ids))!r}"
            )
        self._at += 1
        logits = torch.zeros(self.model.config.vocab_size)  # V
        logits[self._script[self._at]] = 100.0
        return logits


class WritingEngine(QwenAudioEngine):
    """The native engine, with a writer in the place of its network."""

    def __init__(
        self, model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, writer: Writer
    ) -> None:
        super().__init__(model, tokenizer, f"writer of {writer.form}")
        self.call_format = writer.form
        self._writer = writer

    def _reader(self) -> WritingReader:
        return WritingReader(self.model, self.tokenizer, self._writer)


def tiny_engines(folder: Path) -> dict[str, QwenAudioEngine]:
    """A network of random weights, and writers of both formats; one writes on after its calls."""
    model = tiny_model(max_position_embeddings=32_768, seq_length=32_768)
    tokenizer = tiny_tokenizer(folder)
    return {
        "tiny": QwenAudioEngine(model, tokenizer, "tiny"),
        "react": WritingEngine(model, tokenizer, Writer("react")),
        "hermes": WritingEngine(model, tokenizer, Writer("hermes")),
        "free react": WritingEngine(model, tokenizer, Writer("react", makes_up_results=True)),
        "free hermes": WritingEngine(model, tokenizer, Writer("hermes", makes_up_results=True)),
    }

"""Words and their times from Qwen-Audio: written down, placed, or asked for.

The base model writes a transcript with times after task tags; several clips are read side by side.
Known words are placed by writing them for the model, which then chooses nothing but the times. The
chat model is asked in words and answers with the times of one phrase.

Source: QwenLM/Qwen-Audio, eval_audio/evaluate_srwt.py at 0b0e882e, for the tags.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from qwen_audio_agent.model.cache import GrowingCache
from qwen_audio_agent.model.features import AudioClip
from qwen_audio_agent.model.list_format import AudioPart
from qwen_audio_agent.model.network import QwenAudioForCausalLM
from qwen_audio_agent.model.prompt import ChatPrompts, Prompt
from qwen_audio_agent.model.reading import input_device
from qwen_audio_agent.model.special_tokens import LANGUAGES
from qwen_audio_agent.model.timestamps import (
    RisingTimes,
    TimedText,
    TimeTokens,
    parse_answer,
    parse_transcript,
)
from qwen_audio_agent.model.tokenizer import QWenTokenizer

_log = logging.getLogger(__name__)
_TAG: Final = re.compile(r"<\|[^|<>]*\|>")
MAX_NEW_TOKENS: Final = 512  # of 30 s: about 100 words, each with its time
_SILENCE: Final = "<|sil|>"


@dataclass(frozen=True, slots=True)
class Timed:
    """Words of one clip.

    Attributes:
        words: with the times that the model gave, as it gave them.
        probabilities: how sure it was of each, 0 to 1.
        is_whole: whether the model came to an end by itself; if not, words may be missing.
    """

    words: tuple[TimedText, ...]
    probabilities: tuple[float, ...]
    is_whole: bool = True


class Transcriber:
    """Hears clips with a network.

    Args:
        model: Qwen-Audio; the chat model for `locate`.
        tokenizer: of it.

    Raises:
        CheckpointError: the tokenizer is that of another model, or its vocabulary is cut off.
    """

    def __init__(self, model: QwenAudioForCausalLM, tokenizer: QWenTokenizer) -> None:
        tokenizer.vocabulary.raise_if_foreign(model.config)
        self._model = model
        self._tokenizer = tokenizer
        self._prompts = ChatPrompts(tokenizer)
        self._times = TimeTokens(first=tokenizer.first_timestamp_id)

    def transcribe(self, clips: Sequence[AudioClip], language: str = "en") -> list[Timed]:
        """Write down what is said in clips, with times.

        Args:
            clips: of up to 30 s each; they are read side by side.
            language: one of `LANGUAGES`.

        Raises:
            ValueError: a language that the model has no tag for.
        """
        if not clips:
            return []
        prompts = [self._prompt(clip, language) for clip in clips]
        written = zip(*self._write(prompts, [clip.seconds for clip in clips]), strict=True)
        heard = [replace(self._timed(row, sure), is_whole=whole) for row, sure, whole in written]
        for clip, timed in zip(clips, heard, strict=True):
            if not timed.is_whole:
                _log.warning(
                    "a transcript of %.1f s had no end after %d tokens; words may be missing",
                    clip.seconds,
                    MAX_NEW_TOKENS,
                )
        return heard

    @torch.no_grad()
    def place(self, clip: AudioClip, words: Sequence[str], language: str = "en") -> Timed:
        """When each of the known words is said, in order.

        Raises:
            ValueError: a language that the model has no tag for.
        """
        reader = _Reader(self._model, [self._prompt(clip, language)])
        logits = reader.logits
        last, end = 0.0, clip.seconds
        silence = self._tokenizer.special_ids[_SILENCE]
        placed, sureness = [], []
        for number, word in enumerate(words):
            ids = self._tokenizer.encode_text(word if not number else f" {word}") or [silence]
            scores = logits[0].float().log_softmax(-1)
            if scores[silence] > scores[ids[0]]:
                last, logits = self._next_time(reader, reader.read([[silence]]), last, end)
                scores = logits[0].float().log_softmax(-1)
            total = 0.0
            for token in ids:
                total += float(scores[token])
                logits = reader.read([[token]])
                scores = logits[0].float().log_softmax(-1)
            start = last
            last, logits = self._next_time(reader, logits, last, end)
            placed.append(TimedText(word, start, last))
            sureness.append(float(torch.tensor(total / len(ids)).exp()))
        return Timed(tuple(placed), tuple(sureness))

    def locate(self, clip: AudioClip, phrase: str) -> tuple[TimedText, ...]:
        """Ask the chat model where a phrase is.

        Returns:
            The places that its answer gives; none if it gives none that can be read.
        """
        query = self._tokenizer.from_list_format(
            [
                {"audio": clip},
                {"text": f'Find the start time and end time of the word "{phrase}"'},
            ]
        )
        reply, _ = self._model.chat(self._tokenizer, query, do_sample=False, max_new_tokens=64)
        try:
            return parse_answer(reply)
        except ValueError:
            return ()

    def _prompt(self, clip: AudioClip, language: str) -> Prompt:
        if language not in LANGUAGES:
            raise ValueError(f"no tag for the language {language!r}; there are {LANGUAGES}")
        tag = f"<|{language}|>"
        task = f"<|startoftranscript|>{tag}<|transcribe|>{tag}<|timestamps|><|0.00|>"
        return self._prompts.raw(AudioPart(clip), task)

    @torch.no_grad()
    def _write(
        self, prompts: Sequence[Prompt], seconds: Sequence[float]
    ) -> tuple[list[list[int]], list[list[float]], list[bool]]:
        """The likeliest tokens of each row, their probabilities, and whether it came to its end."""
        reader = _Reader(self._model, prompts)
        rising = RisingTimes(seconds, 0, self._times)
        tokenizer = self._tokenizer
        banned = torch.tensor(tokenizer.unspeakable(self._model.config.vocab_size))
        end = tokenizer.eod_id
        written = torch.full((len(prompts), 0), end, dtype=torch.long)
        rows: list[list[int]] = [[] for _ in prompts]
        sureness: list[list[float]] = [[] for _ in prompts]
        is_open = [True] * len(prompts)
        logits = reader.logits
        for _ in range(MAX_NEW_TOKENS):
            scores = rising(written, logits.float().cpu())  # (B, V)
            scores[:, banned] = -torch.inf
            chances, tokens = scores.softmax(-1).max(-1)
            for row, (token, chance) in enumerate(
                zip(tokens.tolist(), chances.tolist(), strict=True)
            ):
                is_open[row] = is_open[row] and token != end
                if is_open[row]:
                    rows[row].append(token)
                    sureness[row].append(chance)
            if not any(is_open):
                break
            written = torch.cat([written, tokens[:, None]], dim=1)
            logits = reader.read(tokens[:, None].tolist())
        return rows, sureness, [not going_on for going_on in is_open]

    def _timed(self, row: list[int], sureness: list[float]) -> Timed:
        """The words of a row; a text that is no transcript has none."""
        text, letters = "", list[float]()
        for piece, sure in self._pieces(row, sureness):
            text += piece
            letters += [sure] * len(piece)
        try:
            words = parse_transcript(text)
        except ValueError as error:
            _log.warning("what was written is no transcript, and taken for nothing: %s", error)
            return Timed((), ())
        text = _TAG.sub(lambda tag: "<" * len(tag[0]), text)  # in which no word is looked for
        probabilities, at = [], 0
        for word in words:
            at = text.index(word.text, at)
            own = letters[at : at + len(word.text)]
            probabilities.append(sum(own) / len(own))
            at += len(word.text)
        return Timed(words, tuple(probabilities))

    def _pieces(self, row: list[int], sureness: list[float]) -> Iterator[tuple[str, float]]:
        """The text of each token; a letter of several tokens comes with the last of them."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for token, sure in zip(row, sureness, strict=True):
            yield decoder.decode(self._tokenizer.token_bytes(token)), sure

    def _next_time(
        self, reader: _Reader, logits: Tensor, last: float, end: float
    ) -> tuple[float, Tensor]:
        """The likeliest time from `last` to `end`, and the logits after it."""
        first, stop = self._times.id_of(last), self._times.id_of(end) + 1
        token = first + int(logits[0, first:stop].argmax())
        return (token - self._times.first) * self._times.step, reader.read([[token]])


class _Reader:
    """Prompts read side by side, and what is written after them; rows are padded on the left."""

    @torch.no_grad()
    def __init__(self, model: QwenAudioForCausalLM, prompts: Sequence[Prompt]) -> None:
        self._model = model
        self._cache = GrowingCache()
        longest = max(len(prompt) for prompt in prompts)
        padding = [longest - len(prompt) for prompt in prompts]
        self._mask = torch.tensor(
            [[0] * pad + [1] * len(prompt) for pad, prompt in zip(padding, prompts, strict=True)]
        )
        clips = [clip for prompt in prompts for clip in prompt.clips]
        encoded = iter(model.transformer.encode_clips(clips))
        features = [[next(encoded) for _ in prompt.clips] for prompt in prompts]
        ids = [[0] * pad + list(p.ids) for pad, p in zip(padding, prompts, strict=True)]
        self.logits = self._forward(ids, features)

    def read(self, ids: list[list[int]]) -> Tensor:
        """Logits (B, V) after one more token in each row."""
        self._mask = torch.nn.functional.pad(self._mask, (0, len(ids[0])), value=1)
        return self._forward(ids, None)

    @torch.no_grad()
    def _forward(self, ids: list[list[int]], features: list[list[Tensor]] | None) -> Tensor:
        device = input_device(self._model)
        is_padded = not bool(self._mask.all())
        output = self._model(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=self._mask.to(device) if is_padded else None,
            past_key_values=self._cache,
            audio_features=features,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

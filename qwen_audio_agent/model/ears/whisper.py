"""Whisper: any checkpoint of it, through transformers, with word times from its cross-attention.

A stretch is decoded once, greedily. Then the text is put in again as if it had been known, all at
once: where the decoder looks while it predicts each token says when the token is spoken, and how
likely it finds each token how sure it is of the word. Known words are placed in the same way. In
English the times are then checked against the sound.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.resampling import EAR_RATE
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.ears.checkpoints import (
    best_device,
    best_dtype,
    find_checkpoint,
    load_model,
    loading,
)
from qwen_audio_agent.model.ears.network_ear import Floats, Heard, NetworkEar
from qwen_audio_agent.model.ears.warping import attended, first_frames
from qwen_audio_agent.model.ears.written_words import outside_pauses, token_words
from qwen_audio_agent.model.timestamps import TimedText
from qwen_audio_agent.model.transformers_calls import quiet
from qwen_audio_agent.speech.ears import Ear
from qwen_audio_agent.speech.ears.pocketsphinx import PocketSphinxEar
from qwen_audio_agent.speech.words import Word

_REVISION: Final = 1
_UNSPACED: Final = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
# Source of the four: openai/whisper, transcribe.py.
_NO_SPEECH: Final = 0.6
_UNLIKELY: Final = -1.0  # mean natural logarithm of the probability of a token
_TEMPERATURES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_CIRCLES: Final = 2.4  # times smaller when compressed: a text that repeats itself, to be sampled
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the network makes of a known text.

    Attributes:
        starts: seconds, float64 (T + 1,): of each token, and of the end of the text.
        logprobs: float32 (T,), of each token.
        no_speech: how likely nobody speaks, 0 to 1.
    """

    starts: NDArray[np.float64]
    logprobs: Floats
    no_speech: float

    def timed(self, text: str, start: int, end: int) -> TimedText:
        """A word that is made of the tokens [start, end)."""
        return TimedText(text, float(self.starts[start]), float(self.starts[end]))

    def probability(self, start: int, end: int) -> float:
        """How likely the tokens [start, end) are, on the geometric mean."""
        return float(np.exp(np.mean(self.logprobs[start:end]))) if end > start else 0.0


class WhisperEar(NetworkEar):
    """Hears about a hundred languages, more of them and better the bigger the checkpoint."""

    name: ClassVar[str] = "whisper"
    description: ClassVar[str] = (
        "Whisper, as good as its checkpoint, far better than pocketsphinx on lively conversation; "
        "it leaves out fillers; its word times, placed by the sound in English, are not calibrated"
    )
    rank: ClassVar[int] = 30
    error: ClassVar[float] = 0.3  # nine of ten edges of tiny.en; not calibrated for others
    placers: ClassVar[Mapping[str, Callable[[], Ear]]] = {"en": PocketSphinxEar}

    def _find_weights(self, weights: str, *, download: bool) -> None:
        self._checkpoint = find_checkpoint(weights, "whisper", download=download)
        self._device = best_device()
        self._dtype = best_dtype(self._device, half=torch.float16)

    @property
    def version(self) -> str:
        return (
            f"{self._checkpoint.version};transformers={transformers.__version__};"
            f"{self._device.type}:{self._dtype};{PocketSphinxEar().version};{_REVISION}"
        )

    @cached_property
    def _model(self) -> Any:
        # Only this kind of attention tells where it looks.
        model = load_model(
            WhisperForConditionalGeneration,
            self._checkpoint.folder,
            self._device,
            self._dtype,
            attn_implementation="eager",
        )
        if not hasattr(model.generation_config, "no_timestamps_token_id"):
            raise HearingError(
                f"{shown(self._checkpoint.folder)} has no generation_config.json of Whisper; copy "
                "that of the checkpoint that it was trained from"
            )
        return model

    @cached_property
    def _processor(self) -> Any:
        folder = self._checkpoint.folder
        with loading(folder):
            processor = WhisperProcessor.from_pretrained(folder, local_files_only=True)
        # Without its files transformers makes a tokenizer that knows no word.
        if processor.tokenizer.eos_token_id != self._model.config.eos_token_id:
            raise HearingError(f"{shown(folder)} lacks its tokenizer; fetch the whole checkpoint")
        return processor

    def _hear(self, samples: Floats) -> Heard:
        encoded = self._encoded(samples)
        language = self._language(encoded)
        prompt = self._prompt(language)
        ids = self._written(encoded, language)
        if not ids:
            return Heard((), (), language or "en")
        reading = self._read(encoded, prompt, ids, len(samples))
        if reading.no_speech > _NO_SPEECH and reading.logprobs.mean() < _UNLIKELY:
            return Heard((), (), language or "en")
        words = token_words(self._processor.tokenizer.decode, ids, spaced=language not in _UNSPACED)
        return Heard(
            [reading.timed(word.text, word.start, word.end) for word in words],
            [reading.probability(word.start, word.end) for word in words],
            language or "en",
        )

    def _written(self, encoded: Any, language: str | None) -> list[int]:
        """The tokens of what is said; sampled if the likeliest text goes round in circles."""
        settings = {} if language is None else {"language": language, "task": "transcribe"}
        end = self._processor.tokenizer.eos_token_id
        room = self._model.config.max_target_positions - len(self._prompt(language)) - 1
        with torch.random.fork_rng(), quiet():
            torch.manual_seed(_SEED)
            for temperature in _TEMPERATURES:
                written = self._model.generate(
                    encoder_outputs=encoded,
                    return_timestamps=False,
                    temperature=temperature,
                    **settings,
                )
                ids = [i for i in written[0].tolist() if i < end][:room]  # no text comes after it
                text = self._processor.tokenizer.decode(ids).encode()
                if len(text) <= _CIRCLES * len(zlib.compress(text)):
                    break
        return ids

    def _place(self, samples: Floats, words: Sequence[str]) -> Heard:
        encoded = self._encoded(samples)
        language = self._language(encoded)
        prompt = self._prompt(language)
        space = "" if language in _UNSPACED else " "
        # Words are data: one that looks like a token of the prompt is text all the same.
        tokens = self._processor.tokenizer(
            [space + word for word in words], add_special_tokens=False, split_special_tokens=True
        )["input_ids"]
        ids = [i for word in tokens for i in word]
        if len(ids) + len(prompt) + 1 > self._model.config.max_target_positions:
            raise HearingError(f"{len(words)} words are more than Whisper can place at a time")
        reading = self._read(encoded, prompt, ids, len(samples))
        ends = np.cumsum([0, *map(len, tokens)]).tolist()
        return Heard(
            [reading.timed(w, *ends[i : i + 2]) for i, w in enumerate(words)],
            [reading.probability(*ends[i : i + 2]) for i in range(len(words))],
            language or "en",
        )

    def _finished(self, heard: Heard, samples: Floats, duration: float) -> tuple[Word, ...]:
        # Here the end of a word is the start of the next, so that pauses are part of words.
        return outside_pauses(super()._finished(heard, samples, duration), samples)

    def _encoded(self, samples: Floats) -> Any:
        """What the encoder makes of a sound: last_hidden_state is float (1, F, C).

        Raises:
            HearingError: the checkpoint takes less than 30 s.
        """
        extractor = self._processor.feature_extractor
        if len(samples) > extractor.n_samples + EAR_RATE // 100:
            raise HearingError(
                f"this checkpoint of Whisper hears {extractor.chunk_length} s at a time, "
                f"not {len(samples) / EAR_RATE:.1f}"
            )
        features = extractor(samples, sampling_rate=EAR_RATE, return_tensors="pt").input_features
        return self._model.get_encoder()(features.to(self._device, self._dtype))

    def _language(self, encoded: Any) -> str | None:
        """The language that is spoken; None where the network knows but one."""
        ids = getattr(self._model.generation_config, "lang_to_id", None)
        if not ids or not getattr(self._model.generation_config, "is_multilingual", True):
            return None
        found = int(self._model.detect_language(encoder_outputs=encoded)[0])
        return str(next(tag for tag, i in ids.items() if i == found)).strip("<|>")

    def _prompt(self, language: str | None) -> list[int]:
        """The tokens before a text without times."""
        settings = self._model.generation_config
        prompt = [settings.decoder_start_token_id]
        if language is not None:
            prompt += [settings.lang_to_id[f"<|{language}|>"], settings.task_to_id["transcribe"]]
        return [*prompt, settings.no_timestamps_token_id]

    def _read(
        self, encoded: Any, prompt: Sequence[int], ids: Sequence[int], num_frames: int
    ) -> _Reading:
        """Put a text in as if it had been known, and see where the network looks.

        Args:
            encoded: the sound.
            prompt: tokens before the text.
            ids: tokens of the text, at least one.
            num_frames: of the sound, at 16 kHz.

        Source: openai/whisper, timing.py, find_alignment.
        """
        config, settings = self._model.config, self._model.generation_config
        tokens = torch.tensor([[*prompt, *ids, settings.eos_token_id]], device=self._device)
        output = self._model(
            encoder_outputs=encoded,
            decoder_input_ids=tokens,
            output_attentions=True,
            use_cache=False,
        )
        half = range(config.decoder_layers // 2, config.decoder_layers)
        every_head = [(i, j) for i in half for j in range(config.decoder_attention_heads)]
        heads = getattr(settings, "alignment_heads", None) or every_head
        extractor = self._processor.feature_extractor
        seconds = extractor.chunk_length / config.max_source_positions  # of a frame of the encoder
        length = max(1, round(num_frames / EAR_RATE / seconds))
        looks = torch.stack([output.cross_attentions[i][0, j] for i, j in heads])[..., :length]
        gain = attended(looks.float().cpu().numpy(), config.median_filter_width)
        # The row of a token is where it was predicted: at the one before it.
        first = len(prompt) - 1
        starts = first_frames(gain[first : first + len(ids) + 1]) * seconds
        logprobs = output.logits[0].float().log_softmax(-1)
        at = logprobs[first : first + len(ids)].gather(1, tokens[0, first + 1 : -1, None])[:, 0]
        return _Reading(starts, at.cpu().numpy(), self._no_speech(logprobs[0]))

    def _no_speech(self, logprobs: torch.Tensor) -> float:
        """How likely nobody speaks, from what the first token of the prompt predicts, (V,)."""
        tokenizer = self._processor.tokenizer
        for name in ("<|nospeech|>", "<|nocaptions|>"):  # the one of old checkpoints
            if (token := tokenizer.convert_tokens_to_ids(name)) != tokenizer.unk_token_id:
                return float(logprobs[token].exp())
        return 0.0

"""Qwen3-ASR and its forced aligner, through transformers: one hears the words, one places them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

import torch
import transformers
from transformers import (
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
    Qwen3ASRProcessor,
)
from transformers.models.qwen3_asr.processing_qwen3_asr import (
    FORCED_ALIGNER_LANGUAGES,
    LANGUAGE_CODE_TO_NAME,
)

from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.ears.checkpoints import (
    Checkpoint,
    best_device,
    best_dtype,
    find_checkpoint,
    load_model,
    loading,
)
from qwen_audio_agent.model.ears.network_ear import Floats, Heard, NetworkEar
from qwen_audio_agent.model.ears.written_words import token_words
from qwen_audio_agent.model.timestamps import TimedText
from qwen_audio_agent.model.transformers_calls import quiet

_REVISION: Final = 1
_ALIGNER: Final = "Qwen/Qwen3-ForcedAligner-0.6B-hf"
_MODEL_TYPE: Final = "qwen3_asr"
_MAX_NEW_TOKENS: Final = 512  # Source: QwenLM/Qwen3-ASR, qwen3_asr.py; 30 s take about 150
_TEXT: Final = "<asr_text>"  # what the language stands before, and the text after
_CODES: Final = {name: code for code, name in LANGUAGE_CODE_TO_NAME.items()}


class Qwen3ASREar(NetworkEar):
    """Hears 30 languages; places words in 11 of them.

    Args:
        weights: a folder or hub id of Qwen3-ASR in the form of transformers ("-hf"), a comma, and
            the same of the forced aligner; without the comma the aligner is that of the hub.
    """

    name: ClassVar[str] = "qwen3-asr"
    description: ClassVar[str] = (
        "Qwen3-ASR with its forced aligner; 30 languages, lively conversation too; word times in "
        "steps of 0.08 s, their error of 0.1 s is not calibrated"
    )
    rank: ClassVar[int] = 40
    error: ClassVar[float] = 0.1
    takes: ClassVar[str] = "two folders or hub ids, ASR,ALIGNER"

    def _find_weights(self, weights: str, *, download: bool) -> None:
        hearing, _, aligning = weights.partition(",")
        self._hearing = find_checkpoint(hearing, _MODEL_TYPE, download=download)
        self._aligning = find_checkpoint(aligning or _ALIGNER, _MODEL_TYPE, download=download)
        self._device = best_device()
        self._dtype = best_dtype(self._device)

    @property
    def version(self) -> str:
        return (
            f"{self._hearing.version},{self._aligning.version};"
            f"transformers={transformers.__version__};{self._device.type}:{self._dtype};{_REVISION}"
        )

    @cached_property
    def _asr(self) -> tuple[Any, Any]:
        return self._loaded(Qwen3ASRForConditionalGeneration, self._hearing)

    @cached_property
    def _aligner(self) -> tuple[Any, Any]:
        return self._loaded(Qwen3ASRForTokenClassification, self._aligning)

    def _loaded(self, model_class: Any, checkpoint: Checkpoint) -> tuple[Any, Any]:
        """A network and what prepares its input.

        Raises:
            HearingError: the files are damaged, or some are missing.
        """
        folder = checkpoint.folder
        model = load_model(model_class, folder, self._device, self._dtype)
        with loading(folder):
            processor = Qwen3ASRProcessor.from_pretrained(folder, local_files_only=True)
        if not processor.chat_template:
            raise HearingError(f"{shown(folder)} lacks its chat template; fetch it whole")
        return model, processor

    def _hear(self, samples: Floats) -> Heard:
        model, processor = self._asr
        inputs = processor.apply_transcription_request(samples).to(self._device, self._dtype)
        with quiet():
            written = model.generate(
                **inputs,
                max_new_tokens=model.generation_config.max_new_tokens or _MAX_NEW_TOKENS,
                do_sample=False,
                return_dict_in_generate=True,
                output_logits=True,
            )
        ids = written.sequences[0, inputs["input_ids"].shape[1] :]  # (T,)
        logits = torch.stack([step[0] for step in written.logits]).float()  # (T, V)
        logprobs = logits.log_softmax(-1).gather(1, ids[:, None])[:, 0].cpu()  # (T,)
        parsed = processor.decode(ids, return_format="parsed")
        spelled, probabilities = [], []
        for text, probability in _sure(processor, ids.tolist(), logprobs, parsed["transcription"]):
            pieces = self._pieces(text, parsed["language"])
            # A word of one piece keeps its spelling; several are of a text without spaces.
            spelled += [text] if len(pieces) == 1 else pieces
            probabilities += [probability] * len(pieces)
        placed = self._timed(samples, spelled, parsed["language"])
        return Heard(placed, probabilities, _CODES.get(parsed["language"], "en"))

    def _place(self, samples: Floats, words: Sequence[str]) -> Heard:
        return Heard(self._timed(samples, words, None), [1.0] * len(words))

    def _pieces(self, text: str, language: str | None) -> list[str]:
        """What the aligner places one by one: words, or letters of Chinese.

        Raises:
            HearingError: a package that parts the words of the language is missing.
        """
        try:
            pieces: list[str] = self._aligner[1].split_words_for_alignment(text, language)
        except ImportError as error:
            raise HearingError(
                f"{language} needs a package that parts its words: pip install nagisa soynlp"
            ) from error
        return pieces

    def _timed(
        self, samples: Floats, words: Sequence[str], language: str | None
    ) -> list[TimedText]:
        """Each of `words` with its times; without times where the language cannot be placed."""
        pieces = [self._pieces(word, language) for word in words]
        flat = [piece for of_word in pieces for piece in of_word]
        can_be_placed = language is None or language in FORCED_ALIGNER_LANGUAGES
        times = iter(self._aligned(samples, flat) if flat and can_be_placed else ())
        timed = []
        for word, of_word in zip(words, pieces, strict=True):
            places = [place for _, place in zip(of_word, times, strict=False)]
            start, end = (places[0][0], places[-1][1]) if places else (None, None)
            timed.append(TimedText(word, start, end))
        return timed

    def _aligned(self, samples: Floats, pieces: Sequence[str]) -> list[tuple[float, float]]:
        """Start and end of each piece, in seconds, as the network gives them.

        Source: transformers, processing_qwen3_asr.py, which repairs them in its own way.
        """
        model, processor = self._aligner
        content = [{"type": "audio", "audio": samples}]
        content += [{"type": "text", "text": piece} for piece in pieces]
        inputs = processor.apply_chat_template(
            [[{"role": "user", "content": content}]], tokenize=True, return_dict=True
        ).to(self._device, self._dtype)
        steps = model(**inputs).logits[0].argmax(-1)  # (T,)
        marks = inputs["input_ids"][0] == model.config.timestamp_token_id
        seconds = processor.timestamp_segment_time / 1000
        times = [step * seconds for step in steps[marks].tolist()]
        if len(times) != 2 * len(pieces):
            raise HearingError(f"{shown(self._aligning.folder)} is no forced aligner of Qwen3-ASR")
        return list(zip(times[::2], times[1::2], strict=True))


def _sure(
    processor: Any, ids: Sequence[int], logprobs: torch.Tensor, transcription: str
) -> list[tuple[str, float]]:
    """Each written word, and how sure the network is of it.

    Args:
        processor: of the network.
        ids: all that it wrote.
        logprobs: float32 (T,), of each id.
        transcription: what of that is said, without what it said more than 20 times in a row.
    """
    decode = processor.tokenizer.decode
    ends = range(1, len(ids) + 1)
    first = next((end for end in ends if decode(ids[:end]).endswith(_TEXT)), 0)
    special = set(processor.tokenizer.all_special_ids)
    kept = [i for i in range(first, len(ids)) if ids[i] not in special]
    words = token_words(decode, [ids[i] for i in kept])
    if [word.text for word in words] == transcription.split():
        return [
            (word.text, float(logprobs[kept[word.start : word.end]].mean().exp())) for word in words
        ]
    probability = float(logprobs.mean().exp())
    return [(text, probability) for text in transcription.split()]

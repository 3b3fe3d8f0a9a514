"""Qwen-Audio: the native network as an ear, with the word times that it predicts itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import torch
import transformers

from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.ears.checkpoints import (
    best_device,
    best_dtype,
    find_checkpoint,
    load_model,
    loading,
)
from qwen_audio_agent.model.ears.network_ear import Floats, Heard, NetworkEar
from qwen_audio_agent.model.features import MIN_SAMPLES, AudioClip, clip_of
from qwen_audio_agent.model.network import QwenAudioForCausalLM
from qwen_audio_agent.model.time_repair import repaired
from qwen_audio_agent.model.tokenizer import QWenTokenizer
from qwen_audio_agent.model.transcribe import Transcriber
from qwen_audio_agent.speech.words import Match, Transcript

_REVISION: Final = 1
_NAMED: Final = 0.3
"""Probability of a place that the chat model names; it says nothing of how sure it is."""


class QwenAudioEar(NetworkEar):
    """Hears with Qwen-Audio; with the chat model a phrase is also asked for in words."""

    name: ClassVar[str] = "qwen-audio"
    description: ClassVar[str] = (
        "Qwen-Audio's own word times, in steps of 0.01 s; made for 8 languages, their error of "
        "0.1 s is not calibrated"
    )
    rank: ClassVar[int] = 50
    # Of half a minute each: what a step reads is the weights, once for all.
    batch_size: ClassVar[int] = 4
    error: ClassVar[float] = 0.1  # the published AAS is 72 ms for both edges together

    def _find_weights(self, weights: str, *, download: bool) -> None:
        self._checkpoint = find_checkpoint(weights, "qwen", download=download)
        self._device = best_device()
        self._dtype = best_dtype(self._device)

    @property
    def version(self) -> str:
        return (
            f"{self._checkpoint.version};transformers={transformers.__version__};"
            f"{self._device.type}:{self._dtype};{_REVISION}"
        )

    @cached_property
    def _model(self) -> QwenAudioForCausalLM:
        model: QwenAudioForCausalLM = load_model(
            QwenAudioForCausalLM, self._checkpoint.folder, self._device, self._dtype
        )
        return model

    @cached_property
    def _transcriber(self) -> Transcriber:
        folder = self._checkpoint.folder
        with loading(folder):
            tokenizer = QWenTokenizer.from_pretrained(folder, local_files_only=True)
            return Transcriber(self._model, tokenizer)

    @property
    def _can_answer(self) -> bool:
        """Whether it is the chat model."""
        return getattr(self._model.generation_config, "chat_format", "raw") == "chatml"

    def _hear(self, samples: Floats) -> Heard:
        return self._hear_many([samples])[0]

    def _hear_many(self, sounds: Sequence[Floats]) -> list[Heard]:
        heard = [Heard((), ()) for _ in sounds]
        long_enough = [i for i, samples in enumerate(sounds) if len(samples) >= MIN_SAMPLES]
        found = self._transcriber.transcribe([_clip(sounds[i]) for i in long_enough])
        for i, timed in zip(long_enough, found, strict=True):
            heard[i] = Heard(timed.words, timed.probabilities)
        return heard

    def _place(self, samples: Floats, words: Sequence[str]) -> Heard:
        if len(samples) < MIN_SAMPLES:
            raise HearingError("nothing can be placed in less than 0.03 s of sound")
        timed = self._transcriber.place(_clip(samples), words)
        return Heard(timed.words, timed.probabilities)

    def find(self, audio: Audio, phrase: str, heard: Transcript | None = None) -> tuple[Match, ...]:
        """Search for `phrase` in what is heard; where it is not, ask the chat model for it.

        What it names then is doubtful: it gives a place for whatever it is asked.
        """
        found = super().find(audio, phrase, heard)
        if any(not match.doubtful for match in found) or not self._can_answer:
            return found
        if audio.duration * 16_000 < MIN_SAMPLES:
            return found
        with self._one_at_a_time, torch.no_grad():
            named = self._transcriber.locate(clip_of(audio), phrase)
        places = repaired(named, audio.duration, self.error)
        asked = [Match(phrase, p.start, p.end, _NAMED, doubtful=True) for p in places]
        return (*asked, *found)


def _clip(samples: Floats) -> AudioClip:
    return AudioClip(np.array(samples, dtype=np.float32))

"""What all ears have in common that are networks: everything but the network itself."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray

from qwen_audio_agent.audio.resampling import EAR_RATE
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.ears import written_words
from qwen_audio_agent.model.ears.second_opinion import placed_by_sound
from qwen_audio_agent.model.time_repair import repaired
from qwen_audio_agent.model.timestamps import TimedText
from qwen_audio_agent.speech.ears import Ear, weights_variable
from qwen_audio_agent.speech.ears.audible import ear_samples, is_audible
from qwen_audio_agent.speech.words import Match, Transcript, Word

Floats = NDArray[np.float32]

_LONGEST: Final = 30.0  # seconds; what these networks were trained on
_ROUNDING: Final = 0.01


@dataclass(frozen=True, slots=True)
class Heard:
    """What a network heard in one stretch.

    Attributes:
        words: with the times that it gave, in order; of any spelling, with punctuation.
        probabilities: how sure it is of each word, 0 to 1.
        language: BCP 47 tag.
    """

    words: Sequence[TimedText]
    probabilities: Sequence[float]
    language: str = "en"


class NetworkEar(ABC):
    """An ear that is a network: it is loaded when it is first used, and hears one sound at a time.

    A subclass says what it is and how it hears 16 kHz mono; this class does the rest of `Ear`.

    Args:
        weights: a folder or an id of the Hugging Face hub, which is downloaded if it is not at
            hand. None takes what the variable `weights_variable(name)` names, and downloads
            nothing.

    Attributes:
        error: how far off its edges may be, in seconds, each way.
        placers: language -> ear that places words of it better than the network does.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    rank: ClassVar[int]
    error: ClassVar[float]
    placers: ClassVar[Mapping[str, Callable[[], Ear]]] = {}
    takes: ClassVar[str] = "a folder or hub id of weights"
    takes_whole_machine: ClassVar[bool] = True
    batch_size: ClassVar[int] = 1
    reliable: ClassVar[bool] = True

    def __init__(self, weights: str | None = None) -> None:
        variable = weights_variable(self.name)
        named = weights or os.environ.get(variable)
        if not named:
            raise HearingError(
                f"the ear '{self.name}' needs weights: name {self.takes}, or set {variable}"
            )
        self._one_at_a_time = Lock()
        self._find_weights(named, download=weights is not None)

    @property
    @abstractmethod
    def version(self) -> str:
        """Differs whenever the same sound may be heard differently; loads nothing."""

    @abstractmethod
    def _find_weights(self, weights: str, *, download: bool) -> None:
        """See that all is there, so that `version` is known.

        Raises:
            HearingError: it is not.
        """

    @abstractmethod
    def _hear(self, samples: Floats) -> Heard:
        """Write down what is said in float32 (frames,) of 16 kHz, up to 30 s."""

    def _hear_many(self, sounds: Sequence[Floats]) -> list[Heard]:
        """As `_hear`, several sounds; a network that reads them side by side overrides it."""
        return [self._hear(samples) for samples in sounds]

    @abstractmethod
    def _place(self, samples: Floats, words: Sequence[str]) -> Heard:
        """Find when each of the known `words` is said; one for each.

        Raises:
            HearingError: they cannot be fitted to the sound.
        """

    def listen(self, audio: Audio) -> Transcript:
        """Write down what is said in up to 30 s.

        Raises:
            HearingError: it is longer, or the network cannot be loaded.
        """
        return self.listen_many([audio])[0]

    def listen_many(self, audios: Sequence[Audio]) -> list[Transcript]:
        """As `listen`, several stretches, side by side if the network can.

        Raises:
            HearingError: one is longer than 30 s, or the network cannot be loaded.
        """
        sounds = [_short_enough(self.name, audio) for audio in audios]
        audible = [index for index, samples in enumerate(sounds) if is_audible(samples)]
        with self._one_at_a_time, torch.inference_mode():
            heard = self._hear_many([sounds[index] for index in audible]) if audible else []
        found = [Transcript((), audio.duration, ear=self.name) for audio in audios]
        for index, one in zip(audible, heard, strict=True):
            found[index] = self._transcript(one, sounds[index], audios[index])
        return found

    def _transcript(self, heard: Heard, samples: Floats, audio: Audio) -> Transcript:
        spoken = written_words.spoken(self._finished(heard, samples, audio.duration))
        words = self._placed_again(spoken, samples, audio.duration, heard.language)
        gaps = written_words.gaps_between(words, audio.duration)
        return Transcript(words, audio.duration, heard.language, self.name, gaps)

    def align(self, audio: Audio, words: Sequence[str]) -> tuple[Word, ...]:
        """Find when each of the known `words` is said, in order, edges refined on the sound.

        Raises:
            HearingError: the words cannot be fitted to the sound, or it is longer than 30 s.
        """
        if not words:
            return ()
        samples = _short_enough(self.name, audio)
        if len(samples) < written_words.SHORTEST * len(words) * EAR_RATE:
            raise HearingError(
                f"{len(words)} words do not fit into {audio.duration:.2f} s of sound; "
                "give the words that are said there, or a longer stretch"
            )
        with self._one_at_a_time, torch.inference_mode():
            placed = self._place(samples, words)
        finished = self._finished(placed, samples, audio.duration)
        return self._placed_again(finished, samples, audio.duration, placed.language)

    def find(self, audio: Audio, phrase: str, heard: Transcript | None = None) -> tuple[Match, ...]:
        """Search for `phrase` in what is heard; a phrase that was misheard is not found by sound.

        Returns:
            All places that read like it, best first; if there is none, the nearest one, flagged
            doubtful, or nothing at all.
        """
        return written_words.find(heard or self.listen(audio), phrase)

    def _finished(self, heard: Heard, samples: Floats, duration: float) -> tuple[Word, ...]:
        """Possible times, edges moved on the sound."""
        words = repaired(heard.words, duration, self.error)
        return written_words.refined(words, heard.probabilities, samples, duration)

    def _placed_again(
        self, words: tuple[Word, ...], samples: Floats, duration: float, language: str
    ) -> tuple[Word, ...]:
        """The words at better times, where an ear knows better than the network."""
        if language not in self.placers or not words:
            return words
        return placed_by_sound(words, samples, duration, self.placers[language]())


def _short_enough(name: str, audio: Audio) -> Floats:
    """What an ear gets of `audio`, all of it.

    Raises:
        HearingError: the network would pass over what comes after 30 s.
    """
    if audio.duration > _LONGEST + _ROUNDING:
        raise HearingError(
            f"the ear '{name}' hears {_LONGEST:g} s at a time, not {audio.duration:.1f}; "
            "a Listener cuts recordings into such stretches"
        )
    return ear_samples(audio)

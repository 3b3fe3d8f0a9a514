"""The embedded ear: PocketSphinx and its English model, which come inside a wheel of 30 MB.

It is an honest ear for commands and careful reading and none for lively conversation: about one
word in five is wrong in clean reading, three in four in spontaneous talk.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import soxr

from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.ears.acoustics import AcousticModel, Floats
from qwen_audio_agent.speech.ears.alignment import best_path, word_graph
from qwen_audio_agent.speech.ears.cepstra import SAMPLE_RATE, cepstra, features
from qwen_audio_agent.speech.pronunciation import Pronunciations
from qwen_audio_agent.speech.words import Match, Transcript, Word

_SETTINGS: Final = {"lw": 4.5, "loglevel": "FATAL"}
_FILLERS: Final = frozenset({"uh", "um", "er", "erm", "hm", "hmm", "mm"})
_FRAME: Final = 0.01
_REVISION: Final = 1
_lock = threading.Lock()


@cache
def _decoder() -> Any:
    """One decoder per process; loading takes about a second."""
    import pocketsphinx

    return pocketsphinx.Decoder(**_SETTINGS)


@cache
def _model() -> AcousticModel:
    import pocketsphinx

    return AcousticModel.load(Path(pocketsphinx.get_model_path("en-us/en-us")))


@cache
def _pronunciations() -> Pronunciations:
    import pocketsphinx

    return Pronunciations.load(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))


def _to_16k_mono(audio: Audio) -> Floats:
    mono = audio.to_mono()
    samples: Floats = mono.samples[0]
    if mono.sample_rate != SAMPLE_RATE:
        samples = soxr.resample(samples, mono.sample_rate, SAMPLE_RATE, quality="HQ")
    return samples


class PocketSphinxEar:
    """Hears English offline on any machine."""

    name = "pocketsphinx"
    description: ClassVar[str] = (
        "PocketSphinx: offline English; fair on commands and careful reading, "
        "poor on lively conversation"
    )
    rank: ClassVar[int] = 10

    @property
    def version(self) -> str:
        settings = ",".join(f"{key}={value}" for key, value in sorted(_SETTINGS.items()))
        return f"{metadata.version('pocketsphinx')};{settings};{_REVISION}"

    def listen(self, audio: Audio) -> Transcript:
        """Write down what is said in up to about 30 s."""
        samples = _to_16k_mono(audio)
        if len(samples) < SAMPLE_RATE // 10:
            return Transcript((), audio.duration, ear=self.name)
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        with _lock:
            decoder = _decoder()
            decoder.start_utt()
            decoder.process_raw(pcm, full_utt=True)
            decoder.end_utt()
            segments = [(s.word, s.start_frame, s.end_frame, s.prob) for s in decoder.seg() or ()]
            log = decoder.logmath
            words = [
                self._word(text, first, last, min(1.0, log.exp(prob)))
                for text, first, last, prob in segments
                if not re.match(r"[<\[]", text)
            ]
        return Transcript(tuple(words), audio.duration, ear=self.name)

    @staticmethod
    def _word(text: str, first: int, last: int, probability: float) -> Word:
        text = re.sub(r"\(\d+\)$", "", text).lower()
        kind = "filler" if text in _FILLERS else "word"
        return Word(text, first * _FRAME, (last + 1) * _FRAME, probability, kind)  # type: ignore[arg-type]

    def align(self, audio: Audio, words: Sequence[str]) -> tuple[Word, ...]:
        """Find when each of the known `words` is said, in order.

        Raises:
            HearingError: there are more sounds in the words than frames in the audio.
        """
        if not words:
            return ()
        scores = _model().log_likelihoods(features(cepstra(_to_16k_mono(audio))))
        spoken = [_pronunciations().of(word.lower()) for word in words]
        graph, starts, ends = word_graph(_model(), spoken)
        path, total = best_path(graph, scores, starts, ends)
        if not np.isfinite(total):
            raise HearingError(
                f"{len(words)} words do not fit into {audio.duration:.2f} s of sound; "
                "give the words that are said there, or a longer stretch"
            )
        owners = np.array(graph.owners)[path]
        found = []
        for i, word in enumerate(words):
            frames = np.flatnonzero(owners == i)
            found.append(Word(word, frames[0] * _FRAME, (frames[-1] + 1) * _FRAME))
        return tuple(found)

    def find(self, audio: Audio, phrase: str, heard: Transcript | None = None) -> tuple[Match, ...]:
        """Search for `phrase` in the sound."""
        wanted = re.findall(r"[a-z']+", phrase.lower())
        heard = heard or self.listen(audio)
        texts = [word.text for word in heard.words]
        matches = []
        for i in range(len(texts) - len(wanted) + 1):
            if wanted and texts[i : i + len(wanted)] == wanted:
                inside = heard.words[i : i + len(wanted)]
                probability = min(word.probability for word in inside)
                matches.append(
                    Match(" ".join(wanted), inside[0].start, inside[-1].end, probability)
                )
        return tuple(sorted(matches, key=lambda match: -match.probability))

"""The embedded ear: PocketSphinx and its English model, which come inside a wheel of 30 MB.

It is an honest ear for commands and careful reading and none for lively conversation: about one
word in four is wrong in clean reading, three in four in spontaneous talk. Where the words are
known, it places them as well as bigger models do.
"""

from __future__ import annotations

import ctypes
import gc
import re
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, TypeVar

import numpy as np

from qwen_audio_agent.audio.resampling import EAR_RATE
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.ears import fillers
from qwen_audio_agent.speech.ears.acoustics import AcousticModel, Floats
from qwen_audio_agent.speech.ears.alignment import best_path, sentence_graph
from qwen_audio_agent.speech.ears.audible import SHORTEST, ear_samples, is_audible
from qwen_audio_agent.speech.ears.cepstra import cepstra, features
from qwen_audio_agent.speech.ears.phrase_search import HeardWord, PhraseSearch, Place, apart
from qwen_audio_agent.speech.ears.senone_scores import SenoneScores
from qwen_audio_agent.speech.edges import refine_edges
from qwen_audio_agent.speech.pronunciation import FILLERS, Pronunciations
from qwen_audio_agent.speech.text import readings
from qwen_audio_agent.speech.words import Gap, Match, Transcript, Word

_SETTINGS: Final = {"lw": 4.5, "loglevel": "FATAL"}
_REVISION: Final = 9
_FRAME: Final = 0.01
_CENTRE: Final = 0.008  # an edge between two frames of 25.6 ms lies between their middles
_SHORTEST_GAP: Final = 0.05
_SURE: Final = 0.3  # a phrase of this probability counts as found
_FILLER_PROBABILITY: Final = 0.7
_NEAR: Final = 0.02  # worth showing as the nearest thing
# Edges lie nearer to hand labels than this, in seconds, in nine of ten cases. Chosen on spontaneous
# speech (118, 78 and 126 edges of mm_acoustic); of 182 edges of other, read, recordings 97 % do.
_ALIGNED_ERROR: Final = 0.045
_HEARD_ERROR: Final = 0.06
_FOUND_ERROR: Final = 0.06
# Two ways of placing a phrase disagree by less than the truth lies off, and more so if it is no
# sure find.
_SPREAD_ERROR: Final = 1.5
_LESS_SURE: Final = 0.9

T = TypeVar("T")

_lock = threading.Lock()  # a decoder has one utterance at a time


class _Once(Generic[T]):
    """Something big, loaded once in a process, however many threads want it at once."""

    def __init__(self, load: Callable[[], T]) -> None:
        self._loaded = cache(load)
        self._loading = threading.Lock()

    def __call__(self) -> T:
        with self._loading:
            return self._loaded()

    def cache_clear(self) -> None:
        """Let it go; it is loaded again when somebody wants it."""
        self._loaded.cache_clear()


@_Once
def _decoder() -> Any:
    """One decoder per process; loading takes about a second."""
    import pocketsphinx

    return pocketsphinx.Decoder(**_SETTINGS)


@_Once
def _model() -> AcousticModel:
    import pocketsphinx

    return AcousticModel.load(Path(pocketsphinx.get_model_path("en-us/en-us")))


@_Once
def _pronunciations() -> Pronunciations:
    import pocketsphinx

    return Pronunciations.load(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))


@lru_cache(maxsize=2)
def _scores(sound: bytes) -> SenoneScores:
    """How well the senones explain every 10 ms of float32 sound."""
    return SenoneScores(_model(), features(cepstra(np.frombuffer(sound, np.float32))))


@lru_cache(maxsize=2)
def _phrase_search(sound: bytes, heard: tuple[HeardWord, ...]) -> PhraseSearch:
    return PhraseSearch(_model(), _pronunciations(), _scores(sound), heard)


class PocketSphinxEar:
    """Hears English offline on any machine."""

    name = "pocketsphinx"
    description: ClassVar[str] = (
        "offline English; fair on commands and careful reading (one word in four wrong), poor on "
        "lively conversation: plug in Whisper or Qwen-Audio there"
    )
    rank: ClassVar[int] = 10
    reliable: ClassVar[bool] = False

    @property
    def version(self) -> str:
        settings = ",".join(f"{key}={value}" for key, value in sorted(_SETTINGS.items()))
        return f"{metadata.version('pocketsphinx')};{settings};{_REVISION}"

    def listen(self, audio: Audio) -> Transcript:
        """Write down what is said in up to about 30 s."""
        samples = ear_samples(audio)
        if not is_audible(samples):
            return Transcript((), audio.duration, ear=self.name)
        segments = _decode(samples)
        noises = [(s.first, s.last) for s in segments if s.text == "[NOISE]"]
        spoken = _with_fillers(samples, [s for s in segments if s.text[0] not in "<["])
        edges = [_edge(frame) for s in spoken for frame in (s.first, s.last + 1)]
        refined = refine_edges(samples, EAR_RATE, _clipped(edges, audio))
        words = tuple(
            Word(
                segment.text,
                start,
                end,
                segment.probability,
                "filler" if segment.is_filler else "word",
                start_error=_HEARD_ERROR,
                end_error=_HEARD_ERROR,
            )
            for segment, start, end in zip(spoken, refined[::2], refined[1::2], strict=True)
        )
        return Transcript(words, audio.duration, ear=self.name, gaps=_gaps(words, noises, audio))

    def align(self, audio: Audio, words: Sequence[str]) -> tuple[Word, ...]:
        """Find when each of the known `words` is said, in order, edges refined on the sound.

        Raises:
            HearingError: there are more sounds in the words than frames in the audio.
        """
        if not words:
            return ()
        samples = ear_samples(audio)
        spoken = [_spoken_forms(word) for word in words]
        graph = sentence_graph(_model(), spoken)
        path = None
        if audio.duration >= SHORTEST:
            path = best_path(graph, graph.emissions(_scores(samples.tobytes())))
        if path is None:
            raise HearingError(
                f"{len(words)} words do not fit into {audio.duration:.2f} s of sound; "
                "give the words that are said there, or a longer stretch"
            )
        owners = np.array(graph.owners)[path]
        frames = [np.flatnonzero(owners == i) for i in range(len(words))]
        edges = [_edge(int(frame)) for f in frames for frame in (f[0], f[-1] + 1)]
        refined = refine_edges(samples, EAR_RATE, _clipped(edges, audio))
        return tuple(
            Word(word, start, end, start_error=_ALIGNED_ERROR, end_error=_ALIGNED_ERROR)
            for word, start, end in zip(words, refined[::2], refined[1::2], strict=True)
        )

    def find(self, audio: Audio, phrase: str, heard: Transcript | None = None) -> tuple[Match, ...]:
        """Search for the sounds of `phrase` in up to about 30 s.

        Returns:
            All places where it is found, most probable first; if there is none, the nearest thing,
            flagged doubtful, or nothing at all.
        """
        samples = ear_samples(audio)
        if not is_audible(samples):
            return ()
        search = self.search(audio, heard)
        places = [place for words in readings(phrase, 4) for place in search.places(words)]
        places.sort(key=lambda place: -place.evidence.probability)
        matches = [_match(place, phrase, samples, audio) for place in apart(places)]
        sure = tuple(match for match in matches if not match.doubtful)
        return sure or tuple(m for m in matches[:1] if m.probability >= _NEAR)

    def unload(self) -> None:
        """Give its memory back, 160 MiB; it is loaded again when something is to be heard."""
        for loaded in (_decoder, _model, _pronunciations, _scores, _phrase_search):
            loaded.cache_clear()
        gc.collect()
        if sys.platform == "linux":  # whose C library keeps what many small pieces took
            getattr(ctypes.CDLL(None), "malloc_trim", lambda _keep: 0)(0)

    def search(self, audio: Audio, heard: Transcript | None = None) -> PhraseSearch:
        """All about `audio` that the search for any phrase needs."""
        words = (heard or self.listen(audio)).words
        frames = tuple(
            HeardWord(word.text.lower(), _frame(word.start), max(_frame(word.end) - 1, 0))
            for word in words
        )
        return _phrase_search(ear_samples(audio).tobytes(), frames)


@dataclass(frozen=True, slots=True)
class _Segment:
    """What the decoder heard in the frames [first, last]."""

    text: str
    first: int
    last: int
    probability: float
    is_filler: bool = False


def _decode(samples: Floats) -> list[_Segment]:
    """Words, and in brackets silences and noises, in order."""
    pcm = (samples * 32767).astype("<i2").tobytes()
    with _lock:
        decoder = _decoder()
        decoder.reinit_feat()  # forget means and noise of what was heard before
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        log = decoder.logmath
        return [
            _Segment(
                re.sub(r"\(\d+\)$", "", segment.word),
                segment.start_frame,
                segment.end_frame,
                min(1.0, float(log.exp(segment.prob))),
                # It hears "ah" in breaths, and in "all": that needs the proof of `fillers`.
                segment.word in FILLERS - {"ah"},
            )
            for segment in decoder.seg() or ()
        ]


def _with_fillers(samples: Floats, spoken: Sequence[_Segment]) -> list[_Segment]:
    """The words, with the fillers that the decoder missed or took for short words."""
    found = fillers.find_fillers(
        _model(), _scores(samples.tobytes()), samples, [(s.first, s.last) for s in spoken]
    )
    kept = [s for s in spoken if not any(filler.covers(s.first, s.last) for filler in found)]
    kept += [_Segment(f.text, f.first, f.last, _FILLER_PROBABILITY, is_filler=True) for f in found]
    kept.sort(key=lambda segment: segment.first)
    for i, after in enumerate(kept[1:]):
        kept[i] = replace(kept[i], last=min(kept[i].last, after.first - 1))
    return kept


def _spoken_forms(word: str) -> list[tuple[str, ...]]:
    """All pronunciations of a written word, which may be a number of several spoken words."""
    forms: list[tuple[str, ...]] = []
    for words in readings(word, 4):
        spoken: list[tuple[str, ...]] = [()]
        for part in words:
            spoken = [a + b for a in spoken[:4] for b in _pronunciations().of(part)]
        forms.extend(spoken)
    return forms or [("AH",)]


def _match(place: Place, phrase: str, samples: Floats, audio: Audio) -> Match:
    edges = _clipped([_edge(place.first), _edge(place.last + 1)], audio)
    start, end = refine_edges(samples, EAR_RATE, edges)
    probability = place.evidence.probability
    spreads = [place.first_spread * _FRAME, place.last_spread * _FRAME]
    less_sure = _SPREAD_ERROR if probability < _LESS_SURE else 1.0
    errors = [less_sure * max(_FOUND_ERROR, _SPREAD_ERROR * spread) for spread in spreads]
    return Match(
        place.heard or phrase,
        start,
        min(end, audio.duration),
        probability,
        doubtful=probability < _SURE,
        start_error=errors[0],
        end_error=errors[1],
    )


def _gaps(
    words: Sequence[Word], noises: Sequence[tuple[int, int]], audio: Audio
) -> tuple[Gap, ...]:
    """What lies between the words; a breath where the decoder heard noise for half of it."""
    gaps = []
    starts = [0.0, *(word.end for word in words)]
    ends = [*(word.start for word in words), audio.duration]
    for start, end in zip(starts, ends, strict=True):
        if end - start >= _SHORTEST_GAP:
            noisy = sum(
                max(0.0, min(end, _edge(last + 1)) - max(start, _edge(first)))
                for first, last in noises
            )
            gaps.append(Gap(start, end, "breath" if noisy > (end - start) / 2 else "silence"))
    return tuple(gaps)


def _edge(frame: int) -> float:
    """The time of the edge before a frame, in seconds."""
    return frame * _FRAME + _CENTRE if frame else 0.0


def _frame(seconds: float) -> int:
    """The frame whose edge is at a time."""
    return max(0, round((seconds - _CENTRE) / _FRAME))


def _clipped(edges: Sequence[float], audio: Audio) -> tuple[float, ...]:
    return tuple(min(edge, audio.duration) for edge in edges)

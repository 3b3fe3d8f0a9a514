"""Generated speech whose every word is a tone of its own, and a small honest ear for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.words import Match, Transcript, Word

RATE = 16_000
VOCABULARY = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
    "kilo",
    "lima",
    "um",
]
PITCHES = {word: 300 + 170 * index for index, word in enumerate(VOCABULARY)}
HOP = RATE // 200
WINDOW = RATE // 50


def speak(
    text: str, *, word: float = 0.3, gap: float = 0.05, lead: float = 0.3, seed: int = 1
) -> np.ndarray:
    """float32 (frames,) mono: the words of `text`; a number among them is a pause in seconds."""
    parts = [np.zeros(round(lead * RATE))]
    for token in text.split():
        if token in PITCHES:
            time = np.arange(round(word * RATE)) / RATE
            tone = 0.3 * np.sin(2 * np.pi * PITCHES[token] * time)
            ramp = np.minimum(1, np.arange(len(tone)) / 80)
            parts += [tone * ramp * ramp[::-1], np.zeros(round(gap * RATE))]
        else:
            parts.append(np.zeros(round(float(token) * RATE)))
    parts.append(np.zeros(round(lead * RATE)))
    sound = np.concatenate(parts)
    noise = np.random.default_rng(seed).normal(0, 3e-4, len(sound))
    return (sound + noise).astype(np.float32)


Record = Callable[..., Path]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Makes a 16-bit mono recording: record("talk", "alpha bravo 0.5 charlie")."""

    def write(name: str, text: str, **how: float) -> Path:
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, speak(text, **how), RATE, subtype="PCM_16")
        return path

    return write


@pytest.fixture
def start(tmp_path: Path, record: Record) -> Iterator[Callable[..., Session]]:
    """Begins a session on recordings of the given texts, heard by the ear of tones."""
    with ExitStack() as stack:

        def begin(*texts: str, **how: float) -> Session:
            files = [record(f"talk{i}", text, **how) for i, text in enumerate(texts, start=1)]
            folder = tmp_path / "session"
            session = Session.create(folder, files, ear=ToneEar(), num_workers=1)
            return stack.enter_context(session)

        yield begin


@pytest.fixture
def said() -> Callable[[Session, int], str]:
    """What the ear of tones hears in an audio now, without looking at what it heard before."""

    def listen(session: Session, number: int) -> str:
        audio = session.audio(number)
        return ToneEar().listen(audio.read(Span(0, audio.num_frames))).text

    return listen


class ToneEar:
    """Hears the tones of `VOCABULARY`; finds a phrase where its words follow each other."""

    name = "tones"
    version = "1"
    description = "tones of the tests"

    def listen(self, audio: Audio) -> Transcript:
        words = tuple(
            Word(text, start, end, 0.95, "filler" if text == "um" else "word", 0.01, 0.01)
            for text, start, end in self._bursts(audio)
        )
        return Transcript(words, audio.duration, ear=self.name)

    def find(self, audio: Audio, phrase: str, heard: Transcript | None = None) -> tuple[Match, ...]:
        words = (heard or self.listen(audio)).words
        wanted = normalise(phrase)
        found = []
        for index in range(len(words) - len(wanted) + 1):
            run = words[index : index + len(wanted)]
            if wanted and [word.text for word in run] == wanted:
                found.append(
                    Match(phrase, run[0].start, run[-1].end, 0.9, start_error=0.01, end_error=0.01)
                )
        if not found and words:
            near = words[0]
            found = [Match(near.text, near.start, near.end, 0.1, doubtful=True)]
        return tuple(found)

    def align(self, audio: Audio, words: Sequence[str]) -> tuple[Word, ...]:
        bursts = self._bursts(audio)
        heard = [text for text, _, _ in bursts]
        for first in range(len(heard) - len(words) + 1):
            if heard[first : first + len(words)] == list(words):
                found = bursts[first : first + len(words)]
                return tuple(Word(text, start, end) for text, start, end in found)
        raise HearingError(f"{' '.join(words)} is not said; {' '.join(heard)} is")

    def _bursts(self, audio: Audio) -> list[tuple[str, float, float]]:
        sound = audio.to_mono().samples[0]
        rate = audio.sample_rate
        hop, window = rate // 200, rate // 50
        starts = range(0, max(0, len(sound) - window), hop)
        names = [self._name(sound[start : start + window], rate) for start in starts]
        bursts, at = [], 0
        for name, run in groupby(names):
            length = len(list(run))
            if name and length >= 6:
                middle = window / 2
                start, end = (at * hop + middle) / rate, ((at + length - 1) * hop + middle) / rate
                bursts.append((name, max(0.0, start + 0.005), end - 0.005))
            at += length
        return bursts

    @staticmethod
    def _name(window: np.ndarray, rate: int) -> str:
        if np.sqrt(np.mean(window**2)) < 0.05:
            return ""
        spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)), 8 * len(window)))
        pitch = float(np.argmax(spectrum)) * rate / (8 * len(window))
        word = min(PITCHES, key=lambda name: abs(PITCHES[name] - pitch))
        return word if abs(PITCHES[word] - pitch) < 60 else ""


class ShiftedEar:
    """An ear that hears well but finds phrases `by` seconds too late, give or take `error`."""

    name = "shifted"
    version = "1"
    description = "tones, found too late"

    def __init__(self, ear, by: float, error: float) -> None:
        self._ear, self._by, self._error = ear, by, error

    def listen(self, audio):
        return self._ear.listen(audio)

    def align(self, audio, words):
        return self._ear.align(audio, words)

    def find(self, audio, phrase, heard=None):
        found = self._ear.find(audio, phrase, heard)
        errors = {"start_error": self._error, "end_error": self._error}
        return tuple(
            replace(m, start=m.start + self._by, end=m.end + self._by, **errors) for m in found
        )

"""What is said in made episodes: real recordings with labels, or flite voices, in pieces.

A piece is a whole utterance, trimmed to its sound, with its words. Of recordings that nobody
labelled the words come from an aligner that knows the text; fillers come from labels alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import make_sample_speech
import numpy as np
import soundfile
from numpy.typing import NDArray

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.cache import HeardCache, default_cache_folder, key_of
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.pronunciation import FILLERS
from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.words import Word

Sound = NDArray[np.float64]
RATE = 16_000
HOP = RATE // 100
SPLITS = ("tune", "check")

# Recordings, and voices of flite, that no threshold may be chosen on.
CHECK_ONLY = frozenset(
    (
        *("quilter", "shelley", "libri2412a", "lj050", "arctic24", "sonnet1", "pio_mary"),
        *("pio_damon", "promo_oranges", "mm_acoustic", "mm_cold_corpus3", "f_mfa_crossword"),
        *("f_mfa_cutoffprogressive", "f_mfa_poofy", "f_mfa_words", "f_mfa_thez"),
        *("f_mfa_theother", "awb", "kal16"),
    )
)
# Fillers of recordings without labels, in seconds, from the level of every 10 ms.
FILLED = {
    "f_mfa_uhuh": (("uh", 2.57, 2.83), ("uh", 3.19, 3.54), ("uh", 4.55, 5.27)),
    "f_mfa_uh": (("uh", 2.46, 3.56),),
    "f_mfa_crossword": (("um", 5.84, 6.56),),
    "f_mfa_cutoffprogressive": (("hm", 8.24, 8.63),),
}
# What is no ordinary speech, or holds sounds that the text does not name.
LEFT_OUT = re.compile(r"f_(?!mfa_(michael|putty|puttynorm|bottle|buddy|poofy|words|the))|.*rvb")
_LEAST_GAP_S = 0.35
_CLOSED_S = 0.12
_BELOW_LOUD_DB = 38.0
_ABOVE_ROOM_DB = 7.0
_MARGIN_S = 0.03
_SHORTEST_S = 0.03
_SHORTEST_FILLER_S = 0.1
_BESIDE_WORD_S = 0.1  # labels are off by that much now and then


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """An utterance.

    Attributes:
        voice: who says it.
        sound: float64 (frames,) at `RATE`, its loud parts at an RMS of 0.1.
        words: with their times in it.
        bursts: start and end in seconds of the sounding parts, in order.
        noises: start and end of what sounds beside the words, in a noisy recording.
        natural: whether it was recorded, so that unlabelled breaths may be in it.
    """

    voice: str
    sound: Sound
    words: tuple[Word, ...]
    bursts: tuple[tuple[float, float], ...]
    noises: tuple[tuple[float, float], ...]
    natural: bool

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.sound) / RATE


@dataclass(frozen=True, slots=True)
class Material:
    """What episodes are put together from."""

    sentences: tuple[Piece, ...]
    fillers: tuple[Piece, ...]


def levels(sound: Sound) -> Sound:
    """Level of each 10 ms, in dBFS."""
    whole = sound[: len(sound) // HOP * HOP].reshape(-1, HOP)
    return np.asarray(10 * np.log10((whole**2).mean(axis=1) + 1e-10))


def bursts_of(sound: Sound) -> list[tuple[float, float]]:
    """The parts of clean speech that sound, in seconds; gaps as short as those of stops closed."""
    level = levels(sound)
    if not len(level):
        return []
    loud, room = np.percentile(level, 95), np.percentile(level, 5)
    limit = max(loud - _BELOW_LOUD_DB, min(room + _ABOVE_ROOM_DB, loud - 14))
    edges = np.flatnonzero(np.diff((level > limit).astype(np.int8), prepend=0, append=0))
    found: list[tuple[float, float]] = []
    for first, last in edges.reshape(-1, 2) / 100.0:
        if found and first - found[-1][1] < _CLOSED_S:
            found[-1] = (found[-1][0], float(last))
        else:
            found.append((float(first), float(last)))
    return [burst for burst in found if burst[1] - burst[0] >= _SHORTEST_S]


def piece(voice: str, sound: Sound, words: Sequence[Word], *, natural: bool) -> Piece | None:
    """An utterance trimmed to what sounds of it; None if nothing does."""
    found = bursts_of(sound)
    if not found:
        return None
    start = max(0.0, found[0][0] - _MARGIN_S)
    end = min(len(sound) / RATE, found[-1][1] + _MARGIN_S)
    part = sound[round(start * RATE) : round(end * RATE)].copy()
    ramp = np.linspace(0, 1, round(0.01 * RATE))
    part[: len(ramp)] *= ramp
    part[-len(ramp) :] *= ramp[::-1]
    part *= 0.1 / 10 ** (np.percentile(levels(part), 80) / 20)
    moved = tuple(
        replace(w, start=max(w.start - start, 0.0), end=min(max(w.end, w.start), end) - start)
        for w in words
        if w.end > start and w.start < end
    )
    sounds = [(a - start, b - start) for a, b in found]
    said = _beside_words(moved)
    return Piece(
        voice, part, moved, tuple(_common(sounds, said)), tuple(_without(sounds, said)), natural
    )


def _beside_words(words: Sequence[Word]) -> list[tuple[float, float]]:
    """Where a word is said, or just before or after: what else sounds is noise."""
    said: list[tuple[float, float]] = []
    for word in words:
        start, end = word.start - _BESIDE_WORD_S, word.end + _BESIDE_WORD_S
        if said and start <= said[-1][1]:
            said[-1] = (said[-1][0], max(said[-1][1], end))
        else:
            said.append((start, end))
    return said


def _common(
    spans: Iterable[tuple[float, float]], others: Sequence[tuple[float, float]]
) -> Iterator[tuple[float, float]]:
    for start, end in spans:
        for a, b in others:
            if min(end, b) - max(start, a) >= _SHORTEST_S:
                yield max(start, a), min(end, b)


def _without(
    spans: Iterable[tuple[float, float]], others: Sequence[tuple[float, float]]
) -> Iterator[tuple[float, float]]:
    edges = [-np.inf, *(edge for other in others for edge in other), np.inf]
    yield from _common(spans, list(zip(edges[::2], edges[1::2], strict=True)))


def _words(item: dict[str, Any], audio: Audio, cache: HeardCache) -> tuple[Word, ...]:
    """The labelled words of a recording, or those that the aligner places."""
    if item.get("words"):
        said = [_word(w["text"], w["start"], w["end"]) for w in item["words"]]
        # An aligner gives what it cannot place no time.
        return tuple(w for w in said if w.kind == "word" or w.end - w.start >= _SHORTEST_FILLER_S)
    text = normalise(re.sub(r"<[^>]*>|\[[^\]]*\]", " ", str(item["transcript"])))
    key = key_of("episode", item["id"], text)
    kept = cache.get(key)
    if kept is None:
        try:
            found = open_ear("pocketsphinx").align(audio, text)
        except HearingError:
            found = ()
        kept = [[w.text, w.start, w.end] for w in found]
        cache.put(key, kept)
    return tuple(_word(text, start, end) for text, start, end in kept)


def _word(text: str, start: float, end: float) -> Word:
    return Word(text, start, end, kind="filler" if text in FILLERS else "word")


def recorded(folder: Path, split: str | None = None) -> Material:
    """The recordings of a folder with a truth.json.

    Args:
        folder: as SPEECH_DATA names one.
        split: "tune" or "check" for half of the recordings; None for all.
    """
    sentences: list[Piece] = []
    fillers: list[Piece] = []
    cache = HeardCache(default_cache_folder())
    for item in json.loads((folder / "truth.json").read_text("utf-8")):
        name = item["id"]
        if split and (name in CHECK_ONLY) != (split == "check"):
            continue
        whole = read(probe(folder / item["file"]))
        sound = whole.samples[0].astype(np.float64)
        if name in FILLED:
            said = [_word(*filled) for filled in FILLED[name]]
            fillers += _fillers_of(name, sound, said)
        if LEFT_OUT.match(name):
            continue
        words = _words(item, whole, cache)
        fillers += _fillers_of(name, sound, [w for w in words if w.kind == "filler"])
        sentences += list(_utterances(name, sound, words))
    return Material(tuple(sentences), tuple(fillers))


def _fillers_of(name: str, sound: Sound, words: Sequence[Word]) -> Iterator[Piece]:
    for word in words:
        if word.end - word.start >= 0.2:
            part = sound[round(word.start * RATE) : round(word.end * RATE)]
            at = replace(word, start=0.0, end=len(part) / RATE)
            if made := piece(name, part, [at], natural=True):
                yield made


def _utterances(name: str, sound: Sound, words: Sequence[Word]) -> Iterator[Piece]:
    """A recording parted where nobody speaks for a third of a second."""
    if not words:
        return
    loud = bursts_of(sound)
    groups: list[list[tuple[float, float]]] = []
    for burst in loud:
        if groups and burst[0] - groups[-1][-1][1] < _LEAST_GAP_S:
            groups[-1].append(burst)
        else:
            groups.append([burst])
    for group in groups:
        start, end = group[0][0] - _MARGIN_S, group[-1][1] + _MARGIN_S
        start, end = max(0.0, start), min(end, len(sound) / RATE)
        inside = [w for w in words if start <= (w.start + w.end) / 2 < end]
        if not inside or end - start < 0.4:
            continue
        shifted = [
            replace(w, start=max(0.0, w.start - start), end=min(w.end, end) - start) for w in inside
        ]
        part = sound[round(start * RATE) : round(end * RATE)]
        if made := piece(name, part, shifted, natural=True):
            yield made


VOICES = ("slt", "rms", "awb", "kal16")
FLITE_SENTENCES = (
    "welcome back to the garden show with the old wooden gate",
    "today we talk about roses and about the people who grow them",
    "the first thing to know is how much water they need in a dry summer",
    "my neighbour planted three of them next to the kitchen window",
    "nobody believed that they would live through the winter",
    "then the snow melted and there were seven new leaves",
    "you can ask almost anyone in our street about it",
    "we will come back to this question after a short break",
    "some listeners wrote to us and wanted more about apple trees",
    "cover the roots with straw before the first cold night",
    "that is a very different story and a much longer one",
    "in the north the season begins about four weeks later",
)
FLITE_FILLERS = (("um", 1.6), ("um", 2.2), ("uh", 1.8), ("uh", 2.6), ("er", 2.0), ("er", 2.6))


def spoken(split: str | None = None) -> Material:
    """Sentences and fillers of the voices of flite (Debian package flite).

    Args:
        split: "tune" or "check" for half of the voices; None for all.
    """
    if not shutil.which("flite"):
        sys.exit("flite is not installed (Debian package flite)")
    sentences, fillers = [], []
    for voice in VOICES:
        if split and (voice in CHECK_ONLY) != (split == "check"):
            continue
        for sentence in FLITE_SENTENCES:
            sentences += _said(voice, sentence, 1.0)
        for text, slower in FLITE_FILLERS:
            fillers += _said(voice, text, slower)
    return Material(tuple(sentences), tuple(fillers))


def _said(voice: str, text: str, slower: float) -> list[Piece]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        command = ["flite", "-voice", voice, "-t", text, "-psdur", "-o", str(path)]
        command += ["--setf", f"duration_stretch={slower}"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        sound, rate = soundfile.read(path)
    if rate != RATE:
        sys.exit(f"voice {voice} speaks at {rate} Hz, not {RATE}")
    segments = [(s.split(":")[0], float(s.split(":")[1])) for s in printed.split()]
    times = make_sample_speech.word_times(voice, text, segments)
    made = piece(voice, sound, [_word(*time) for time in times], natural=False)
    return [made] if made else []


def hums(split: str | None = None) -> Material:
    """Voiced bursts with a decay at their ends, in place of sentences; no fillers."""
    random = np.random.default_rng(5 if split == "check" else 4)
    sentences = []
    for number in range(40):
        seconds = float(random.uniform(0.25, 3.0))
        time = np.arange(round(seconds * RATE)) / RATE
        pitch = random.uniform(90, 220) * (
            1 + 0.04 * np.sin(2 * np.pi * random.uniform(2, 4) * time)
        )
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        voice = np.zeros(len(time))
        for k in range(1, 25):
            voice += np.sin(k * phase + random.uniform(0, 6)) / k
        syllables = 0.55 + 0.45 * np.sin(2 * np.pi * random.uniform(3, 5) * time - np.pi / 2)
        rise = np.minimum(1, time / 0.01)
        decay = 10 ** (np.minimum(0, (seconds - time) / 0.08 - 1) * 30 / 20)
        sound = voice * np.maximum(syllables, 0.25) * rise * decay
        sound *= 0.1 / np.sqrt((sound**2).mean())
        word = Word(f"burst{number}", 0.0, len(sound) / RATE)
        sentences.append(
            Piece("hum", sound, (word,), ((0.0, len(sound) / RATE),), (), natural=False)
        )
    return Material(tuple(sentences), ())


def material(kind: str, split: str | None, folder: Path | None = None) -> Material:
    """The material of a kind of episode: "speech", "flite" or "bursts"."""
    if kind == "flite":
        return spoken(split)
    if kind == "bursts":
        return hums(split)
    if folder is None and "SPEECH_DATA" not in os.environ:
        sys.exit("name a folder with a truth.json, or set SPEECH_DATA; or ask for flite or bursts")
    return recorded(folder or Path(os.environ["SPEECH_DATA"]), split)

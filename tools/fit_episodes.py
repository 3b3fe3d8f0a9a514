"""The episodes that `fit_held_vowels.py` fits on, and all that may be a filler in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import cleanup_score
import episode_games
import episode_prompts
import episode_speech
import episode_voices
import episodes
import numpy as np
import soundfile
from episode_variants import another_way
from numpy.typing import NDArray

from qwen_audio_agent.audio.hops import hops_of
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.speech import held_vowels

_Floats = NDArray[np.float64]
NUM_EPISODES = {"speech": 10, "flite": 5}
SECONDS = 150.0
VOICE_SECONDS = 120.0
NUM_PROMPTS = 4
NUM_OF_ACTORS = {episode_games.HERO: 6, episode_games.SCENES: 10}  # episodes; 2 of the others


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """An episode, and all that is looked at in it.

    Attributes:
        name: of its file.
        minutes: how long it is.
        truth: what is in it, at the times of this way.
        found: the stretches that may be fillers.
        labels: whether each is one.
        ways: the same, said and recorded otherwise.
    """

    name: str
    minutes: float
    truth: episodes.Truth
    found: tuple[held_vowels.Candidate, ...]
    labels: _Floats
    ways: tuple[Heard, ...] = ()

    def without(self, spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
        """Which stretches do not lie on spans."""
        return np.array([not cleanup_score.matches(span_of(c), spans) for c in self.found], bool)


def span_of(stretch: held_vowels.Candidate | held_vowels.HeldVowel) -> tuple[float, float]:
    """Where a stretch begins and ends, in seconds."""
    if isinstance(stretch, held_vowels.HeldVowel):
        return stretch.start, stretch.end
    return stretch.start / 100, stretch.end / 100


def examples(kind: str, split: str, folder: Path) -> list[Path]:
    """Episodes of a kind, of the voices of a split."""
    material = episode_speech.material(kind, split)
    paths = [folder / f"{kind}-{split}-{seed}.wav" for seed in range(NUM_EPISODES[kind])]
    for seed, path in enumerate(paths):
        if not path.exists():
            options = episodes.Options(kind, SECONDS, 1000 + seed, 16_000, 1, split=split)
            episodes.make(path, options, material)
    return paths


def spoken(engine: str, folder: Path) -> list[Path]:
    """Two episodes of each voice of an engine."""
    paths = []
    for voice in episode_voices.ENGINES[engine].voices:
        theirs = [folder / f"{engine}-{voice}-{seed}.wav" for seed in (1, 2)]
        if not all(path.exists() for path in theirs):
            print(f"{engine} speaks as {voice}", file=sys.stderr, flush=True)
            _make_spoken(theirs, episode_voices.material(engine, voice))
        paths += theirs
    return paths


def acted(folder: Path) -> list[Path]:
    """Episodes of each character of a game."""
    paths = []
    for name in episode_games.characters():
        numbers = range(1, NUM_OF_ACTORS.get(name, 2) + 1)
        theirs = [folder / f"actors-{name}-{number}.wav" for number in numbers]
        if not all(path.exists() for path in theirs):
            _make_spoken(theirs, episode_games.material(name))
        paths += theirs
    return paths


def _make_spoken(paths: Sequence[Path], material: episode_speech.Material) -> None:
    for seed, path in enumerate(paths, 1):
        episodes.make(path, episodes.Options("flite", VOICE_SECONDS, seed, 16_000, 1), material)


def worded(language: str, folder: Path) -> list[Path]:
    """Speech in which there is no filler."""
    return episode_prompts.prompts(language, NUM_PROMPTS, SECONDS, folder)


def heard(paths: Iterable[Path], num_ways: int = 1) -> list[Heard]:
    """Look at episodes as they are, and in other ways; in as many processes as there are cores."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(_heard, paths, repeat(num_ways)))


def _heard(path: Path, num_ways: int) -> Heard:
    sound, rate = soundfile.read(path)
    said = episodes.Truth()
    if path.with_suffix(".json").exists():
        said = episodes.read_truth(path)
    ways = []
    for number in range(1, num_ways):
        random = np.random.default_rng([crc32(path.stem.encode()), number])
        other, factor = another_way(random, sound, rate)
        ways.append(_looked_at(path.stem, other, rate, _moved(said, factor)))
    return _looked_at(path.stem, sound, rate, said, tuple(ways))


def _looked_at(
    name: str, sound: _Floats, rate: int, truth: episodes.Truth, ways: tuple[Heard, ...] = ()
) -> Heard:
    audio = Audio(sound[None].astype(np.float32), rate)
    found = tuple(held_vowels.candidates(hops_of(audio)))
    fillers = cleanup_score.time_spans(truth.fillers)
    labels = np.array([cleanup_score.matches(span_of(one), fillers) for one in found], np.float64)
    return Heard(name, len(sound) / rate / 60, truth, found, labels, ways)


def _moved(truth: episodes.Truth, factor: float) -> episodes.Truth:
    """What is used of a truth, its times multiplied."""
    fillers = [
        filler | {edge: float(str(filler[edge])) * factor for edge in ("start", "end")}
        for filler in truth.fillers
    ]
    return episodes.Truth(fillers=fillers, music=[(a * factor, b * factor) for a, b in truth.music])


def said_by(person: str, truth: episodes.Truth) -> list[tuple[float, float]]:
    """The fillers of the voices of a person."""
    theirs = [f for f in truth.fillers if str(f["voice"]).startswith(person)]
    return cleanup_score.time_spans(theirs)

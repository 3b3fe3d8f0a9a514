"""Fit the judge of `speech/held_vowels.py` on made episodes, and see what it does on others.

    SPEECH_DATA=... python tools/fit_held_vowels.py [--keep FOLDER] [--only-check] [--leave-out]

Fitted on the recordings and flite voices of the split "tune"; on what the actors of a game say, see
`episode_games.py`; on the voices of four programs, see `episode_voices.py`; and on five people who
say nothing but words, see `episode_prompts.py`; all of it also as other people would have said it
elsewhere, see `episode_ways.py`. Read on the split "check" and on two programs that nothing was
chosen by. Each program counts as much as the others, however many voices it has. `--keep` leaves
the episodes in a folder and takes those that are there. `--leave-out` writes nothing: each program,
each of the five people, each third of the characters of the game and each of the two other people
whose fillers there are is left out of a fit in turn, and judged by it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
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
from episode_ways import another_way
from numpy.typing import NDArray
from scipy.optimize import minimize

from qwen_audio_agent.audio.hops import hops_of
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.speech import held_vowels

_Floats = NDArray[np.float64]
_Part = tuple[_Floats, _Floats, _Floats]  # features, labels, weights
NUM_EPISODES = {"speech": 10, "flite": 5}
WEIGHT = {"speech": 1.0, "flite": 0.5, "prompts": 1.0, "actors": 1.0}
SECONDS = 150.0
PEOPLE = ("mm_", "f_mfa_")  # whose fillers there are, by how their recordings are called
FITTED = ("espeak", "mbrola", "rhvoice", "festival")
APART = ("pico", "piper")
VOICE_SECONDS = 120.0
NUM_PROMPTS = 4
NUM_OF_ACTORS = {episode_games.HERO: 6, episode_games.SCENES: 10}  # episodes; 2 of the others
NUM_FOLDS = 3
ENGINE_WEIGHT = 600.0  # of all candidates of an engine together
NUM_WAYS = 3  # each episode as it is, and two other ways
NUM_NETWORKS, NUM_UNITS = 3, 16
PENALTY = 15.0
STEPS = 150
# People left out of the fit: of what the network is 0.41 sure of 0.92 is right; it is told as 0.5.
DOUBT = 0.23
LEAST = (0.3, 0.4, 0.5, 0.6, 0.7)
WEIGHTS = Path(held_vowels.__file__).parent / "lists" / "held_vowels.json"


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
        return np.array([not cleanup_score.matches(_span(c), spans) for c in self.found], bool)


def _span(stretch: held_vowels.Candidate | held_vowels.HeldVowel) -> tuple[float, float]:
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
        return list(pool.map(_heard, paths, [num_ways] * 10_000))


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
    labels = np.array([cleanup_score.matches(_span(one), fillers) for one in found], np.float64)
    return Heard(name, len(sound) / rate / 60, truth, found, labels, ways)


def _moved(truth: episodes.Truth, factor: float) -> episodes.Truth:
    """What is used of a truth, its times multiplied."""
    fillers = [
        filler | {edge: float(str(filler[edge])) * factor for edge in ("start", "end")}
        for filler in truth.fillers
    ]
    return episodes.Truth(fillers=fillers, music=[(a * factor, b * factor) for a, b in truth.music])


def _said_by(person: str, truth: episodes.Truth) -> list[tuple[float, float]]:
    """The fillers of the voices of a person."""
    theirs = [f for f in truth.fillers if str(f["voice"]).startswith(person)]
    return cleanup_score.time_spans(theirs)


def fit(features: _Floats, labels: _Floats, weights: _Floats) -> held_vowels.Judge:
    """Networks fitted with other weights and beginnings each, put together into one.

    There is a penalty on the squares of the weights of scaled features.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scaled = ((features - mean) / scale).astype(np.float32)
    fitted = []
    for seed in range(1, NUM_NETWORKS + 1):
        random = np.random.default_rng(seed)
        drawn = weights * random.exponential(1.0, len(weights))
        fitted.append(_fit_one(scaled, labels, drawn, random))
    hidden, bias, output = (
        np.concatenate([one[part] for one in fitted], axis=-1) for part in range(3)
    )
    raw = hidden / scale[:, None]
    last = float(np.mean([one[3] for one in fitted]))
    return held_vowels.Judge(raw, bias - mean @ raw, output / NUM_NETWORKS, last - DOUBT)


def _fit_one(
    scaled: NDArray[np.float32], labels: _Floats, weights: _Floats, random: np.random.Generator
) -> tuple[_Floats, _Floats, _Floats, float]:
    """Weights and biases of a network, as in `held_vowels.Judge`."""
    shape = (scaled.shape[1], NUM_UNITS)
    begin = random.normal(0, 1, shape[0] * NUM_UNITS) / np.sqrt(shape[0])
    output = random.normal(0, 1, NUM_UNITS) / np.sqrt(NUM_UNITS)
    edges = np.cumsum([shape[0] * NUM_UNITS, NUM_UNITS, NUM_UNITS])

    def loss(given: _Floats) -> tuple[float, _Floats]:
        flat, bias, out, last = np.split(given, edges)
        hidden, narrow = flat.reshape(shape), out.astype(np.float32)
        units = np.tanh(scaled @ hidden.astype(np.float32) + bias.astype(np.float32))
        scores = (units @ narrow).astype(np.float64) + last
        error = weights * (1 / (1 + np.exp(-scores)) - labels)
        back = error.astype(np.float32)[:, None] * narrow * (1 - units**2)
        slope = [(scaled.T @ back + PENALTY * hidden).ravel(), back.sum(axis=0)]
        slope += [units.T @ error.astype(np.float32) + PENALTY * out, error.sum(keepdims=True)]
        penalty = PENALTY / 2 * ((hidden**2).sum() + (out**2).sum())
        likely = (weights * (np.logaddexp(0, scores) - labels * scores)).sum()
        return float(likely + penalty), np.concatenate(slope).astype(np.float64)

    start = np.concatenate([begin, np.zeros(NUM_UNITS), output, [0.0]])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    flat, bias, out, last = np.split(found, edges)
    return flat.reshape(shape), bias, out, float(last[0])


def write(judge: held_vowels.Judge) -> None:
    """Put the weights where the package reads them."""
    rounded = {
        "hidden": np.round(judge.hidden, 3).tolist(),
        "hidden_bias": np.round(judge.hidden_bias, 3).tolist(),
        "output": np.round(judge.output, 3).tolist(),
        "output_bias": round(judge.output_bias, 3),
    }
    WEIGHTS.write_text(json.dumps(rounded) + "\n", "utf-8")
    held_vowels.fitted_judge.cache_clear()


def _part(kind: str, items: Sequence[Heard], without: str = "") -> _Part:
    """Features, labels and weights of what is fitted on, all ways together weighing as much as one.

    Music, and the fillers of voices whose names begin with `without`, are left out.
    """
    features, labels = [], []
    for way in (way for item in items for way in (item, *item.ways)):
        spans = [(a, b) for a, b in way.truth.music]
        kept = way.without(spans + (_said_by(without, way.truth) if without else []))
        features += [one.features for one, keep in zip(way.found, kept, strict=True) if keep]
        labels.append(way.labels[kept])
    told = np.concatenate(labels)
    weight = WEIGHT.get(kind, ENGINE_WEIGHT * NUM_WAYS / len(told)) / NUM_WAYS
    return np.array(features), told, np.full(len(told), weight)


def _fitted(parts: Iterable[_Part]) -> held_vowels.Judge:
    features, labels, weights = zip(*parts, strict=True)
    return fit(np.concatenate(features), np.concatenate(labels), np.concatenate(weights))


def _leave_out(made: dict[str, list[Heard]]) -> None:
    """Print what each program and person comes to by the judge that never met it."""
    parts = {name: _part(name.split("-")[0], items) for name, items in made.items()}
    for name, items in made.items():
        if name in ("speech-tune", "flite-tune", "actors"):
            continue
        judge = _fitted(part for other, part in parts.items() if other != name)
        counted = _counted(items, judge, LEAST[2])
        if name.startswith("prompts"):
            counted = f"{sum(len(told) for _, told in _told(items, judge, LEAST[2]))} told"
        minutes = sum(item.minutes for item in items)
        print(f"{name} left out, {minutes:.0f} minutes: {counted}", flush=True)
    _leave_actors_out(made["actors"], [part for name, part in parts.items() if name != "actors"])
    rest = [part for name, part in parts.items() if name != "speech-tune"]
    for person in PEOPLE:
        _leave_person_out(person, made["speech-tune"], rest)


def _leave_actors_out(items: Sequence[Heard], rest: Sequence[_Part]) -> None:
    """Print what is found of characters of a game by judges that met two thirds of the others."""
    apart = [item for item in items if episode_games.SCENES not in item.name]
    names = sorted({_character(item) for item in apart if item.truth.fillers})
    names += sorted({_character(item) for item in apart} - set(names))
    count = cleanup_score.Count()
    for fold in range(NUM_FOLDS):
        left = [item for item in apart if _character(item) in names[fold::NUM_FOLDS]]
        met = [item for item in apart if item not in left]
        judge = _fitted([*rest, _part("actors", met)])
        _count(count, _told(left, judge, LEAST[2]))
    minutes = sum(item.minutes for item in apart)
    wrong = count.found - count.right
    print(f"{len(names)} characters left out, {minutes:.0f} minutes: ", end="")
    print(f"{count.hit} of {count.truths}, {wrong} wrong", flush=True)


def _character(item: Heard) -> str:
    return item.name.split("-")[1]


def _leave_person_out(person: str, items: Sequence[Heard], rest: Sequence[_Part]) -> None:
    """Print what is found of the fillers of a person by judges that met the other people only.

    People share episodes, so a judge is fitted on half of these, and read on the others.
    """
    there = found = wrong = 0
    for half in (0, 1):
        judge = _fitted([*rest, _part("speech", items[half::2], person)])
        for truth, told in _told(items[1 - half :: 2], judge, LEAST[2]):
            theirs = _said_by(person, truth)
            known = cleanup_score.time_spans(truth.fillers) + [(a, b) for a, b in truth.music]
            there += len(theirs)
            found += sum(cleanup_score.matches(one, told) for one in theirs)
            wrong += sum(not cleanup_score.matches(span, known) for span in told)
    minutes = sum(item.minutes for item in items)
    print(f"{person} left out, {minutes:.0f} minutes: {found} of {there}, {wrong} wrong")


def _told(
    items: Iterable[Heard], judge: held_vowels.Judge, least: float
) -> list[tuple[episodes.Truth, list[tuple[float, float]]]]:
    return [(i.truth, [_span(v) for v in held_vowels.surest(i.found, least, judge)]) for i in items]


def _count(
    count: cleanup_score.Count,
    told: Iterable[tuple[episodes.Truth, Sequence[tuple[float, float]]]],
) -> None:
    for truth, spans in told:
        music = [(a, b) for a, b in truth.music]
        count.add(cleanup_score.time_spans(truth.fillers), spans, music)


def _counted(items: Iterable[Heard], judge: held_vowels.Judge, least: float) -> str:
    count = cleanup_score.Count()
    _count(count, _told(items, judge, least))
    return f"precision {count.precision:.2f}, recall {count.recall:.2f}, F1 {count.f1:.2f}"


def main(argv: list[str]) -> int:
    """Write weights that fit, and print what they find; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="folder in which the episodes stay")
    parser.add_argument("--only-check", action="store_true", help="of the weights that are there")
    parser.add_argument("--leave-out", action="store_true", help="each in turn; writes nothing")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not given.only_check:
            paths = {f"{kind}-tune": examples(kind, "tune", folder) for kind in NUM_EPISODES}
            paths |= {"actors": acted(folder)} | {e: spoken(e, folder) for e in FITTED}
            paths |= {f"prompts-{name}": worded(name, folder) for name in episode_prompts.LANGUAGES}
            made = {name: heard(theirs, NUM_WAYS) for name, theirs in paths.items()}
            if given.leave_out:
                _leave_out(made)
                return 0
            write(_fitted(_part(name.split("-")[0], items) for name, items in made.items()))
        checked = {f"{kind}-check": examples(kind, "check", folder) for kind in NUM_EPISODES}
        checked |= {engine: spoken(engine, folder) for engine in APART}
        for name, theirs in checked.items():
            items = heard(theirs)
            for least in LEAST:
                counted = _counted(items, held_vowels.fitted_judge(), least)
                print(f"{name}, confidence {least}: {counted}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

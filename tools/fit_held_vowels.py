"""Fit the judge of `speech/held_vowels.py` on made episodes, and see what it does on others.

    SPEECH_DATA=... python tools/fit_held_vowels.py [--keep FOLDER] [--only-check]
    SPEECH_DATA=... python tools/fit_held_vowels.py --leave-out [--hear] [--keep FOLDER]

Fitted on the recordings and flite voices of the split "tune"; on what the actors of a game say, see
`episode_games.py`; on the voices of four programs, see `episode_voices.py`; and on five people who
say nothing but words, see `episode_prompts.py`; all of it also as other people would have said it
elsewhere, see `episode_variants.py`. Read on the split "check" and on two programs that nothing was
chosen by. Each program counts as much as the others, however many voices it has. `--keep` leaves
the episodes in a folder and takes those that are there. `--leave-out` writes nothing: each program,
each of the five people, each third of the characters of the game and each of the two other people
whose fillers there are is left out of a fit in turn, and judged by it; with `--hear` the last two
also as the whole clean-up does it with the embedded ear (half an hour on two cores).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import cleanup_score
import episode_games
import episode_prompts
import episodes
import numpy as np
from fit_episodes import (
    NUM_EPISODES,
    Heard,
    acted,
    examples,
    heard,
    said_by,
    span_of,
    spoken,
    worded,
)
from numpy.typing import NDArray
from scipy.optimize import minimize

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.cleanup.episode import plan_heard
from qwen_audio_agent.cleanup.recipe import load_recipe
from qwen_audio_agent.speech import held_vowels
from qwen_audio_agent.speech.cache import default_cache_folder
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener

_Floats = NDArray[np.float64]
_Part = tuple[_Floats, _Floats, _Floats]  # features, labels, weights
_Told = list[tuple[episodes.Truth, list[tuple[float, float]]]]  # truths, and what is told of each
WEIGHT = {"speech": 1.0, "flite": 0.5, "prompts": 1.0, "actors": 1.0}
PEOPLE = ("mm_", "f_mfa_")  # whose fillers there are, by how their recordings are called
FITTED = ("espeak", "mbrola", "rhvoice", "festival")
APART = ("pico", "piper")
NUM_FOLDS = 3
ENGINE_WEIGHT = 600.0  # of all candidates of an engine together
NUM_WAYS = 3  # each episode as it is, and two other ways
NUM_NETWORKS, NUM_UNITS = 3, 16
PENALTY = 15.0
STEPS = 150
# What the network is 0.65 sure of is told as 0.5: log(0.65 / 0.35). Of actors left out of the fit
# nine in ten of what is told so are right from there on, and hardly more are found below.
DOUBT = 0.64
LEAST = (0.3, 0.4, 0.5, 0.6, 0.7)
WEIGHTS = Path(held_vowels.__file__).parent / "lists" / "held_vowels.json"


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
        kept = way.without(spans + (said_by(without, way.truth) if without else []))
        features += [one.features for one, keep in zip(way.found, kept, strict=True) if keep]
        labels.append(way.labels[kept])
    told = np.concatenate(labels)
    weight = WEIGHT.get(kind, ENGINE_WEIGHT * NUM_WAYS / len(told)) / NUM_WAYS
    return np.array(features), told, np.full(len(told), weight)


def _fitted(parts: Iterable[_Part]) -> held_vowels.Judge:
    features, labels, weights = zip(*parts, strict=True)
    return fit(np.concatenate(features), np.concatenate(labels), np.concatenate(weights))


def _leave_out(made: dict[str, list[Heard]], hear: Path | None) -> None:
    """Print what each program and person comes to by the judge that never met it.

    What people come to in the whole clean-up, too, where the folder of their episodes is given.
    """
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
    rest = [part for name, part in parts.items() if name != "actors"]
    _leave_actors_out(made["actors"], rest, hear)
    rest = [part for name, part in parts.items() if name != "speech-tune"]
    for person in PEOPLE:
        _leave_person_out(person, made["speech-tune"], rest, hear)


def _leave_actors_out(items: Sequence[Heard], rest: Sequence[_Part], hear: Path | None) -> None:
    """Print what is found of characters of a game by judges that met two thirds of the others."""
    apart = [item for item in items if episode_games.SCENES not in item.name]
    names = sorted({_character(item) for item in apart if item.truth.fillers})
    listened = [f"actors-{name}-{number}" for name in names for number in (1, 2)]
    names += sorted({_character(item) for item in apart} - set(names))
    listened += [f"actors-{name}-1" for name in names]
    alone, whole = Strangers(), Strangers()
    for fold in range(NUM_FOLDS):
        left = [item for item in apart if _character(item) in names[fold::NUM_FOLDS]]
        judge = _fitted([*rest, _part("actors", [item for item in apart if item not in left])])
        alone.add(left, _told(left, judge, LEAST[2]))
        if hear:
            heard_too = [item for item in left if item.name in listened]
            whole.add(heard_too, _cleaned_up(heard_too, judge, hear))
    print(f"{len(names)} characters left out, {alone}")
    if hear:
        print(f"the same in the whole clean-up, {whole}", flush=True)


def _character(item: Heard) -> str:
    return item.name.split("-")[1]


def _leave_person_out(
    person: str, items: Sequence[Heard], rest: Sequence[_Part], hear: Path | None
) -> None:
    """Print what is found of the fillers of a person by judges that met the other people only.

    People share episodes, so a judge is fitted on half of these, and read on the others.
    """
    alone, whole = Strangers(person), Strangers(person)
    for half in (0, 1):
        judge = _fitted([*rest, _part("speech", items[half::2], person)])
        left = items[1 - half :: 2]
        alone.add(left, _told(left, judge, LEAST[2]))
        if hear:
            whole.add(left, _cleaned_up(left, judge, hear))
    print(f"{person} left out, {alone}")
    if hear:
        print(f"the same in the whole clean-up, {whole}", flush=True)


@dataclass(slots=True)
class Strangers:
    """What is found of people who were left out.

    Attributes:
        person: how the voices begin whose fillers count; all if empty.
        minutes: of their episodes.
        there: their fillers.
        found: those of them that are told.
        wrong: what is told and nobody's filler.
    """

    person: str = ""
    minutes: float = 0.0
    there: int = 0
    found: int = 0
    wrong: int = 0

    def add(self, items: Iterable[Heard], told: _Told) -> None:
        """Count what is told of episodes."""
        self.minutes += sum(item.minutes for item in items)
        for truth, spans in told:
            theirs = said_by(self.person, truth)
            known = cleanup_score.time_spans(truth.fillers) + [(a, b) for a, b in truth.music]
            self.there += len(theirs)
            self.found += sum(cleanup_score.matches(one, spans) for one in theirs)
            self.wrong += sum(not cleanup_score.matches(span, known) for span in spans)

    def __str__(self) -> str:
        return f"{self.minutes:.0f} minutes: {self.found} of {self.there}, {self.wrong} wrong"


def _cleaned_up(items: Iterable[Heard], judge: held_vowels.Judge, folder: Path) -> _Told:
    """The fillers that a clean-up takes out without asking, with another judge."""
    listener = Listener(open_ear("pocketsphinx"), default_cache_folder())
    told = []
    for item in items:
        file = probe(folder / f"{item.name}.wav")
        transcript = listener.transcribe(file)
        with mock.patch.object(held_vowels, "fitted_judge", return_value=judge):
            plan = plan_heard(file, load_recipe("podcast"), transcript).plan
        gone = [p for p in plan.proposals if p.kind == "filler" and p.on]
        told.append((item.truth, [(p.start, p.end) for p in gone]))
    return told


def _told(items: Iterable[Heard], judge: held_vowels.Judge, least: float) -> _Told:
    return [
        (i.truth, [span_of(v) for v in held_vowels.surest(i.found, least, judge)]) for i in items
    ]


def _counted(items: Iterable[Heard], judge: held_vowels.Judge, least: float) -> str:
    count = cleanup_score.Count()
    for truth, spans in _told(items, judge, least):
        music = [(a, b) for a, b in truth.music]
        count.add(cleanup_score.time_spans(truth.fillers), spans, music)
    return f"precision {count.precision:.2f}, recall {count.recall:.2f}, F1 {count.f1:.2f}"


def main(argv: list[str]) -> int:
    """Write weights that fit, and print what they find; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="folder in which the episodes stay")
    parser.add_argument("--only-check", action="store_true", help="of the weights that are there")
    parser.add_argument("--leave-out", action="store_true", help="each in turn; writes nothing")
    parser.add_argument("--hear", action="store_true", help="people left out, in a clean-up, too")
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
                _leave_out(made, folder if given.hear else None)
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

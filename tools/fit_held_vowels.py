"""Fit the judge of `speech/held_vowels.py` on made episodes, and see what it does on others.

    SPEECH_DATA=... python tools/fit_held_vowels.py [--keep FOLDER] [--only-check] [--leave-out]

Fitted on the recordings and flite voices of the split "tune", on the voices of four programs, see
`episode_voices.py`, and on five people who say nothing but words, see `episode_prompts.py`; read on
those of "check" and on two programs that nothing was chosen by. Each program counts as much as the
others, however many voices it has. `--keep` leaves the episodes in a folder and takes those that
are there. `--leave-out` writes nothing: each program and each of the five people is left out of a
fit in turn, and judged by it; so is each of the two people whose real fillers there are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import cleanup_score
import episode_prompts
import episode_speech
import episode_voices
import episodes
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qwen_audio_agent.audio.files import blocks, probe
from qwen_audio_agent.audio.hops import hops_of
from qwen_audio_agent.speech import held_vowels

_Floats = NDArray[np.float64]
_Made = list[tuple[Path, episodes.Truth]]
NUM_EPISODES = {"speech": 10, "flite": 5}
WEIGHT = {"speech": 1.0, "flite": 0.5, "prompts": 1.0}
SECONDS = 150.0
PEOPLE = ("mm_", "f_mfa_")  # whose fillers there are, by how their recordings are called
FITTED = ("espeak", "mbrola", "rhvoice", "festival")
APART = ("pico", "piper")
VOICE_SECONDS = 120.0
NUM_PROMPTS = 4
ENGINE_WEIGHT = 600.0  # of all candidates of an engine together
NUM_UNITS = 8
PENALTY = 15.0
STEPS = 120
# Of a program left out of the fit, 0.65 to 0.97 of what the network is 0.5 sure of is right, and
# 0.77 to 0.97 from 0.7 on; so much is told as 0.5.
DOUBT = 0.85
LEAST = (0.3, 0.4, 0.5, 0.6, 0.7)
WEIGHTS = Path(held_vowels.__file__).parent / "lists" / "held_vowels.json"


def _made(path: Path, options: episodes.Options, material: episode_speech.Material) -> _Made:
    if path.exists():
        return [(path, episodes.read_truth(path))]
    return [(path, episodes.make(path, options, material))]


def examples(kind: str, split: str, folder: Path) -> _Made:
    """Episodes of a kind, of the voices of a split."""
    material = episode_speech.material(kind, split)
    made = []
    for seed in range(NUM_EPISODES[kind]):
        path = folder / f"{kind}-{split}-{seed}.wav"
        options = episodes.Options(kind, SECONDS, 1000 + seed, 16_000, 1, split=split)
        made += _made(path, options, material)
    return made


def spoken(engine: str, folder: Path) -> _Made:
    """Two episodes of each voice of an engine."""
    made = []
    for voice in episode_voices.ENGINES[engine].voices:
        paths = [folder / f"{engine}-{voice}-{seed}.wav" for seed in (1, 2)]
        there = all(path.exists() for path in paths)
        material = episode_speech.Material((), ()) if there else _material(engine, voice)
        for seed, path in enumerate(paths, 1):
            options = episodes.Options("flite", VOICE_SECONDS, seed, 16_000, 1)
            made += _made(path, options, material)
    return made


def worded(language: str, folder: Path) -> _Made:
    """Speech in which there is no filler."""
    paths = episode_prompts.prompts(language, NUM_PROMPTS, SECONDS, folder)
    return [(path, episodes.Truth()) for path in paths]


def _material(engine: str, voice: str) -> episode_speech.Material:
    print(f"{engine} speaks as {voice}", file=sys.stderr, flush=True)
    return episode_voices.material(engine, voice)


def rows(path: Path, truth: episodes.Truth, without: str = "") -> tuple[_Floats, _Floats]:
    """Features of the candidates of an episode, and whether each is a filler.

    The fillers of voices whose names begin with `without` are left out.
    """
    said = cleanup_score.time_spans(truth.fillers)
    left_out = [(a, b) for a, b in truth.music] + (_said_by(without, truth) if without else [])
    found = [
        (one.features, cleanup_score.matches((one.start / 100, one.end / 100), said))
        for one in held_vowels.candidates(hops_of(blocks(probe(path))))
        if not cleanup_score.matches((one.start / 100, one.end / 100), left_out)
    ]
    return np.array([f[0] for f in found]), np.array([float(f[1]) for f in found])


def _said_by(person: str, truth: episodes.Truth) -> list[tuple[float, float]]:
    """The fillers of the voices of a person."""
    theirs = [f for f in truth.fillers if str(f["voice"]).startswith(person)]
    return cleanup_score.time_spans(theirs)


def fit(features: _Floats, labels: _Floats, weights: _Floats) -> held_vowels.Judge:
    """Weights of the network, with a penalty on the squares of those of scaled features."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scaled = (features - mean) / scale
    shape = (scaled.shape[1], NUM_UNITS)
    random = np.random.default_rng(0)
    begin = random.normal(0, 1, shape[0] * NUM_UNITS) / np.sqrt(shape[0])
    output = random.normal(0, 1, NUM_UNITS) / np.sqrt(NUM_UNITS)
    edges = np.cumsum([shape[0] * NUM_UNITS, NUM_UNITS, NUM_UNITS])

    def loss(given: _Floats) -> tuple[float, _Floats]:
        flat, bias, out, last = np.split(given, edges)
        hidden = flat.reshape(shape)
        units = np.tanh(scaled @ hidden + bias)
        scores = units @ out + last
        error = weights * (1 / (1 + np.exp(-scores)) - labels)
        back = np.outer(error, out) * (1 - units**2)
        slope = [(scaled.T @ back + PENALTY * hidden).ravel(), back.sum(axis=0)]
        slope += [units.T @ error + PENALTY * out, error.sum(keepdims=True)]
        penalty = PENALTY / 2 * ((hidden**2).sum() + (out**2).sum())
        likely = (weights * (np.logaddexp(0, scores) - labels * scores)).sum()
        return float(likely + penalty), np.concatenate(slope)

    start = np.concatenate([begin, np.zeros(NUM_UNITS), output, [0.0]])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    flat, bias, out, last = np.split(found, edges)
    raw = flat.reshape(shape) / scale[:, None]
    return held_vowels.Judge(raw, bias - mean @ raw, out, float(last[0]) - DOUBT)


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


def _weighted(made: dict[str, _Made]) -> dict[str, tuple[_Floats, _Floats, _Floats]]:
    """Features, labels and weights of the candidates of everything that is fitted on."""
    weighted = {}
    for name, items in made.items():
        parts = [rows(path, truth) for path, truth in items]
        features = np.concatenate([part[0] for part in parts])
        labels = np.concatenate([part[1] for part in parts])
        weight = WEIGHT.get(name.split("-")[0], ENGINE_WEIGHT / len(labels))
        weighted[name] = features, labels, np.full(len(labels), weight)
    return weighted


def _fitted(weighted: Iterable[tuple[_Floats, _Floats, _Floats]]) -> held_vowels.Judge:
    features, labels, weights = zip(*weighted, strict=True)
    return fit(np.concatenate(features), np.concatenate(labels), np.concatenate(weights))


def _leave_out(made: dict[str, _Made]) -> None:
    """Print what each program and person comes to by the judge that never met it."""
    weighted = _weighted(made)
    for name, items in made.items():
        if name in ("speech-tune", "flite-tune"):
            continue
        judge = _fitted(part for other, part in weighted.items() if other != name)
        told = _told(items, judge)
        found = sum(v.confidence >= LEAST[2] for _, vowels in told for v in vowels)
        minutes = sum(probe(path).duration for path, _ in items) / 60
        counted = f"{10 * found / minutes:.1f} in 10 minutes"
        if not name.startswith("prompts"):
            counted = _counted(told, LEAST[2])
        print(f"{name} left out, confidence {LEAST[2]}: {counted}", flush=True)


def _leave_people_out(made: dict[str, _Made]) -> None:
    """Print what is found of the fillers of each person by judges that met the other one only.

    They share episodes, so a judge is fitted on half of these, and read on the others.
    """
    weighted = _weighted({name: items for name, items in made.items() if name != "speech-tune"})
    for person in PEOPLE:
        there = found = wrong = 0
        for half in (0, 1):
            parts = [rows(*item, without=person) for item in made["speech-tune"][half::2]]
            features, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
            met = features, labels, np.full(len(labels), WEIGHT["speech"])
            judge = _fitted([*weighted.values(), met])
            for truth, vowels in _told(made["speech-tune"][1 - half :: 2], judge):
                spans = [(v.start, v.end) for v in vowels if v.confidence >= LEAST[2]]
                theirs = _said_by(person, truth)
                known = cleanup_score.time_spans(truth.fillers) + [(a, b) for a, b in truth.music]
                there += len(theirs)
                found += sum(cleanup_score.matches(one, spans) for one in theirs)
                wrong += sum(not cleanup_score.matches(span, known) for span in spans)
        print(f"{person} left out, confidence {LEAST[2]}: {found} of {there}, {wrong} wrong")


def _told(
    items: _Made, judge: held_vowels.Judge | None = None
) -> list[tuple[episodes.Truth, list[held_vowels.HeldVowel]]]:
    return [
        (truth, held_vowels.find_held_vowels(hops_of(blocks(probe(path))), judge=judge))
        for path, truth in items
    ]


def _counted(
    told: Sequence[tuple[episodes.Truth, list[held_vowels.HeldVowel]]], least: float
) -> str:
    """Precision and recall of the weights that are in the module."""
    count = cleanup_score.Count()
    for truth, vowels in told:
        found = [(v.start, v.end) for v in vowels if v.confidence >= least]
        music = [(a, b) for a, b in truth.music]
        count.add(cleanup_score.time_spans(truth.fillers), found, music)
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
            made = {f"{kind}-tune": examples(kind, "tune", folder) for kind in NUM_EPISODES}
            made |= {engine: spoken(engine, folder) for engine in FITTED}
            made |= {f"prompts-{name}": worded(name, folder) for name in episode_prompts.LANGUAGES}
            if given.leave_out:
                _leave_out(made)
                _leave_people_out(made)
                return 0
            write(_fitted(_weighted(made).values()))
        checked = {
            f"{kind}-{split}": examples(kind, split, folder)
            for kind in NUM_EPISODES
            for split in episode_speech.SPLITS
        }
        checked |= {engine: spoken(engine, folder) for engine in APART}
        for name, items in checked.items():
            told = _told(items)
            for least in LEAST:
                print(f"{name}, confidence {least}: {_counted(told, least)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

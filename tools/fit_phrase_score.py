"""Fit the weights of `speech/ears/phrase_search.py` on recordings with transcripts; measure them.

    SPEECH_DATA=... python tools/fit_phrase_score.py [FOLDER ...]

Each folder has a truth.json: a list of {"id", "file", "duration", "kind", "transcript"}. Phrases of
one to three words are drawn from each transcript (they are there) and from the others (they are
not), and some are made wrong by one word. Printed: found and falsely found in recordings that the
fit has not seen (six folds), then the weights fitted on all of them.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio import files
from qwen_audio_agent.speech.ears.phrase_search import Place
from qwen_audio_agent.speech.ears.pocketsphinx import PocketSphinxEar
from qwen_audio_agent.speech.words import Word

Floats = NDArray[np.float64]
KINDS = {"read", "short commands", "long read", "speech", "prompt"}
LONGEST = 40.0  # seconds
FOLDS = 6
RIDGE = 1.0


@dataclass(frozen=True)
class Case:
    """One phrase looked for in one recording; `right` says which of its places are true."""

    recording: str
    phrase: tuple[str, ...]
    is_there: bool
    places: tuple[Place, ...]
    right: tuple[bool, ...]

    @property
    def length_class(self) -> str:
        if len(self.phrase) > 1:
            return f"{len(self.phrase)} words"
        return "long word" if self.places and self.places[0].evidence.size > 1.7 else "short word"


def overlaps(place: Place, said: Sequence[Word]) -> bool:
    """Whether a place is where the words are said, by more than half of both together."""
    first, last = place.first / 100, (place.last + 1) / 100
    common = min(last, said[-1].end) - max(first, said[0].start)
    return common > 0.5 * (max(last, said[-1].end) - min(first, said[0].start))


def draw(texts: dict[str, list[str]], recording: str, rng: random.Random) -> set[tuple[str, ...]]:
    """Phrases to look for in a recording: its own, those of others, and some wrong by one word."""
    others = [text for name, text in texts.items() if name != recording]
    phrases = set()
    for i in range(36):
        source = texts[recording] if i % 2 else rng.choice(others)
        size = rng.choice((1, 1, 1, 2, 2, 3))
        at = rng.randrange(max(1, len(source) - size + 1))
        phrase = source[at : at + size]
        if size > 1 and i % 9 == 1:
            phrase[rng.randrange(len(phrase))] = rng.choice(rng.choice(others))
        phrases.add(tuple(phrase))
    return phrases


def cases(folder: Path, ear: PocketSphinxEar) -> list[Case]:
    """Look for all phrases in all recordings of a folder."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    truth = truth if isinstance(truth, list) else truth["recordings"]
    truth = [r for r in truth if r["kind"] in KINDS and r["duration"] < LONGEST]
    texts = {r["id"]: r["transcript"].split() for r in truth}
    rng, made = random.Random(0), []  # noqa: S311 - no secret is drawn
    for record in truth:
        audio = files.read(files.probe(folder / record["file"]))
        text = texts[record["id"]]
        said, search = ear.align(audio, text), ear.search(audio)
        for phrase in sorted(draw(texts, record["id"], rng)):
            at = [i for i in range(len(text)) if tuple(text[i : i + len(phrase)]) == phrase]
            spans = [said[i : i + len(phrase)] for i in at]
            places = tuple(search.places(phrase))
            right = tuple(any(overlaps(place, span) for span in spans) for place in places)
            made.append(Case(record["id"], phrase, bool(at), places, right))
    return made


def fit(chosen: Sequence[Case]) -> Floats:
    """Logistic regression with a ridge, by Newton's method; the intercept comes last."""
    rows = np.array([place.evidence.values for case in chosen for place in case.places])
    right = np.array([r for case in chosen for r in case.right], float)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    inputs = np.c_[(rows - mean) / scale, np.ones(len(rows))]
    weights = np.zeros(inputs.shape[1])
    for _ in range(40):
        p = 1 / (1 + np.exp(-inputs @ weights))
        curvature = (inputs * (p * (1 - p))[:, None]).T @ inputs + RIDGE * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, inputs.T @ (p - right) + RIDGE * weights)
    unscaled = weights[:-1] / scale
    return np.append(unscaled, weights[-1] - unscaled @ mean)


def held_out(all_cases: Sequence[Case]) -> list[tuple[Case, float, bool]]:
    """Each case with its best log-odds and whether that place is right; unseen by the weights."""
    names = sorted({case.recording for case in all_cases})
    random.Random(1).shuffle(names)  # noqa: S311
    judged = []
    for k in range(FOLDS):
        unseen = set(names[k::FOLDS])
        weights = fit([case for case in all_cases if case.recording not in unseen])
        for case in all_cases:
            if case.recording in unseen and case.places:
                odds = [p.evidence.values @ weights[:-1] + weights[-1] for p in case.places]
                top = int(np.argmax(odds))
                judged.append((case, float(odds[top]), case.right[top]))
    return judged


def main() -> None:
    """Measure, then fit on everything."""
    folders = [Path(name) for name in sys.argv[1:]] or [Path(os.environ["SPEECH_DATA"])]
    ear = PocketSphinxEar()
    all_cases = [case for folder in folders for case in cases(folder, ear)]
    judged = held_out(all_cases)
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5):
        odds = float(np.log(threshold / (1 - threshold)))
        print(f"probability {threshold}")
        for name in ("short word", "long word", "2 words", "3 words"):
            mine = [j for j in judged if j[0].length_class == name]
            there = [o > odds and right for case, o, right in mine if case.is_there]
            absent = [o > odds for case, o, _ in mine if not case.is_there]
            print(f"  {name:10} found {np.mean(there):6.1%} of {len(there):4}", end="")
            print(f"   falsely found {np.mean(absent):6.1%} of {len(absent):4}")
    *weights, intercept = fit(all_cases)
    print("_WEIGHTS =", tuple(round(float(weight), 4) for weight in weights))
    print("_INTERCEPT =", round(float(intercept), 4))


if __name__ == "__main__":
    main()

"""Fit the weights of `speech/held_vowels.py` on made episodes, and see what they do on others.

    SPEECH_DATA=... python tools/fit_held_vowels.py

Fitted on the voices of the split "tune", read on those of "check", which nothing was chosen by.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cleanup_score
import episode_speech
import episodes
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qwen_audio_agent.audio.files import blocks, probe
from qwen_audio_agent.speech import held_vowels

_Floats = NDArray[np.float64]
NUM_EPISODES = {"speech": 10, "flite": 5}
WEIGHT = {"speech": 1.0, "flite": 0.5}
SECONDS = 150.0
PENALTY = 30.0
LEAST = (0.3, 0.4, 0.5, 0.6, 0.7)


def examples(kind: str, split: str, folder: Path) -> list[tuple[Path, episodes.Truth]]:
    """Episodes of a kind, of the voices of a split."""
    material = episode_speech.material(kind, split)
    made = []
    for seed in range(NUM_EPISODES[kind]):
        path = folder / f"{kind}-{split}-{seed}.wav"
        options = episodes.Options(kind, SECONDS, 1000 + seed, 16_000, 1, split=split)
        made.append((path, episodes.make(path, options, material)))
    return made


def rows(path: Path, truth: episodes.Truth) -> tuple[_Floats, _Floats]:
    """Features of the candidates of an episode, and whether each is a filler."""
    said = cleanup_score.time_spans(truth.fillers)
    music = [(a, b) for a, b in truth.music]
    found = [
        (one.features, cleanup_score.matches((one.start / 100, one.end / 100), said))
        for one in held_vowels.candidates(blocks(probe(path)))
        if not cleanup_score.matches((one.start / 100, one.end / 100), music)
    ]
    return np.array([f[0] for f in found]), np.array([float(f[1]) for f in found])


def fit(features: _Floats, labels: _Floats, weights: _Floats) -> tuple[_Floats, float]:
    """Logistic regression with a penalty on the squares of the weights of scaled features."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scaled = np.column_stack([(features - mean) / scale, np.ones(len(features))])

    def loss(given: _Floats) -> tuple[float, _Floats]:
        scores = scaled @ given
        slope = scaled.T @ (weights * (1 / (1 + np.exp(-scores)) - labels))
        slope[:-1] += PENALTY * given[:-1]
        penalty = PENALTY / 2 * (given[:-1] ** 2).sum()
        return float((weights * (np.logaddexp(0, scores) - labels * scores)).sum() + penalty), slope

    found = minimize(loss, np.zeros(scaled.shape[1]), jac=True).x
    raw = found[:-1] / scale
    return raw, float(found[-1] - raw @ mean)


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


def main() -> int:
    """Print weights that fit, and what those of the module find; exit status 0."""
    with tempfile.TemporaryDirectory() as folder:
        made = {
            (kind, split): examples(kind, split, Path(folder))
            for kind in NUM_EPISODES
            for split in episode_speech.SPLITS
        }
        parts = [
            (*rows(path, truth), WEIGHT[kind])
            for (kind, split), items in made.items()
            if split == "tune"
            for path, truth in items
        ]
        features = np.concatenate([part[0] for part in parts])
        labels = np.concatenate([part[1] for part in parts])
        weights = np.concatenate([np.full(len(part[1]), part[2]) for part in parts])
        raw, bias = fit(features, labels, weights)
        print("weights", [round(float(value), 3) for value in raw], "bias", round(bias, 3))
        for (kind, split), items in made.items():
            told = [(truth, held_vowels.find_held_vowels(blocks(probe(p)))) for p, truth in items]
            for least in LEAST:
                print(f"{kind}, {split}, confidence {least}: {_counted(told, least)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

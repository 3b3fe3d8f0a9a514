"""`benchmark.py denoise`: quality, delay and speed of ways to take noise out, side by side.

Six readers of $SPEECH_DATA, clean and under nine made noises at 0, 5, 10 and 15 dB, at 16 kHz.
Figures are changes against the noisy input: wide-band PESQ, ESTOI, SI-SDR; clean speech is compared
with itself (4.64 is untouched). Delay and speed are measured at 48 kHz.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import denoise_ways
import measuring
import noises
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from pesq import pesq
from pystoi import stoi

RATE = 16_000
SPEAKERS = ("quilter", "lj050", "libri1088", "libri2412a", "lv_0890", "shelley")
CROWD = ("sonnet1", "mm_cold_corpus", "mm_cold_corpus3", "mm_acoustic", "jfk", "lv_0870", "lv_0880")
SNRS_DB = (0, 5, 10, 15)
LONGEST = 9 * RATE

Sound = NDArray[np.float32]


def si_sdr(reference: Sound, made: Sound) -> float:
    """Scale-invariant signal-to-distortion ratio in dB. Source: Le Roux et al., ICASSP 2019."""
    target = reference * (np.dot(made, reference) / np.dot(reference, reference))
    return float(10 * np.log10(np.sum(target**2) / (np.sum((made - target) ** 2) + 1e-12)))


@dataclass(frozen=True)
class Case:
    """One reader under one noise; the scores are those of the noisy input."""

    noise: str
    clean: Sound
    noisy: Sound
    scores: NDArray[np.float64]


def scores(clean: Sound, made: Sound) -> NDArray[np.float64]:
    """PESQ, ESTOI, SI-SDR."""
    intelligible = stoi(clean, made, RATE, extended=True)
    return np.array([pesq(RATE, clean, made, "wb"), intelligible, si_sdr(clean, made)])


def cases(folder: Path) -> Iterator[Case]:
    """Every reader, clean and under every noise."""

    def read(name: str) -> Sound:
        samples, rate = soundfile.read(folder / f"{name}.flac", dtype="float32")
        return np.asarray(soxr.resample(samples, rate, RATE)[:LONGEST], np.float32)

    voices = [read(name).astype(np.float64) for name in CROWD]
    for place, name in enumerate(SPEAKERS):
        clean = read(name)
        clean *= 0.3 / np.abs(clean).max()
        yield Case("clean", clean, clean, np.zeros(3))
        kinds = noises.make_noises(np.random.default_rng(place), len(clean), RATE, voices)
        for count, (kind, make) in enumerate(kinds.items()):
            noise = make()
            snr_db = SNRS_DB[(place + count) % len(SNRS_DB)]
            noise *= clean.std() / noise.std() * 10 ** (-snr_db / 20)
            noisy = (clean + noise).astype(np.float32)
            yield Case(kind, clean, noisy, scores(clean, noisy))


def delay_and_speed(way: denoise_ways.Way, clean: Sound) -> tuple[int, float]:
    """Frames that speech comes late at 48 kHz, and seconds of sound per second of one core."""
    sound = np.tile(soxr.resample(clean, RATE, 48_000), 8)
    started = sum(os.times()[:4])
    made = way(sound, 48_000)
    speed = len(sound) / 48_000 / (sum(os.times()[:4]) - started)
    spectrum = np.fft.rfft(made) * np.conj(np.fft.rfft(sound))
    likeness = np.roll(np.fft.irfft(spectrum, len(sound)), 4800)
    return int(np.argmax(likeness[:9600])) - 4800, speed


def row_of(name: str, way: denoise_ways.Way, measured: list[Case]) -> dict[str, object]:
    """One line of the table."""
    gains: dict[str, list[NDArray[np.float64]]] = {}
    for case in measured:
        gain = scores(case.clean, way(case.noisy, RATE)) - case.scores
        gains.setdefault(case.noise, []).append(gain)
    print(f"{name}: done", file=sys.stderr, flush=True)
    clean = np.array(gains.pop("clean"))
    means = {noise: np.mean(values, axis=0) for noise, values in gains.items()}
    overall = np.mean(list(means.values()), axis=0)
    delay, speed = delay_and_speed(way, measured[0].clean)
    row: dict[str, object] = dict(
        zip(("dPESQ", "dESTOI", "dSI-SDR"), overall.tolist(), strict=True)
    )
    row |= {"clean PESQ": float(clean[:, 0].mean()), "worst": float(clean[:, 0].min())}
    row |= {"clean SI-SDR": float(clean[:, 2].mean()), "delay": delay, "x real time": speed}
    return {"way": name} | row | {f"dPESQ {noise}": float(v[0]) for noise, v in means.items()}


def main(argv: list[str]) -> int:
    """Print the table; exit status 0, or 2 without recordings."""
    parser = argparse.ArgumentParser(prog="benchmark.py denoise", description=__doc__)
    parser.add_argument("--rnn-model", help="a model for ffmpeg's arnndn")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    if "SPEECH_DATA" not in os.environ:
        print("set SPEECH_DATA to the folder of recordings with truth", file=sys.stderr)
        return 2
    ways = denoise_ways.all_ways(arguments.rnn_model)
    measured = list(cases(Path(os.environ["SPEECH_DATA"])))
    rows = [row_of(name, way, measured) for name, way in ways.items()]
    print(json.dumps(rows, indent=1) if arguments.json else measuring.table(rows))
    return 0

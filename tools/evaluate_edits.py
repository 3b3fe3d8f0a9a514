"""`evaluate.py edits`: random edits of recordings with truth, and what they did to the sound.

    SPEECH_DATA=... python tools/evaluate.py edits [FOLDER ...] [--edits 2000] [--words 300]

Two parts. Sound: cut, keep, replace, move, silence and insert at random times of each recording, as
it is and at 44.1 kHz in stereo with 24 bits, with parts of a recording at another rate. Words: cuts
of labelled words by name, through an ear, against the labels of their neighbours.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import edit_trials
import measuring
import numpy as np
import soundfile
import soxr
import truth
import word_cuts

SHORTEST_S, LONGEST_S = 2.0, 30.0
STEREO_RATE = 44_100


def variants(recordings: list[truth.Recording], folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each recording as it is and in stereo at another rate: what is edited, what is taken from."""
    for recording in recordings:
        samples, rate = soundfile.read(recording.path, dtype="float64", always_2d=True)
        if not SHORTEST_S <= len(samples) / rate <= LONGEST_S:
            continue
        mono = soxr.resample(samples[:, 0], rate, STEREO_RATE)
        # The second channel is the first one, later and quieter: no copy of it.
        stereo = np.stack([mono, 0.7 * np.roll(mono, 17)], axis=1) * 0.9
        path = folder / f"{recording.id}-stereo.wav"
        soundfile.write(path, stereo, STEREO_RATE, "PCM_24")
        yield recording.path, path
        yield path, recording.path


def sound(recordings: list[truth.Recording], num_edits: int, seed: int) -> dict[str, object]:
    """The figures of random edits."""
    rng, tally = random.Random(seed), edit_trials.Tally()  # noqa: S311 - no secret is drawn
    with tempfile.TemporaryDirectory() as folder:
        pairs = list(variants(recordings, Path(folder)))
        rng.shuffle(pairs)
        each = -(-num_edits // len(pairs))
        for number, (path, other) in enumerate(pairs):
            if sum(tally.edits.values()) >= num_edits:
                break
            bench = edit_trials.Bench.open(Path(folder) / f"session-{number}", path, other)
            with bench.session:
                for _ in range(min(each, num_edits - sum(tally.edits.values()))):
                    bench.edit(rng, tally)
            done = sum(tally.edits.values())
            print(f"{done} of {num_edits} edits, {tally.clicks} clicks", file=sys.stderr)
        drift = edit_trials.drift(pairs[0][0], Path(folder) / "drift", rng)
    return {
        "edits": sum(tally.edits.values()),
        "samples that must stay": tally.kept,
        "of them changed": tally.changed,
        "edges over 40 ms from the asked time": tally.far_off,
        "lengths off": tally.lengths_off,
        "joins": tally.joins,
        "clicks": tally.clicks,
        "level steps beyond 99 % of unedited places": tally.level_steps,
        "frames mapped to the source and back": tally.round_trips,
        "of them lost": tally.lost,
        "samples drifted after 500 edits": drift,
        "bytes on disk per edit (median)": round(statistics.median(tally.journal_bytes)),
    }


def main(argv: list[str]) -> int:
    """Print the tables; exit status 0."""
    parser = argparse.ArgumentParser(prog="evaluate.py edits", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="with truth.json; or SPEECH_DATA")
    parser.add_argument("--edits", type=int, default=2000, help="random edits; 0 for none")
    parser.add_argument("--words", type=int, default=300, help="cuts of words; 0 for none")
    parser.add_argument("--ear", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    recordings = [r for f in truth.folders(arguments.folders) for r in truth.read_folder(f)]
    result: dict[str, list[dict[str, object]]] = {}
    if arguments.edits:
        found = sound(recordings, arguments.edits, arguments.seed)
        result["sound"] = [{"measure": name, "value": value} for name, value in found.items()]
    if arguments.words:
        result["words"] = word_cuts.rows(recordings, arguments.words, arguments.ear, arguments.seed)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return 0
    for rows in result.values():
        print(measuring.table(rows) + "\n")
    return 0

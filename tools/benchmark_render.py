"""`benchmark.py render`: many cuts in a long recording, each contender as a whole process.

The limit is to decode and encode what is kept, with no fades and no list of edits: no renderer can
do less. Contenders that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import measuring
import numpy as np
import render_ways
import soundfile
from render_ways import BLOCK, PROGRAMS, PYTHON, SAMPLE_RATE, Kept


def make_recording(path: Path, minutes: float) -> None:
    """Speech-like noise, stereo, 16 bit: bursts of syllable length over a quiet floor."""
    random = np.random.default_rng(1)
    frames = int(minutes * 60 * SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_16") as file:
        for start in range(0, frames, BLOCK):
            count = min(BLOCK, frames - start)
            time = (start + np.arange(count)) / SAMPLE_RATE
            level = 0.001 + 0.2 * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
            file.write(level[:, None] * random.standard_normal((count, 2)) / 3)


def kept_spans(frames: int, cuts: int) -> Kept:
    """What stays when `cuts` stretches of 0.3 s at random places go."""
    random = np.random.default_rng(2)
    cell = frames // cuts
    starts = [
        i * cell + int(random.integers(cell // 4, cell - SAMPLE_RATE // 2)) for i in range(cuts)
    ]
    edges = [0, *(e for start in starts for e in (start, start + int(0.3 * SAMPLE_RATE))), frames]
    return [[edges[i], edges[i + 1]] for i in range(0, len(edges), 2)]


def contenders(
    names: list[str], source: Path, spans: Path, out: Path
) -> Iterator[tuple[str, list[str]]]:
    """Each contender with the command that runs it."""
    kept = json.loads(spans.read_text())
    for name in names:
        if name in PYTHON:
            yield (
                name,
                [sys.executable, render_ways.__file__, name, str(source), str(spans), str(out)],
            )
        elif shutil.which(name):
            yield name, PROGRAMS[name](str(source), kept, str(out))
        else:
            print(f"{name} is not installed: left out", file=sys.stderr)


def main(argv: list[str]) -> int:
    """Print the table; exit status 0."""
    parser = argparse.ArgumentParser(prog="benchmark.py render", description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[15, 30, 60])
    parser.add_argument("--cuts-per-hour", type=int, default=500)
    parser.add_argument("--format", choices=["wav", "flac"], default="wav")
    parser.add_argument(
        "--only", nargs="+", choices=[*PYTHON, *PROGRAMS], default=[*PYTHON, *PROGRAMS]
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the fastest counts")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for minutes in arguments.minutes:
            source = Path(folder) / f"source.{arguments.format}"
            spans, out = Path(folder) / "spans.json", Path(folder) / f"out.{arguments.format}"
            make_recording(source, minutes)
            kept = kept_spans(
                int(minutes * 60 * SAMPLE_RATE), round(minutes * arguments.cuts_per_hour / 60)
            )
            spans.write_text(json.dumps(kept))
            base = None
            for name, command in contenders(arguments.only, source, spans, out):
                repeat = 1 if name in ("pydub", "ffmpeg") else arguments.repeat
                costs = []
                for _ in range(repeat):
                    # To throw an old hour away takes a tenth of a second, whoever has to do it.
                    out.unlink(missing_ok=True)
                    costs.append(measuring.run(command))
                cost = min(costs, key=lambda c: c.wall_s)
                base = base or cost.wall_s
                rows.append(
                    {
                        "minutes": minutes,
                        "way": name,
                        "wall s": cost.wall_s,
                        "x limit": cost.wall_s / base,
                        "CPU s": cost.cpu_s,
                        "peak MiB": round(cost.peak_mib),
                    }
                )
                print(rows[-1], file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1) if arguments.json else measuring.table(rows))
    return 0

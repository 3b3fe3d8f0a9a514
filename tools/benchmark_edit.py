"""`benchmark.py edit`: the whole command, from a sentence to the written file, as one process.

The recording is the sample of this repository said again and again, at 44.1 kHz stereo. "first"
hears it for the first time; "again" finds what was heard in the cache, as every later edit does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import measuring
import numpy as np
import soundfile
import soxr

SAMPLE = Path(__file__).resolve().parent.parent / "examples" / "interview.flac"
SAMPLE_RATE = 44_100
INSTRUCTION = 'Cut the first "old wooden gate", then cut the last "healthy in winter"'


def make_recording(path: Path, minutes: float) -> float:
    """Repeat the sample until it is `minutes` long; its length in seconds."""
    samples, sample_rate = soundfile.read(SAMPLE, dtype="float32")
    stereo = np.repeat(soxr.resample(samples, sample_rate, SAMPLE_RATE)[:, None], 2, axis=1)
    times = max(1, round(minutes * 60 * SAMPLE_RATE / len(stereo)))
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_16") as file:
        for _ in range(times):
            file.write(stereo)
    return times * len(stereo) / SAMPLE_RATE


def main(argv: list[str]) -> int:
    """Print the table; exit status 0."""
    parser = argparse.ArgumentParser(prog="benchmark.py edit", description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 2, 4])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["QWEN_AUDIO_AGENT_CACHE"] = str(Path(folder) / "cache")
        for minutes in arguments.minutes:
            source = Path(folder) / f"{minutes}.wav"
            duration = make_recording(source, minutes)
            for run in ("first", "again"):
                output = Path(folder) / f"{minutes}-{run}.wav"
                command = [sys.executable, "-m", "qwen_audio_agent", "edit", str(source)]
                cost = measuring.run([*command, INSTRUCTION, "-o", str(output), "--quiet"])
                rows.append(
                    {
                        "seconds of speech": duration,
                        "run": run,
                        "wall s": cost.wall_s,
                        "wall / speech": cost.wall_s / duration,
                        "CPU s": cost.cpu_s,
                        "peak MiB": round(cost.peak_mib),
                    }
                )
                print(rows[-1], file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1) if arguments.json else measuring.table(rows))
    return 0

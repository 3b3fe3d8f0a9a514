"""Measure this package beside others, in one run on one machine.

    python tools/benchmark.py render     500 cuts in an hour of stereo beside pydub, ffmpeg, sox
    python tools/benchmark.py edit       the whole command, from sentence to file, and again
    python tools/benchmark.py denoise    quality, delay, speed beside noisereduce and ffmpeg
    python tools/benchmark.py effects    each effect and the podcast chain, on one core
    python tools/benchmark.py model      the native network beside transformers' own, reuse of turns
    python tools/benchmark.py cleanup    clean-ups beside auto-editor, ffmpeg, sox, pydub

Each prints a Markdown table, or JSON with --json; `--help` after the name shows its options.
"""

from __future__ import annotations

import sys

import measuring

BENCHMARKS = ("render", "edit", "denoise", "effects", "model", "cleanup")


if __name__ == "__main__":
    sys.exit(measuring.run_named("benchmark", BENCHMARKS, __doc__, sys.argv[1:]))

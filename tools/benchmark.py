"""Measure this package beside others, in one run on one machine.

    python tools/benchmark.py render     500 cuts in an hour of stereo beside pydub, ffmpeg, sox
    python tools/benchmark.py edit       the whole command, from sentence to file, and again
    python tools/benchmark.py denoise    quality, delay, speed beside noisereduce and ffmpeg

Each prints a Markdown table, or JSON with --json; `--help` after the name shows its options.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

BENCHMARKS = ("render", "edit", "denoise")


def main(argv: list[str]) -> int:
    """Run the benchmark that the first argument names."""
    if not argv or argv[0] not in BENCHMARKS:
        print(__doc__, file=sys.stderr)
        return 2
    sys.path.insert(0, str(Path(__file__).parent))
    module = importlib.import_module(f"benchmark_{argv[0]}")
    return int(module.main(argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

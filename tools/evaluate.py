"""Measure how well the package hears, edits and plans, on recordings and sentences with truth.

    python tools/evaluate.py ears        words, times, fillers and phrase search of every ear
    python tools/evaluate.py edits       random edits: clipped words, leaks, clicks, lost samples
    python tools/evaluate.py agent       instructions with their expected plans
    python tools/evaluate.py cleanup     made episodes: what is found, lost, clicks

Each prints a Markdown table, or JSON with --json; `--help` after the name shows its options.
"""

from __future__ import annotations

import sys

import measuring

EVALUATIONS = ("ears", "edits", "agent", "cleanup")


if __name__ == "__main__":
    sys.exit(measuring.run_named("evaluate", EVALUATIONS, __doc__, sys.argv[1:]))

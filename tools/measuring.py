"""What benchmarks and evaluations share: whole processes as measured, and figures as a table."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


def run_named(script: str, names: Sequence[str], usage: str | None, argv: list[str]) -> int:
    """Run the module `SCRIPT_NAME` beside this one that the first argument names; exit status."""
    if not argv or argv[0] not in names:
        print(usage, file=sys.stderr)
        return 2
    return int(importlib.import_module(f"{script}_{argv[0]}").main(argv[1:]))


@dataclass(frozen=True)
class Cost:
    """What one process took.

    Attributes:
        wall_s: seconds from start to end.
        cpu_s: seconds of all cores, user and system.
        peak_mib: the largest resident set.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float


_LAUNCH = """
import json, os, sys, time
started = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - started
print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run(command: Sequence[str]) -> Cost:
    """Run a command to its end, alone.

    A small process starts it: a child's peak memory counts from what its parent holds.

    Raises:
        RuntimeError: it failed; with what it printed.
    """
    launch = [sys.executable, "-S", "-c", _LAUNCH, *command]
    done = subprocess.run(launch, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return Cost(*json.loads(done.stdout.splitlines()[-1]))


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with the same keys as a Markdown table."""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        cells = [f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

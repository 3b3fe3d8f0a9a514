"""What the benchmarks share: run a command as a whole process, and print figures as a table."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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


def run(command: Sequence[str]) -> Cost:
    """Run a command to its end, alone.

    Raises:
        RuntimeError: it failed; with what it printed.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(list(command), stdout=subprocess.DEVNULL, stderr=printed)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            printed.seek(0)
            told = printed.read()[-500:]
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {told}")
    return Cost(
        time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    )


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with the same keys as a Markdown table."""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        cells = [f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

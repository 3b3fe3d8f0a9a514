"""The command that cleans many episodes up: batch."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from qwen_audio_agent.cleanup.batch import Entry, Moment, Options, Summary, clean_up_all
from qwen_audio_agent.cleanup.batch.places import join
from qwen_audio_agent.cleanup.batch.summary import JSON_NAME
from qwen_audio_agent.cli.ears import named_ear
from qwen_audio_agent.cli.one_line import json_line, one_line
from qwen_audio_agent.cli.progress import Progress

DONE, FAILED = 0, 1


def batch(arguments: argparse.Namespace) -> int:
    """Clean recordings up by a recipe; those that fail do not stop the others."""
    is_chatty = not (arguments.quiet or arguments.json)
    named_ear(arguments.ear)
    suffix = f".{arguments.format.lstrip('.')}" if arguments.format else ""
    with Progress("batch", enabled=is_chatty and sys.stderr.isatty()) as bar:
        summary = clean_up_all(
            arguments.inputs,
            arguments.output,
            arguments.recipe,
            workers=arguments.workers,
            engine=arguments.engine,
            progress=_Teller(bar, arguments),
            options=Options(ear=arguments.ear, suffix=suffix),
        )
        if is_chatty:
            for name in summary.kept:
                bar.line(one_line(f"kept {join(summary.folder, name)}, the file that was there"))
            bar.line(_about(summary))
    if arguments.json:
        _print({"type": "result", **{k: v for k, v in summary.to_json().items() if k != "files"}})
    return FAILED if summary.num("failed") else DONE


class _Teller:
    """One line for each episode, above a bar where there is a terminal."""

    def __init__(self, bar: Progress, arguments: argparse.Namespace) -> None:
        self._bar = bar
        self._arguments = arguments

    def __call__(self, moment: Moment) -> None:
        entry = moment.entry
        if entry and self._arguments.json:
            _print({"type": "episode", "was_done": moment.was_done, **entry.to_json()})
        elif entry and (entry.status == "failed" or not self._arguments.quiet):
            place = f"[{moment.num_ended}/{moment.num_jobs}]"
            self._bar.line(one_line(f"{place} {entry.input}: {_told(entry, moment.was_done)}"))
        self._bar(min(moment.share, 0.999))  # what comes after the last episode takes a moment


def _told(entry: Entry, was_done: bool) -> str:
    if entry.status == "failed":
        return f"failed: {entry.error}"
    before, after = entry.seconds_before or 0.0, entry.seconds_after or 0.0
    parts = [f"{_clock(before)} -> {_clock(after)}", _counted(entry.counts)]
    if entry.lufs_before is not None and entry.lufs_after is not None:
        parts.append(f"{entry.lufs_before:.1f} -> {entry.lufs_after:.1f} LUFS")
    return ("already done: " if was_done else "done: ") + ", ".join(filter(None, parts))


def _about(summary: Summary) -> str:
    """The last line: what became of all of them."""
    told = f"{summary.num('done')} done"
    if summary.num("failed"):
        told += f", {summary.num('failed')} failed"
    removed = _clock(summary.seconds_before - summary.seconds_after)
    place = join(summary.folder, JSON_NAME)
    return one_line(f"{told}; {_clock(summary.seconds_before)}, {removed} shorter   {place}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items())


def _clock(seconds: float) -> str:
    """`1:02:03`, `2:03`, or `-0:04`."""
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if round(seconds) < 0 else ""
    return sign + (f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}")


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json_line(value) + "\n")
    sys.stdout.flush()

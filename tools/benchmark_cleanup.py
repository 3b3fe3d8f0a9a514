"""`benchmark.py cleanup`: taking silence out of long episodes, beside other tools, and the whole.

The episodes are stereo, 44.1 kHz, 24 bit: voiced bursts with exact truth in the tone of a room.
Every tool is told the same limit and leaves the same gap (see `cleanup_ways`). What each did is
worked out from the samples of its output, ours as well. How fast it is counts seconds of a core,
for others may use the machine. "ours, edits" and "ours, whole" do the recipe "podcast" on episodes
with speech-like pauses whose words are known, for hearing is measured apart: `--hearing MINUTES`
decodes speech with one and with two processes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import cleanup_score
import cleanup_ways
import episode_files
import episodes
import kept_parts
import measuring
from cleanup_ways import PROGRAMS, PYTHON

from qwen_audio_agent.audio.files import AudioWriter, blocks, probe, read
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.clicks import measure_join, ordinary_measure
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener

WAYS = (*PYTHON, *PROGRAMS, "auto-editor")
Row = dict[str, object]
_LONGEST_PYDUB_MINUTES = 15
_ORDINARY_S = 60.0
_AROUND_S = 0.05


def contenders(
    names: Sequence[str], python: Path | None
) -> Iterator[tuple[str, Callable[[str, str], list[str]]]]:
    """Each way with what makes the command that runs it."""
    for name in names:
        if name in PYTHON:
            yield name, partial(_own_command, name)
        elif name in PROGRAMS and shutil.which(name):
            yield name, PROGRAMS[name]
        elif name == "auto-editor" and python:
            yield name, partial(cleanup_ways.auto_editor_command, python)
        else:
            print(f"{name} is not installed: left out", file=sys.stderr)


def _own_command(name: str, source: str, out: str) -> list[str]:
    one_thread = ["env", "OPENBLAS_NUM_THREADS=1"]  # for NumPy, as the command sets it
    return [*one_thread, sys.executable, cleanup_ways.__file__, name, source, out]


def judged(source: Path, output: Path) -> Row:
    """What a tool did to an episode, from the samples of its output."""
    truth = episodes.read_truth(source)
    kept = kept_parts.kept_parts(source, output)
    rate = truth.sample_rate
    stays = [span.seconds(rate) for span in kept]
    speech = cleanup_score.staying_speech(truth)
    lost = sum(b - a for a, b in speech) - cleanup_score.overlap(speech, stays)
    file, made = probe(source), probe(output)
    first = max(0, file.num_frames // 2 - round(_ORDINARY_S * rate / 2))
    sample = Span(first, min(file.num_frames, first + round(_ORDINARY_S * rate)))
    ordinary = ordinary_measure(read(file, sample), 1000, 7)
    reach = round(_AROUND_S * rate)
    clicks, found = 0, kept_parts.joins(kept)
    for frame in found:
        start = max(0, frame - reach)
        around = read(made, Span(start, min(made.num_frames, frame + reach)))
        clicks += measure_join(around, frame - start).is_click(ordinary)
    return {
        "minutes out": made.duration / 60,
        "coding": made.subtype,
        "lost ms / burst": 1000 * lost / max(1, len(speech)),
        "joins": len(found),
        "clicks / 10 min": 10 * clicks / max(made.duration / 60, 1e-9),
        "chapters": _chapters(truth, kept, output),
    }


def _chapters(truth: episodes.Truth, kept: Sequence[Span], output: Path) -> str:
    """How far the chapters of an output are from their sound at most."""
    found = {title: start for start, title in episode_files.read_chapters(output)}
    off = []
    for chapter in truth.chapters:
        if (start := found.get(str(chapter["title"]))) is not None:
            frame = round(float(str(chapter["start"])) * truth.sample_rate)
            wanted = sum(max(0, min(span.end, frame) - span.start) for span in kept)
            off.append(abs(start - wanted / truth.sample_rate))
    if len(off) < len(truth.chapters):
        return f"{len(truth.chapters) - len(off)} of {len(truth.chapters)} lost"
    return f"{max(off):.3f} s off"


def compare(minutes: float, names: Sequence[str], python: Path | None, folder: Path) -> list[Row]:
    """Every way on an episode of a length."""
    source = folder / "episode.wav"
    options = episodes.Options(
        "bursts", 60 * minutes, seed=1, subtype="PCM_24", plain=True, split="check"
    )
    episodes.make(source, options)
    rows: list[Row] = []
    for name, command in contenders(names, python):
        if name == "pydub" and minutes > _LONGEST_PYDUB_MINUTES:
            print(f"pydub is left out at {minutes:g} minutes: it copies all for each part")
            continue
        suffix = name.partition(" to ")[2] or "wav"
        output = folder / f"result.{suffix}"
        given = _as_mp3(source) if " of mp3" in name else source
        try:
            cost = measuring.run(command(str(given), str(output)))
        except RuntimeError as error:
            print(f"{name} failed: {error}", file=sys.stderr)
            continue
        row: Row = {
            "minutes": minutes,
            "way": name,
            "wall s": cost.wall_s,
            "x real time, one core": round(60 * minutes / cost.cpu_s),
            "CPU s": cost.cpu_s,
            "peak MiB": round(cost.peak_mib),
        }
        # Effects change every sample, so there is nothing to compare.
        told = {} if name.startswith("ours, whole") else judged(source, output)
        blank = dict.fromkeys(("minutes out", "coding", "lost ms / burst", "joins"), "")
        blank |= {"clicks / 10 min": "", "chapters": ""}
        rows.append(row | blank | told)
        print(rows[-1], file=sys.stderr, flush=True)
        output.unlink()
    return rows


def _as_mp3(source: Path) -> Path:
    """The episode at a constant 128 kbit/s, as many are published."""
    path, file = source.with_suffix(".mp3"), probe(source)
    with AudioWriter(path, file.sample_rate, file.num_channels, bit_rate=128_000) as writer:
        for block in blocks(file):
            writer.write(block.samples)
    return path


def hearing(minutes: float, kind: str, folder: Path) -> list[Row]:
    """How long an ear takes for speech it never heard, with one and with two processes."""
    path = folder / "speech.wav"
    episodes.make(path, episodes.Options(kind, 60 * minutes, seed=9))
    file = probe(path)
    rows: list[Row] = []
    for workers in (1, 2):
        began = time.perf_counter()
        heard = Listener(open_ear("pocketsphinx"), None, num_workers=workers).transcribe(file)
        wall = time.perf_counter() - began
        rows.append({"processes": workers, "wall s": wall, "words": len(heard.words)})
    for row in rows:
        row["wall / speech"] = float(str(row["wall s"])) / file.duration
        row["times as fast"] = float(str(rows[0]["wall s"])) / float(str(row["wall s"]))
    return rows


def main(argv: list[str]) -> int:
    """Print the tables; exit status 0."""
    parser = argparse.ArgumentParser(prog="benchmark.py cleanup", description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="*", default=[10, 60, 180])
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--hearing", type=float, metavar="MINUTES", default=0.0)
    parser.add_argument("--kind", choices=("speech", "flite"), default="speech", help="to hear")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    tables: list[list[Row]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = None
        if "auto-editor" in arguments.only and arguments.minutes:
            python = cleanup_ways.install_auto_editor(folder / "auto-editor")
        rows = [
            row
            for minutes in arguments.minutes
            for row in compare(minutes, arguments.only, python, folder)
        ]
        tables += [rows] if rows else []
        if arguments.hearing:
            tables.append(hearing(arguments.hearing, arguments.kind, folder))
    if arguments.json:
        print(json.dumps(tables, indent=1))
    else:
        print("\n\n".join(measuring.table(rows) for rows in tables))
    return 0

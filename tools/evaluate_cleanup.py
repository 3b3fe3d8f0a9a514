"""`evaluate.py cleanup`: made episodes through the whole clean-up, compared with their truth.

    python tools/evaluate.py cleanup --kind speech --split check [--episodes 4] [--seconds 180]

What counts is what is switched on, so what would be done without anybody looking. Episodes are
made with `episodes.py`; `--keep` leaves them, and what became of them, in a folder. `--ear truth`
hears nothing and knows every word, to measure the rest apart from hearing. The clean-up is first
done without effects, for the samples, and with `--loudness` again as the recipe says.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import cleanup_score
import episode_speech
import episodes
import measuring
import numpy as np

from qwen_audio_agent.audio.files import AudioFile, blocks, probe
from qwen_audio_agent.audio.levels import loudness_lufs, true_peak_dbtp
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.cleanup.episode import Applied, Planned, apply_plan, plan_heard
from qwen_audio_agent.cleanup.recipe import Loudness, Recipe, Sound, load_recipe
from qwen_audio_agent.editing.edit_list import SILENCE
from qwen_audio_agent.speech.cache import default_cache_folder
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Transcript, Word


def known_words(truth: episodes.Truth) -> Transcript:
    """What an ear without fault would hear: every word at its place."""
    words = [
        Word(
            str(w["text"]),
            float(str(w["start"])),
            max(float(str(w["end"])), float(str(w["start"]))),
            kind="filler" if w["kind"] == "filler" else "word",
            start_error=0.01,
            end_error=0.01,
        )
        for w in truth.words
    ]
    ordered = tuple(sorted(words, key=lambda word: word.start))
    return Transcript(ordered, truth.num_frames / truth.sample_rate, ear="truth", reliable=True)


def hear(
    file: AudioFile, truth: episodes.Truth, ear: str, workers: int, tally: cleanup_score.Tally
) -> Transcript:
    """What an ear hears in an episode; "truth" knows it."""
    if ear == "truth":
        return known_words(truth)
    began = time.perf_counter()
    heard = Listener(open_ear(ear), default_cache_folder(), num_workers=workers).transcribe(file)
    tally.heard_s[0] += time.perf_counter() - began
    tally.heard_s[1] += file.duration
    return heard


def silent(recipe: Recipe) -> Recipe:
    """A recipe that does nothing to the sound of the whole, and makes nothing quieter."""
    quiet = {"breaths": recipe.breaths.model_copy(update={"gain_db": 0.0})}
    quiet["mouth"] = recipe.mouth.model_copy(update={"gain_db": 0.0})
    return recipe.model_copy(update={"sound": Sound(), "loudness": Loudness()} | quiet)


def kept_spans(applied: Applied) -> list[Span]:
    """The frames of the recording that are heard in the output, in order, as far as they differ."""
    kept: list[Span] = []
    for stretch in applied.time_map.stretches:
        if stretch.source == SILENCE:
            raise ValueError("a clean-up with muted stretches cannot be compared sample by sample")
        span = Span(int(stretch.source_start), int(stretch.source_end))
        if kept and kept[-1].end == span.start:
            kept[-1] = Span(kept[-1].start, span.end)
        else:
            kept.append(span)
    return kept


def measure_sound(
    planned: Planned, truth: episodes.Truth, output: Path, tally: cleanup_score.Tally
) -> None:
    """Apply a plan without effects and compare every sample."""
    applied = apply_plan(planned.plan, planned.file, output)
    kept = kept_spans(applied)
    cleanup_score.count_lost(tally, truth, kept)
    cleanup_score.count_kept(tally, planned.file, applied.output, kept)
    cleanup_score.count_joins(tally, planned.file, applied.output, kept)
    cleanup_score.count_chapters(tally, truth, output, kept)


def measure_loudness(
    planned: Planned, recipe: Recipe, output: Path, tally: cleanup_score.Tally
) -> None:
    """Clean up as a recipe says, and measure how loud it became."""
    made = plan_heard(planned.file, recipe, planned.transcript)
    applied = apply_plan(made.plan, planned.file, output)
    target = recipe.loudness.for_channels(planned.file.num_channels)
    if target is not None:
        tally.loudness_lu.append(loudness_lufs(blocks(applied.output)) - target)
    tally.true_peak_dbtp.append(true_peak_dbtp(blocks(applied.output)))


def rows(tally: cleanup_score.Tally) -> dict[str, list[dict[str, object]]]:
    """The figures as tables."""
    found: list[dict[str, object]] = [
        {
            "kind": kind,
            "there": count.truths,
            "found": count.found,
            "precision": count.precision,
            "recall": count.recall,
            "F1": count.f1,
            "speech lost s": tally.lost_by.get(kind, 0.0),
        }
        for kind, count in tally.counts.items()
    ]
    values: dict[str, object] = {
        "minutes of output": tally.minutes,
        "bursts of speech": tally.bursts,
        "speech lost, ms per burst": 1000 * tally.lost_s / max(1, tally.bursts),
        "joins": tally.joins,
        "clicks": tally.clicks,
        "clicks per 10 minutes": 10 * tally.clicks / max(1e-9, tally.minutes),
        "samples that must stay": tally.compared,
        "of them changed": tally.changed,
        "chapters kept": f"{tally.chapters_kept} of {tally.chapters}",
        "largest chapter error, frames": max(tally.chapter_frames, default=""),
    }
    if tally.true_peak_dbtp:
        values["largest loudness error, LU"] = float(np.max(np.abs(tally.loudness_lu or [0.0])))
        values["highest true peak, dBTP"] = max(tally.true_peak_dbtp)
    if tally.heard_s[1]:
        values["listening / speech"] = tally.heard_s[0] / tally.heard_s[1]
    sound = [{"measure": name, "value": value} for name, value in values.items()]
    return {"found": found, "sound": sound}


def main(argv: list[str]) -> int:
    """Print the tables; exit status 0."""
    arguments = _arguments(argv)
    recipe = load_recipe(arguments.recipe)
    material = episode_speech.material(arguments.kind, arguments.split)
    tally = cleanup_score.Tally()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for seed in range(arguments.seed, arguments.seed + arguments.episodes):
            options = episodes.Options(
                arguments.kind,
                arguments.seconds,
                seed,
                split=arguments.split,
                hum=bool(seed % 2),
                plain=arguments.plain,
            )
            name = f"{arguments.kind}-{arguments.split or 'all'}-{arguments.seconds:g}-{seed}"
            path = folder / f"{name}.{arguments.format}"
            truth = episodes.make(path, options, material)
            file = probe(path)
            heard = hear(file, truth, arguments.ear, arguments.workers, tally)
            planned = plan_heard(file, silent(recipe), heard)
            plan = planned.plan
            cleanup_score.count_found(tally, name, truth, plan.proposals, recipe)
            if not arguments.no_sound:
                output = folder / f"{name}-clean.{arguments.format}"
                measure_sound(planned, truth, output, tally)
                if arguments.loudness:
                    measure_loudness(planned, recipe, output, tally)
            print(f"{name}: {len(plan.proposals)} proposals", file=sys.stderr, flush=True)
    tables = rows(tally)
    if arguments.json:
        print(json.dumps(tables | {"details": asdict(tally)}, indent=1))
    else:
        print("\n\n".join(measuring.table(table) for table in tables.values()))
    if arguments.details:
        for what, items in (("not there", tally.wrong), ("missed", tally.missed)):
            for name, kind, start, end in items:
                print(f"{what}: {kind} {start:.2f}-{end:.2f} in {name}", file=sys.stderr)
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evaluate.py cleanup", description=__doc__)
    parser.add_argument("--kind", choices=episodes.KINDS, default="speech")
    parser.add_argument("--split", choices=episode_speech.SPLITS)
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=100, help="of the first episode")
    parser.add_argument("--recipe", default="podcast")
    parser.add_argument("--ear", default="pocketsphinx", help='or "truth": knows every word')
    parser.add_argument("--workers", type=int, default=2, help="processes that listen")
    parser.add_argument("--format", choices=("wav", "flac"), default="wav")
    parser.add_argument("--plain", action="store_true", help="sentences and pauses alone")
    parser.add_argument("--no-sound", action="store_true", help="what is found, and no more")
    parser.add_argument("--loudness", action="store_true", help="clean up with effects, too")
    parser.add_argument("--keep", type=Path, help="folder in which episodes and outputs stay")
    parser.add_argument("--details", action="store_true", help="list what is wrong and missed")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)

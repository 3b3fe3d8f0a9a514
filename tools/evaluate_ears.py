"""`evaluate.py ears`: how well each ear hears words, their times, fillers and named phrases.

    SPEECH_DATA=... python tools/evaluate.py ears [FOLDER ...] [--ear NAME ...]

Times are compared with labels where a recording has them, once as the ear hears freely and once as
it aligns the known words. AAS is the average alignment shift of Qwen-Audio's evaluation: start and
end added; "halved" is their mean. Clipped and leaked is what a cut at the heard edges would do.
Fillers of recordings without labels are only counted. Phrases that are there, and phrases of other
recordings that are not, are looked for by name.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import ear_trials
import measuring
import truth

from qwen_audio_agent.speech.ears import ear_names, has_weights, open_ear
from qwen_audio_agent.speech.scoring import average_alignment_shift, word_error_rate

Row = dict[str, object]
NEAR_MS = (20, 50, 100)
CAREFUL = "careful"
CAREFUL_KINDS = {"read", "short commands", "speech", "prompt"}


def evaluate(name: str, folders: list[Path]) -> dict[str, list[Row]]:
    """All tables of one ear, which runs in this process alone."""
    ear = open_ear(name)
    recordings = [r for folder in folders for r in truth.read_folder(folder)]
    sets: dict[str, ear_trials.Heard] = {}
    for recording in recordings:
        strangers = [r.text for r in recordings if r.text != recording.text and len(r.text) > 3]
        heard = ear_trials.listen(ear, recording, strangers)
        labels = f", {recording.labels} labels" if recording.labels else ""
        careful = [CAREFUL] if recording.kind in CAREFUL_KINDS else []
        for group in (recording.kind + labels, *careful, "all"):
            sets.setdefault(group, ear_trials.Heard()).add(heard)
        print(f"{name}: {recording.id}", file=sys.stderr)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "words": [_word_row(name, group, heard, peak_mib) for group, heard in sets.items()],
        "times": list(_time_rows(name, sets)),
        "phrases": [
            row for group, heard in sets.items() for row in _phrase_rows(name, group, heard)
        ],
    }


def _word_row(ear: str, group: str, heard: ear_trials.Heard, peak_mib: float) -> Row:
    said, found, right = heard.fillers
    return {
        "ear": ear,
        "speech": group,
        "minutes": heard.seconds[0] / 60,
        "words wrong %": round(100 * word_error_rate(heard.texts)),
        "fillers said / heard / right": f"{said} / {found} / {right}",
        "filler F1": 2 * right / (said + found) if said + found else "",
        "time / speech": heard.seconds[1] / heard.seconds[0],
        "peak MiB": round(peak_mib),
    }


def _time_rows(ear: str, sets: dict[str, ear_trials.Heard]) -> Iterator[Row]:
    for group, heard in sets.items():
        for way, pairs in (("heard freely", heard.free), ("words known", heard.known)):
            if ear_trials.matched(pairs):
                yield {"ear": ear, "labels": group, "words are": way} | _times(pairs)


def _times(pairs: Sequence[ear_trials.Pair]) -> Row:
    found = ear_trials.matched(pairs)
    starts, ends, clipped, leaked, inside = [], [], [], [], []
    for (labelled, heard), i, j in found:
        label, word = labelled[i], heard[j]
        start, end = word.start - label.start, word.end - label.end
        starts.append(abs(start))
        ends.append(abs(end))
        before = labelled[i - 1].end if i else 0.0
        after = labelled[i + 1].start if i + 1 < len(labelled) else label.end
        clipped.append(max(0.0, before - word.start) + max(0.0, word.end - after))
        leaked.append(max(0.0, start) + max(0.0, -end))
        inside += [abs(start) <= word.start_error, abs(end) <= word.end_error]
    edges = starts + ends
    return {
        "right words": len(found),
        "AAS ms": round(1000 * average_alignment_shift(pairs)),
        "halved": round(1000 * average_alignment_shift(pairs, halved=True)),
        "start ms": round(1000 * statistics.fmean(starts)),
        "end ms": round(1000 * statistics.fmean(ends)),
        **{f"within {ms} ms": _percent(e <= ms / 1000 for e in edges) for ms in NEAR_MS},
        "clipped ms": round(1000 * statistics.fmean(clipped)),
        "leaked ms": round(1000 * statistics.fmean(leaked)),
        "inside its error bar": _percent(inside),
    }


def _phrase_rows(ear: str, group: str, heard: ear_trials.Heard) -> Iterator[Row]:
    if group not in ("all", CAREFUL):
        return
    for name in sorted(name for name in heard.finds if "not there" not in name):
        there, absent = heard.finds[name], heard.finds.get(f"{name}, not there", [])
        yield {
            "ear": ear,
            "speech": group,
            "phrase": name,
            "said": len(there),
            "found": _percent(there),
            "not said": len(absent),
            "falsely found": _percent(absent),
        }


def _percent(values: Iterator[bool] | Sequence[bool]) -> str:
    counted = list(values)
    return f"{100 * sum(counted) / len(counted):.0f} %" if counted else ""


def main(argv: list[str]) -> int:
    """Print the tables; exit status 0."""
    parser = argparse.ArgumentParser(prog="evaluate.py ears", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="with truth.json; or SPEECH_DATA")
    at_hand = [name for name in ear_names() if has_weights(name)]
    parser.add_argument("--ear", nargs="+", default=at_hand, help="all at hand by default")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    tables: dict[str, list[Row]] = {}
    for name in arguments.ear:
        # A process of its own, so that its memory is not that of another ear.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            made = pool.submit(evaluate, name, truth.folders(arguments.folders)).result()
        for table, rows in made.items():
            tables.setdefault(table, []).extend(rows)
    if arguments.json:
        print(json.dumps(tables, indent=1))
        return 0
    for rows in tables.values():
        print(measuring.table(rows) + "\n")
    return 0

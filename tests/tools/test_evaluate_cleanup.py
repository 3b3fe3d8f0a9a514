"""Clean-ups are scored against the truth of made episodes; here on tones, with a knowing ear."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cleanup_score
import episodes
import kept_parts
import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.samples import Span

ROOT = Path(__file__).parent.parent.parent


def evaluate(*arguments):
    command = [sys.executable, str(ROOT / "tools" / "evaluate.py"), "cleanup", *arguments]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_clean_up_of_tones_finds_all_pauses_and_loses_nothing(tmp_path):
    result = evaluate(
        *("--kind", "bursts", "--ear", "truth", "--episodes", "1", "--seconds", "40"),
        *("--plain", "--keep", str(tmp_path)),
    )
    found = {row["kind"]: row for row in result["found"]}
    assert found["pause"]["there"] > 1
    assert found["pause"]["F1"] == 1
    assert found["end"]["F1"] == 1
    sound = {row["measure"]: row["value"] for row in result["sound"]}
    assert sound["samples that must stay"] > 1_000_000
    assert sound["of them changed"] == 0
    assert sound["speech lost, ms per burst"] < 1
    assert sound["joins"] >= 2
    assert sound["clicks"] == 0
    # What the samples say agrees with what the time map said.
    source = next(tmp_path.glob("*-100.wav"))
    kept = kept_parts.kept_parts(source, tmp_path / f"{source.stem}-clean.wav")
    assert len(kept_parts.joins(kept)) == sound["joins"]


def test_counts_match_by_overlap_and_leave_out_what_may_be_either():
    count = cleanup_score.Count()
    wrong = count.add(
        [(1.0, 2.0), (5.0, 6.0)], [(1.4, 2.6), (7.0, 8.0), (9.0, 9.5)], either=[(9.0, 10.0)]
    )
    assert wrong == [(7.0, 8.0)]
    assert (count.truths, count.hit, count.found, count.right) == (2, 1, 2, 1)
    assert count.precision == count.recall == count.f1 == 0.5
    assert cleanup_score.Count().f1 == 1


@pytest.mark.parametrize(
    ("spans", "others", "left"),
    [
        ([(0, 10)], [(2, 3), (5, 11)], [(0, 2), (3, 5)]),
        ([(0, 1), (2, 3)], [(0.5, 2.5)], [(0, 0.5), (2.5, 3)]),
        ([(0, 1)], [(0, 1)], []),
        ([(0, 1)], [], [(0, 1)]),
    ],
)
def test_spans_without_others(spans, others, left):
    assert cleanup_score.without(spans, others) == left


def test_what_may_not_be_lost_is_neither_filler_nor_first_try():
    truth = episodes.Truth(
        speech=[(0.0, 3.0), (4.0, 5.0)],
        fillers=[{"start": 4.0, "end": 5.0}],
        repeats=[{"start": 1.0, "end": 2.0, "again": 2.2}],
        sample_rate=100,
    )
    assert cleanup_score.staying_speech(truth) == [(0.0, 1.0), (2.0, 3.0)]
    tally = cleanup_score.Tally()
    cleanup_score.count_lost(tally, truth, [Span(0, 90), Span(200, 500)])
    assert (tally.bursts, round(tally.lost_s, 6)) == (2, 0.1)


def test_pauses_near_the_limit_or_made_by_a_filler_may_be_called_either_way():
    truth = episodes.Truth(
        speech=[(0.0, 1.0), (1.9, 2.9), (3.4, 3.9), (4.4, 5.0), (8.0, 9.0)],
        fillers=[{"start": 3.4, "end": 3.9}],
        pauses=[(1.0, 1.9), (2.9, 3.4), (3.9, 4.4), (5.0, 8.0)],
    )
    surely, perhaps = cleanup_score.true_pauses(truth, 0.8)
    assert surely == [(5.0, 8.0)]
    assert (1.0, 1.9) in perhaps
    assert (2.9, 4.4) in perhaps


def test_what_others_kept_is_found_in_their_samples(tmp_path):
    source, output = tmp_path / "a.wav", tmp_path / "b.wav"
    episodes.make(source, episodes.Options("bursts", 20, seed=1, subtype="PCM_24", plain=True))
    sound, rate = soundfile.read(source, always_2d=True)
    parts = [(0, 100_000), (180_000, 300_000), (301_000, 500_000)]
    ramp = np.linspace(0, 1, 200)[:, None]
    pieces = []
    for start, end in parts:
        piece = sound[start:end].copy()
        piece[:200] *= ramp
        piece[-200:] *= ramp[::-1]
        pieces.append(piece)
    soundfile.write(output, np.concatenate(pieces), rate, subtype="PCM_24")
    kept = kept_parts.kept_parts(source, output)
    found = [(span.start, span.end) for span in kept]
    assert np.abs(np.array(found) - np.array(parts)).max() <= 210
    assert len(kept_parts.joins(kept)) == 2

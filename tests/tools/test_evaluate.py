"""The evaluations run on any folder with truth; here on the sample recording alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory, interview):
    """The sample recording with its words as labels."""
    folder = tmp_path_factory.mktemp("truth")
    shutil.copy(interview, folder)
    words = json.loads(interview.with_suffix(".json").read_text("utf-8"))["words"]
    item = {
        "id": "interview",
        "file": interview.name,
        "kind": "read",
        "transcript": " ".join(word["text"] for word in words) + " <laugh>",
        "words": words,
        "labels": "exact",
    }
    (folder / "truth.json").write_text(json.dumps([item]), "utf-8")
    return folder


def evaluate(*arguments):
    command = [sys.executable, str(ROOT / "tools" / "evaluate.py"), *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_random_edits_keep_every_sample_and_click_nowhere(folder):
    result = evaluate("edits", folder, "--edits", 12, "--words", 3)
    sound = {row["measure"]: row["value"] for row in result["sound"]}
    assert sound["edits"] == 12
    assert sound["samples that must stay"] > 1_000_000
    assert sound["joins"] >= 12
    for measure in ("of them changed", "clicks", "of them lost", "samples drifted after 500 edits"):
        assert sound[measure] == 0, measure
    assert sum(row["asked"] for row in result["words"]) == 3
    for row in result["words"]:
        assert row["not found"] <= row["asked"]
        assert row["mean edge error ms"] < 200


def test_an_ear_is_scored_on_words_times_fillers_and_phrases(folder):
    result = evaluate("ears", folder, "--ear", "pocketsphinx")
    words = result["words"][-1]
    assert 0 < words["words wrong %"] < 80
    assert words["fillers said / heard / right"].startswith("1 / ")
    known = next(row for row in result["times"] if row["words are"] == "words known")
    assert known["right words"] > 30
    assert known["halved"] == pytest.approx(known["AAS ms"] / 2, abs=1)
    assert max(known["start ms"], known["end ms"]) < 60


def test_an_evaluation_without_recordings_says_so(tmp_path):
    command = [sys.executable, str(ROOT / "tools" / "evaluate.py"), "edits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert done.returncode == 1
    assert "SPEECH_DATA" in done.stderr
    assert "Traceback" not in done.stderr

"""A batch on this machine: what it makes, what it does again, and what it survives."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
from itertools import pairwise
from pathlib import Path

import pytest
import soundfile

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.cleanup.batch import Moment, Options, Summary, clean_up_all
from qwen_audio_agent.cleanup.batch.engines.local_engine import run
from qwen_audio_agent.cleanup.batch.jobs import Settings, plan_jobs
from qwen_audio_agent.cleanup.plan import read_plan
from qwen_audio_agent.cleanup.recipe import Pauses, Recipe
from qwen_audio_agent.errors import UsageError
from tests.cleanup.batch.conftest import SUBTITLES, Start, contents, ended, quick, write_faint

NAMES = ["2023/c.ogg", "a.wav", "b.flac", "faint.wav"]


def clean(
    episodes: Path | list[Path], out: Path, heard: Path, recipe: Recipe | None = None
) -> tuple[Summary, list[Moment]]:
    given = [f"{episodes}/**"] if isinstance(episodes, Path) else episodes
    moments: list[Moment] = []
    how = {"workers": 2, "progress": moments.append, "options": Options(heard_folder=heard)}
    return clean_up_all(given, out, recipe or quick(), **how), moments


@pytest.fixture(scope="module")
def undisturbed(episodes: Path, heard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a batch that nobody disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    summary, moments = clean(episodes, out, heard)
    assert summary.num("done") == len(NAMES), summary
    assert [m.num_ended for m in moments if m.entry] == [1, 2, 3, 4]
    assert all(a.share <= b.share for a, b in pairwise(moments))
    assert moments[-1].share == 1
    return out


def test_the_summary_says_what_became_of_each(undisturbed: Path, episodes: Path) -> None:
    summary = json.loads((undisturbed / "summary.json").read_text())
    assert (summary["done"], summary["failed"], summary["waiting"]) == (4, 0, 0)
    rows = list(csv.DictReader((undisturbed / "summary.csv").read_text().splitlines()))
    assert [row["output"] for row in rows] == NAMES
    for entry, row in zip(summary["files"], rows, strict=True):
        output, source = undisturbed / entry["output"], episodes / entry["output"]
        assert entry["input"] == row["input"] == str(source)
        for name, path in (("output_sha256", output), ("input_sha256", source)):
            assert entry[name] == hashlib.sha256(path.read_bytes()).hexdigest() == row[name]
        assert entry["seconds_after"] == pytest.approx(probe(output).duration, abs=0.001)
        assert all((undisturbed / name).is_file() for name in entry["reports"])
        plan = read_plan(undisturbed / f"{entry['output']}.plan.json")
        assert entry["seconds_removed"] == pytest.approx(plan.removed, abs=0.001)
        assert sum(entry["counts"].values()) == len(list(plan.active))
        assert entry["lufs_before"] == pytest.approx(plan.episode.loudness_lufs, abs=0.01)
        lufs = entry["lufs_after"]
        assert row["lufs_after"] == ("" if lufs is None else str(lufs))
    pauses = sum(entry["counts"].get("pause", 0) for entry in summary["files"])
    assert summary["counts"]["pause"] == pauses == sum(int(row["num_pause"]) for row in rows) > 0
    assert summary["seconds_removed"] > 0.2
    assert summary["files"][1]["reports"] == [
        "a.srt",
        "a.wav.plan.json",
        "a.wav.html",
        "a.wav.report.json",
    ]
    assert "00:00:03,000" not in (undisturbed / "a.srt").read_text("utf-8")


def test_what_is_done_is_not_done_again(undisturbed: Path, episodes: Path, heard: Path) -> None:
    before = contents(undisturbed)
    states = {name: (undisturbed / name).stat().st_ino for name in NAMES}
    ledger = (undisturbed / "batch.jsonl").read_bytes()
    _, moments = clean(episodes, undisturbed, heard)
    assert all(m.was_done for m in moments if m.entry)
    assert contents(undisturbed) == before
    assert {name: (undisturbed / name).stat().st_ino for name in NAMES} == states
    assert (undisturbed / "batch.jsonl").read_bytes() == ledger


def test_what_changed_is_done_again(
    undisturbed: Path, episodes: Path, heard: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    clean([episodes / "a.wav", episodes / "b.flac"], out, heard)
    for name in ("a.wav", "b.flac"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
    (out / "a.wav").write_bytes(b"somebody wrote here")
    _, moments = clean([episodes / "a.wav", episodes / "b.flac"], out, heard)
    assert {m.entry.output: m.was_done for m in moments if m.entry} == {
        "a.wav": False,
        "b.flac": True,
    }
    assert (out / "a.wav").read_bytes() == (undisturbed / "a.wav").read_bytes()


def test_what_lies_beside_is_made_again_where_it_is_lost_or_its_subtitles_changed(
    episodes: Path, heard: Path, tmp_path: Path
) -> None:
    for name in ("a.wav", "a.srt"):
        shutil.copy(episodes / name, tmp_path / name)

    def was_done() -> list[bool]:
        _, moments = clean([tmp_path / "a.wav"], tmp_path / "out", heard)
        return [m.was_done for m in moments if m.entry]

    assert was_done() == [False]
    lost = [tmp_path / "out" / name for name in ("a.srt", "a.wav.html")]
    for path in lost:
        path.unlink()
    assert was_done() == [False]
    assert all(path.is_file() for path in lost)
    (tmp_path / "a.srt").write_text(SUBTITLES.replace("welcome", "Welcome"), "utf-8")
    assert was_done() == [False]
    assert "Welcome" in lost[0].read_text("utf-8")
    assert was_done() == [True]


def test_another_recipe_is_done_without_listening_again(
    episodes: Path, heard: Path, tmp_path: Path
) -> None:
    inputs = [episodes / "a.wav"]
    seconds = clean(inputs, tmp_path, heard)[0].seconds_after
    before = contents(heard)
    other = quick().model_copy(update={"pauses": Pauses(longer_than=0.3, to=0.1)})
    summary, moments = clean(inputs, tmp_path, heard, other)
    assert [m.was_done for m in moments if m.entry] == [False]
    assert contents(heard) == before
    assert summary.seconds_after < seconds


def test_a_plan_that_somebody_edited_is_kept(episodes: Path, heard: Path, tmp_path: Path) -> None:
    inputs, plan = [episodes / "a.wav"], tmp_path / "a.wav.plan.json"
    clean(inputs, tmp_path, heard)
    edited = plan.read_text("utf-8").replace('"on": true', '"on": false')
    plan.write_text(edited, "utf-8")
    for number, name in enumerate(("a.wav.plan.old.json", "a.wav.plan.old-2.json")):
        other = quick().model_copy(update={"pauses": Pauses(longer_than=0.3, to=0.1 * number)})
        summary, _ = clean(inputs, tmp_path, heard, other)
        (entry,) = summary.entries
        assert f"the edited plan that was there is kept as {name}" in entry.notes
        assert (tmp_path / name).read_text("utf-8") == edited
        assert read_plan(plan).recipe.pauses.longer_than == 0.3
        plan.write_text(edited, "utf-8")


def test_files_of_others_are_kept(episodes: Path, heard: Path, tmp_path: Path) -> None:
    there = {name: f"my {name}" for name in ("a.srt", "a.wav.html", "summary.csv")}
    for name, text in there.items():
        (tmp_path / name).write_text(text)
    summary, _ = clean([episodes / "a.wav"], tmp_path, heard)
    assert summary.kept == ("summary.old.csv",)
    (entry,) = summary.entries
    assert "the a.srt that was there is kept as a.old.srt" in entry.notes
    assert "the a.wav.html that was there is kept as a.wav.old.html" in entry.notes
    (tmp_path / "a.wav").unlink()  # so that it is done again
    summary, _ = clean([episodes / "a.wav"], tmp_path, heard)
    assert summary.kept == summary.entries[0].notes == ()
    assert (tmp_path / "a.old.srt").read_text() == there["a.srt"]
    assert (tmp_path / "a.wav.old.html").read_text() == there["a.wav.html"]
    assert (tmp_path / "summary.old.csv").read_text() == there["summary.csv"]


def test_subtitles_of_recordings_are_never_written(
    episodes: Path, heard: Path, tmp_path: Path
) -> None:
    for name in ("a.wav", "b.flac"):
        shutil.copy(episodes / name, tmp_path / f"a{Path(name).suffix}")
    subtitles = tmp_path / "a.srt"
    subtitles.write_text(SUBTITLES, "utf-8")
    options = Options(suffix=".ogg", heard_folder=heard)
    summary = clean_up_all(tmp_path / "a.wav", tmp_path, quick(), options=options)
    assert subtitles.read_text("utf-8") == SUBTITLES
    retimed = (tmp_path / "a.ogg.srt").read_text("utf-8")
    assert "welcome" in retimed
    assert retimed != SUBTITLES
    (entry,) = summary.entries
    assert entry.reports[0] == "a.ogg.srt"
    assert "re-timed subtitles are called 'a.ogg.srt': 'a.srt' is taken" in entry.notes
    clean([tmp_path / "a.wav", tmp_path / "a.flac"], tmp_path / "out", heard)
    there = sorted(path.name for path in (tmp_path / "out").glob("*.srt"))
    assert there == ["a.flac.srt", "a.wav.srt"]


def test_each_bad_file_has_its_line_and_stops_no_other(
    episodes: Path, heard: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    (folder / "folder.mp3").mkdir(parents=True)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no sound")
    (folder / "cut\noff.flac").write_bytes((episodes / "b.flac").read_bytes()[:60])
    (folder / "=1+1.wav").write_bytes((episodes / "faint.wav").read_bytes())
    (folder / "film.webm").write_bytes(b"no film")
    os.mkfifo(folder / "pipe.wav")
    (folder / "gone.wav").symlink_to(folder / "nowhere.wav")
    summary, _ = clean([folder], tmp_path / "out", heard)
    told = {Path(entry.input).name: entry.error for entry in summary.entries}
    assert told.pop("=1+1.wav") == ""
    expected = {
        "folder.mp3": "is a folder",
        "empty.wav": "is empty (0 bytes)",
        "text.wav": "cannot be read as sound",
        "cut\noff.flac": "cannot be read as sound",
        "film.webm": "does not say what kind of file to write",
        "pipe.wav": "is a device or a pipe",
        "gone.wav": "there is no file",
    }
    assert told.keys() == expected.keys()
    for name, text in expected.items():
        assert text in told[name]
        assert "\n" not in told[name]
        assert "qwen-audio-agent-" not in told[name], "a scratch folder is nobody's business"
    table = (tmp_path / "out/summary.csv").read_text()
    assert ",'=1+1.wav," in table
    assert ",=1+1.wav" not in table
    assert not (tmp_path / "out/text.wav").exists()


def test_a_format_that_cannot_hold_the_sound_is_told_before_anybody_listens(
    interview: Path, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(interview)
    soundfile.write(tmp_path / "a.wav", samples[: 3 * rate], 96_000)
    how = Options(heard_folder=tmp_path / "heard", suffix=".mp3")
    summary = clean_up_all(tmp_path / "a.wav", tmp_path / "out", quick(), workers=1, options=how)
    assert "does not hold 1 channels at 96000 Hz" in summary.entries[0].error
    assert not list(tmp_path.glob("heard/*"))


def test_a_recording_that_is_cut_off_is_noted(heard: Path, tmp_path: Path) -> None:
    path = write_faint(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    summary, _ = clean([path], tmp_path / "out", heard)
    assert "is cut off: 1.0 s of 2.0 s are there" in summary.entries[0].notes[0]


def children() -> set[int]:
    """The processes that this one has begun."""
    paths = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(child) for path in paths for child in path.read_text().split()}


def test_a_worker_that_dies_is_replaced_and_its_episode_begun_again(
    undisturbed: Path, episodes: Path, heard: Path, tmp_path: Path
) -> None:
    jobs = plan_jobs([f"{episodes}/**"], str(tmp_path / "out"), "", ())
    recipe = quick().to_json()
    settings = Settings(str(tmp_path / "out"), recipe, "", "auto", str(heard), 1)
    others, killed = children(), False  # other tests may have left some that wait
    ended_jobs = []
    for event in run(jobs, settings, {}, 1):
        if not killed:
            killed = True
            (child,) = children() - others
            os.kill(child, signal.SIGKILL)
        if hasattr(event, "entry"):
            ended_jobs.append(event.entry.status)
    assert ended_jobs == ["done"] * 4
    for name in NAMES:
        assert (tmp_path / "out" / name).read_bytes() == (undisturbed / name).read_bytes()


def test_two_batches_do_not_work_in_one_folder(
    undisturbed: Path, episodes: Path, heard: Path, tmp_path: Path
) -> None:
    def again(moment: Moment) -> None:
        with pytest.raises(UsageError, match="another batch works in"):
            clean([episodes / "a.wav"], tmp_path / "out", heard)
        seen.append(moment)

    seen: list[Moment] = []
    options = Options(heard_folder=heard)
    clean_up_all(
        episodes / "a.wav", tmp_path / "out", quick(), workers=1, progress=again, options=options
    )
    assert seen


def test_the_command_tells_a_line_for_each_and_its_status(
    episodes: Path, recipe: Path, start: Start, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    out = tmp_path / "out"
    how = ["--recipe", recipe, "-o", out]
    status, stdout, err = ended(start(episodes / "a.wav", bad, *how, "--workers", 1))
    assert (status, stdout) == (1, "")
    lines = err.splitlines()
    assert len(lines) == 3, err
    assert {line.split()[0] for line in lines[:2]} == {"[1/2]", "[2/2]"}
    assert any("a.wav: done: 0:04 -> 0:0" in line for line in lines)
    assert any("bad.wav: failed: " in line for line in lines)
    assert lines[2].startswith("1 done, 1 failed; ")
    status, stdout, err = ended(start(episodes / "a.wav", *how, "--json"))
    assert (status, err) == (0, "")
    first, last = map(json.loads, stdout.splitlines())
    assert (first["type"], first["was_done"], last["type"]) == ("episode", False, "result")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--recipe", "nowhere.toml"], "there is no recipe 'nowhere.toml'"),
        (["--format", "xyz"], "'.xyz' is no format"),
        (["--ear", "cat"], "there is no ear 'cat'"),
    ],
)
def test_wrong_use_is_told_before_anything_is_done(
    episodes: Path, start: Start, tmp_path: Path, arguments: list[str], told: str
) -> None:
    status, _, err = ended(start(episodes / "a.wav", "-o", tmp_path / "out", *arguments))
    assert status == 2
    assert told in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_keeps_what_is_done_and_leaves_nothing_half(
    recipe: Path, start: Start, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in range(24):
        write_faint(folder / f"{name}.wav", seconds=10, seed=name)
    how = [folder, "-o", tmp_path / "out", "--recipe", recipe, "--workers", 1]
    process = start(*how)
    line = process.stderr.readline()
    assert line.startswith("[1/24]")
    process.send_signal(number)
    found, _, err = ended(process)
    assert found == status
    assert "of 24 episodes ended: give the same command again to go on" in err
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert 1 <= summary["done"] < 24
    assert summary["waiting"] == 24 - summary["done"]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".")]
    status, _, err = ended(start(*how))
    assert status == 0
    assert sum("already done" in line for line in err.splitlines()) >= summary["done"]

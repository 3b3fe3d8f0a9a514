"""What somebody else wrote under a name that a clean-up writes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.summary import Summary
from qwen_audio_agent.cleanup.episode import apply_plan, plan_episode
from qwen_audio_agent.cleanup.kept_files import keep_other
from qwen_audio_agent.cleanup.recipe import load_recipe
from qwen_audio_agent.cleanup.report import make_report, write_report
from tests.cleanup.episodes import without_sound

PLAIN = without_sound(load_recipe("podcast"))


@pytest.mark.parametrize("there", ["<h1>my show notes</h1>", "", "about qwen-audio-agent"])
def test_it_is_kept_under_names_that_are_free(tmp_path: Path, there: str) -> None:
    path = tmp_path / "show.html"
    path.write_text(there)
    (tmp_path / "show.old.html").write_text("the first")
    assert keep_other(path, "new") == tmp_path / "show.old-2.html"
    assert (tmp_path / "show.old-2.html").read_text() == there
    assert (tmp_path / "show.old.html").read_text() == "the first"
    assert keep_other(path, there) is None
    assert keep_other(tmp_path / "none.html", "new") is None


def test_a_page_takes_the_place_of_pages_alone(made, tmp_path: Path) -> None:
    episode = made().room(0.3).speech("we went").say("um", 0.4, "filler").room(0.3)
    file = episode.file()
    planned = plan_episode(file, PLAIN, episode.listener())
    report = make_report(planned.plan, planned.transcript, [file])
    there = {"show.html": "<h1>my show notes</h1>", "show.report.json": "{}"}
    for name, text in there.items():
        (tmp_path / name).write_text(text)
    kept: list[Path] = []
    write_report(report, tmp_path / "show.html", kept.append)
    names = ["show.report.old.json", "show.old.html"]
    assert kept == [tmp_path / name for name in names]
    assert [path.read_text() for path in kept] == [there["show.report.json"], there["show.html"]]
    write_report(report, tmp_path / "show.html", kept.append)
    assert len(kept) == 2


def test_corrected_subtitles_are_kept(made, tmp_path: Path) -> None:
    episode = made().room(0.3).speech("we went").say("um", 0.4, "filler").room(0.3)
    file = episode.file()
    cue = "1\n00:00:00,300 --> 00:00:00,900\n{}\n"
    file.path.with_suffix(".srt").write_text(cue.format("we went"))
    plan = plan_episode(file, PLAIN, episode.listener()).plan
    for _ in range(2):
        assert apply_plan(plan, file, tmp_path / "out.wav").notes == ()
    (tmp_path / "out.srt").write_text(cue.format("We went!"))
    (note,) = apply_plan(plan, file, tmp_path / "out.wav").notes
    assert "out.old.srt' holds the subtitles that were there" in note
    assert "We went!" in (tmp_path / "out.old.srt").read_text()
    assert "we went" in (tmp_path / "out.srt").read_text()


def test_a_table_with_a_column_more_is_somebody_elses(tmp_path: Path) -> None:
    summary = Summary(str(tmp_path), (Entry("a.wav", "a.wav"),))
    for _ in range(2):
        assert summary.write().kept == ()
    header, row = (tmp_path / "summary.csv").read_text().splitlines()
    (tmp_path / "summary.csv").write_text(f"{header},mine\n{row},note\n")
    (tmp_path / "summary.json").write_text("{}")
    assert summary.write().kept == ("summary.old.json", "summary.old.csv")
    assert ",note" in (tmp_path / "summary.old.csv").read_text()

"""A plan beside the output that somebody edited is what a clean-up does, and is not lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from qwen_audio_agent.cleanup.plan import read_plan
from qwen_audio_agent.cli import main


def seconds(path: str | Path) -> float:
    return float(soundfile.info(str(path)).duration)


def edit(path: str, kind: str) -> str:
    """Switch all of a kind off in a plan, as the page does; the text of the plan then."""
    plan = read_plan(Path(path))
    off = {p.id: False for p in plan.proposals if p.kind == kind}
    Path(path).write_text(plan.switched(**off).to_text(), encoding="utf-8")
    return Path(path).read_text(encoding="utf-8")


class TestAnEditedPlanBesideTheOutput:
    COMMON = ("cleanup", "ep.flac", "-o", "clean.flac", "--no-report")

    @pytest.fixture
    def edited(self, talk: Path, plain: Path) -> str:
        asked = ["cleanup", talk.name, "-o", "clean.flac", "--no-report", "--recipe", plain.name]
        assert main(asked) == 0
        return edit("clean.plan.json", "pause")

    def test_stands_when_it_is_asked_again_what_would_be_done(
        self, edited: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        capsys.readouterr()
        assert main([*self.COMMON, "--recipe", "plain.toml"]) == 0
        told = capsys.readouterr().err
        assert "plan from   clean.plan.json as it was edited; remove it for a new one" in told
        assert "plan        1 filler, -19" in told
        assert Path("clean.plan.json").read_text(encoding="utf-8") == edited

    @pytest.mark.usefixtures("edited")
    def test_is_of_the_same_recipe_whatever_may_go(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        same = ["--recipe", "plain.toml", "--max-share", "0.9", "--json"]
        for way in ([], ["--apply"], ["--yes"]):
            capsys.readouterr()
            assert main([*self.COMMON, *same, *way]) == 0
            assert json.loads(capsys.readouterr().out)["counts"] == {"filler": 1}
        assert sorted(path.name for path in Path().glob("*.json")) == ["clean.plan.json"]
        assert read_plan(Path("clean.plan.json")).recipe.guards.max_share == 0.9

    @pytest.mark.parametrize("way", [[], ["--apply"]])
    def test_that_is_for_another_recipe_gets_another_name(
        self, way: list[str], edited: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("other.toml").write_text("[fillers]\npolicy = 'mute'\n", encoding="utf-8")
        assert main([*self.COMMON, "--recipe", "other.toml", *way]) == 0
        told = capsys.readouterr().err
        assert "new plan    clean.plan.json is for another recipe" in told
        assert "kept        clean.plan.old.json, the edited plan that was there" in told
        assert Path("clean.plan.old.json").read_text(encoding="utf-8") == edited
        again = edit("clean.plan.json", "filler")
        assert main([*self.COMMON, "--recipe", "plain.toml", *way]) == 0
        assert Path("clean.plan.old.json").read_text(encoding="utf-8") == edited
        assert Path("clean.plan.old-2.json").read_text(encoding="utf-8") == again

    def test_that_is_for_another_recording_is_told_and_kept(
        self, edited: str, talk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sound, rate = soundfile.read(talk)
        soundfile.write(talk, sound[rate // 2 :], rate)
        assert main([*self.COMMON, "--yes", "--recipe", "plain.toml"]) == 0
        assert "new plan    clean.plan.json is for another recording" in capsys.readouterr().err
        assert Path("clean.plan.old.json").read_text(encoding="utf-8") == edited

    def test_is_kept_where_another_file_is_applied(self, edited: str) -> None:
        Path("mine.json").write_text(edited, encoding="utf-8")
        Path("clean.plan.json").write_text(edited.replace("{", "[", 1), encoding="utf-8")
        assert main([*self.COMMON, "--apply", "mine.json"]) == 0
        assert Path("clean.plan.old.json").read_text(encoding="utf-8")[0] == "["
        assert Path("clean.plan.json").read_text(encoding="utf-8") == edited

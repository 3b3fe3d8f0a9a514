"""cleanup and recipe as a person runs them."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.cleanup.plan import Episode, Plan
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cli import main
from qwen_audio_agent.cli.cleanup import summary
from tests.cli.conftest import PLAIN


def seconds(path: str | Path) -> float:
    return float(soundfile.info(str(path)).duration)


def test_first_it_says_what_it_would_do(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cleanup", "ep.flac", "-o", "clean.flac", "--recipe", "plain.toml"]) == 0
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if "%" not in line.rstrip()[-1:]]  # no progress
    assert told[-3].startswith("plan        1 filler, 2 pauses over 0.8 s, ")
    assert told[-2] == "asks        1 more to look at, left as they are"
    assert told[-1].startswith("would cut   0:02 of 0:15 (13")
    assert not Path("clean.flac").exists()
    assert sorted(p.name for p in Path().glob("clean.*")) == [
        "clean.html",
        "clean.plan.json",
        "clean.report.json",
    ]


def test_it_says_where_there_is_nothing_to_do(
    tmp_path: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write("silent.wav", [0.0] * 16_000, 16_000)
    asked = ["cleanup", "silent.wav", "-o", "clean.flac", "--recipe", "plain.toml", "--no-report"]
    assert main(asked) == 0
    assert "plan        nothing to cut, silence, nobody speaks" in capsys.readouterr().err


def test_a_page_of_somebody_else_is_kept(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("clean.html").write_text("<h1>my show notes</h1>", encoding="utf-8")
    assert main(["cleanup", "ep.flac", "-o", "clean.mp3", "--recipe", "plain.toml"]) == 0
    assert "kept        clean.old.html, the file that was there" in capsys.readouterr().err
    assert Path("clean.old.html").read_text(encoding="utf-8") == "<h1>my show notes</h1>"


def test_one_place_is_not_told_as_several() -> None:
    episode = Episode("ep.wav", "0" * 64, 16_000, 1, 16_000, num_clipped=1)
    assert ", 1 place cut off at full scale" in next(summary(Plan(episode, Recipe())))
    more = Plan(replace(episode, num_clipped=2), Recipe())
    assert ", 2 places cut off at full scale" in next(summary(more))


def test_then_it_does_what_the_plan_beside_the_output_says(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["cleanup", "ep.flac", "-o", "clean.flac"]
    assert main([*common, "--recipe", "plain.toml"]) == 0
    plan = json.loads(Path("clean.plan.json").read_text(encoding="utf-8"))
    for proposal in plan["proposals"]:
        proposal["on"] = proposal["kind"] == "repeat"
    Path("clean.plan.json").write_text(json.dumps(plan), encoding="utf-8")
    assert main([*common, "--apply"]) == 0
    assert "plan from   clean.plan.json" in capsys.readouterr().err
    (repeat,) = [p for p in plan["proposals"] if p["kind"] == "repeat"]
    gone = repeat["end"] - repeat["start"]
    assert seconds("clean.flac") == pytest.approx(seconds(talk) - gone, abs=1e-4)


def test_a_plan_that_nobody_edited_makes_room(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["cleanup", "ep.flac", "-o", "clean.flac", "--no-report", "--recipe", "plain.toml"]
    assert main(common) == 0
    plain.write_text(PLAIN.replace("cut", "mute"), encoding="utf-8")
    capsys.readouterr()
    assert main(common) == 0
    assert "new plan" not in capsys.readouterr().err
    assert [path.name for path in Path().glob("*.json")] == ["clean.plan.json"]


def test_a_plan_in_another_file_and_the_transcript_of_the_result(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cleanup", "ep.flac", "-o", "a.flac", "--recipe", "plain.toml"]) == 0
    Path("a.plan.json").rename("mine.json")
    done = ["cleanup", "ep.flac", "-o", "b.wav", "--apply", "mine.json", "--transcript", "b.srt"]
    assert main([*done, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["outputs"] == ["b.wav"]
    assert result["counts"] == {"filler": 1, "pause": 2}
    assert seconds("b.wav") == pytest.approx(result["duration"] - result["removed"], abs=0.001)
    assert "um" not in Path("b.srt").read_text(encoding="utf-8").split()


def test_more_than_the_recipe_allows_is_not_done(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = ["cleanup", "ep.flac", "-o", "a.flac", "--recipe", "plain.toml", "--yes"]
    assert main([*done, "--max-share", "0.1"]) == 2
    assert "13% of the episode would go" in capsys.readouterr().err
    assert not Path("a.flac").exists()
    assert main([*done, "--max-share", "0.2"]) == 0


def test_microphones_of_one_conversation_are_cut_alike(talk: Path, plain: Path) -> None:
    sound, rate = soundfile.read(talk)
    soundfile.write("guest.flac", sound * 0.001, rate)
    Path("out").mkdir()
    tracks = ["cleanup", "--tracks", "ep.flac", "guest.flac", "-o", "out", "--yes"]
    assert main([*tracks, "--recipe", "plain.toml"]) == 0
    assert seconds("out/ep.flac") == seconds("out/guest.flac") < seconds(talk) - 1


def test_the_outline_is_that_of_the_longest_microphone_where_nothing_is_changed(
    plain: Path,
) -> None:
    random = np.random.default_rng(0)
    Path("out").mkdir()
    for name, seconds_long in (("a.wav", 4), ("b.wav", 1)):
        soundfile.write(name, 0.01 * random.standard_normal(16_000 * seconds_long), 16_000)
    Path("keep.toml").write_text('[loudness]\ntarget = "keep"\n', encoding="utf-8")
    tracks = ["cleanup", "--tracks", "a.wav", "b.wav", "-o", "out", "--yes"]
    assert main([*tracks, "--recipe", "keep.toml"]) == 0
    assert Path("out/b.wav").read_bytes() == Path("b.wav").read_bytes()
    columns = Path("out/a.html").read_text(encoding="utf-8").split('"columns": "')[1]
    assert len(base64.b64decode(columns.split('"')[0])) == 4 / 0.02


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "x.flac"], "name one recording"),
        (["ep.flac"], "say where the result goes: -o ep-clean.flac"),
        (["ep.flac", "-o", "ep.flac"], "is the recording itself"),
        (["ep.flac", "-o", "none/../ep.flac"], "is the recording itself"),
        (["ep.flac", "-o", "x.flac", "--recipe", "podcasts"], "there is no recipe"),
        (["ep.flac", "-o", "x.flac", "--apply", "nowhere.json"], "cannot be read"),
        (["ep.flac", "-o", "x.flac", "--transcript", "x.doc"], "--transcript writes .srt"),
        (["ep.flac", "-o", "x.flac", "--transcript", "nowhere/x.srt"], "nowhere/x.srt"),
        (["ep.flac", "-o", "x.doc"], "x.doc"),
        (["ep.flac", "-o", "nowhere/x.flac"], "nowhere"),
        (["nowhere.flac", "-o", "x.flac"], "nowhere.flac"),
        (["--tracks", "ep.flac", "-o", "x.flac"], "no folder"),
        (["ep.flac", "-o", "x.flac", "--max-share", "40"], "a number from 0 to 1"),
    ],
)
def test_wrong_use_is_answered_in_one_line(
    talk: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cleanup", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert sorted(path.name for path in Path().iterdir()) == ["ep.flac"]


@pytest.mark.parametrize(
    ("output", "recipe", "message"),
    [
        ("x.mp3", PLAIN, "does not hold 1 channels at 96000 Hz"),
        ("x.opus", PLAIN, "does not hold 1 channels at 96000 Hz"),
        (
            "x.wav",
            f"{PLAIN}[music]\noutro = 'gone.mp3'\n",
            "music.outro of the recipe: there is no",
        ),
        ("x.wav", f"{PLAIN}[music]\nbed = 'plain.toml'\n", "music.bed of the recipe: "),
    ],
)
@pytest.mark.parametrize("way", [[], ["--yes"]])
def test_what_cannot_be_made_is_told_before_anybody_listens(
    talk: Path,
    plain: Path,
    output: str,
    recipe: str,
    message: str,
    way: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    soundfile.write("ep.wav", soundfile.read(talk)[0], 96_000)
    plain.write_text(recipe, encoding="utf-8")
    assert main(["cleanup", "ep.wav", "-o", output, "--recipe", "plain.toml", *way]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "ear pocketsphinx" not in told
    assert not list(Path().glob("x.*"))


def test_a_recording_that_is_cut_off_is_told(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk.write_bytes(talk.read_bytes()[: talk.stat().st_size // 4])
    assert main(["cleanup", "ep.flac", "-o", "x.flac", "--recipe", "plain.toml"]) == 0
    assert "'ep.flac': it is cut off: 3." in capsys.readouterr().err


def test_music_that_a_plan_alone_names_is_refused(
    talk: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine").mkdir()
    theme = Path(shutil.copy(talk, "mine/theme.flac"))
    recipe = Path("mine/recipe.toml")
    recipe.write_text(f"{PLAIN}[music]\nintro = 'theme.flac'\n", encoding="utf-8")
    Path("out").mkdir()
    done = ["cleanup", "ep.flac", "-o", "out/a.flac", "--no-report"]
    assert main([*done, "--recipe", "mine/recipe.toml"]) == 0
    capsys.readouterr()
    assert main([*done, "--apply"]) == 2
    assert f"{str(tmp_path / theme)!r} for its intro: give --recipe" in capsys.readouterr().err
    assert not Path("out/a.flac").exists()
    assert main([*done, "--apply", "--recipe", str(recipe.absolute())]) == 0
    assert seconds("out/a.flac") > seconds(talk) * 1.5
    # Beside the plan it needs nobody's recipe.
    plan = Path("out/a.plan.json").read_text(encoding="utf-8")
    Path("mine/a.plan.json").write_text(plan.replace(f"{tmp_path / theme}", "theme.flac"))
    assert main([*done, "--apply", "mine/a.plan.json"]) == 0


@pytest.mark.parametrize(
    ("transcript", "message"),
    [
        ("sound.txt", "would write over 'ep.flac'"),
        ("result.txt", "would write over 'x.flac'"),
        ("folder.txt", "'folder.txt' is a folder"),
    ],
)
def test_a_transcript_that_cannot_be_written_is_refused_before_anything_is_made(
    transcript: str, message: str, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sound.txt").symlink_to(talk.name)
    Path("result.txt").symlink_to("x.flac")
    Path("folder.txt").mkdir()
    there = sorted(Path().iterdir())
    done = ["cleanup", talk.name, "-o", "x.flac", "--yes", "--transcript", transcript]
    assert main(done) == 2
    assert message in capsys.readouterr().err
    assert sorted(Path().iterdir()) == there


@pytest.mark.parametrize(
    ("transcript", "output"), [("ep.srt", "x.flac"), ("x.srt", "x.flac"), ("ep.srt", "ep.mp3")]
)
def test_a_transcript_takes_the_place_of_no_subtitles(
    transcript: str, output: str, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("ep.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nhello\n", encoding="utf-8")
    done = ["cleanup", talk.name, "-o", output, "--yes", "--transcript", transcript]
    assert main(done) == 2
    assert f"would write over '{transcript}'" in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["ep.flac", "ep.srt"]


def test_subtitles_of_the_recording_stay_where_the_result_lies_beside_it(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cues = "1\n00:00:12,000 --> 00:00:13,000\nhello\n"
    Path("ep.srt").write_text(cues, encoding="utf-8")
    done = ["cleanup", talk.name, "-o", "ep.wav", "--yes", "--recipe", "plain.toml", "--no-report"]
    assert main(done) == 0
    told = capsys.readouterr().err
    assert "wrote       ep.wav.srt" in told
    assert "re-timed subtitles are called 'ep.wav.srt': 'ep.srt' is taken" in told
    assert Path("ep.srt").read_text(encoding="utf-8") == cues
    assert "hello" in Path("ep.wav.srt").read_text(encoding="utf-8")


def test_options_that_a_plan_leaves_nothing_to_do_for_are_told(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["cleanup", "ep.flac", "-o", "a.flac", "--no-report"]
    assert main([*common, "--recipe", "plain.toml"]) == 0
    plan = Path("a.plan.json").read_text(encoding="utf-8")
    Path("mine.json").write_text(plan.replace('"pocketsphinx"', '"somebody"'), encoding="utf-8")
    capsys.readouterr()
    assert main([*common, "--apply", "mine.json", "--recipe", "plain.toml"]) == 0
    assert "not used" not in capsys.readouterr().err
    other = ["--apply", "mine.json", "--recipe", "podcast", "--ear", "pocketsphinx"]
    assert main([*common, *other]) == 0
    told = capsys.readouterr().err
    assert "not used    --recipe, for the plan has its own" in told
    assert "not used    --ear for the plan, which somebody heard" in told


def test_what_was_made_is_heard_again_unless_nobody_wants_it(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = ["cleanup", "ep.flac", "-o", "a.flac", "--yes", "--recipe", "plain.toml"]
    assert main(done) == 0
    assert "heard again 1 of 2 joins, the others measured: 2 clean" in capsys.readouterr().err
    assert main([*done, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["heard_again"]
    assert (again["joins"], again["heard"], again["clean"]) == (2, 1, 2)
    report = json.loads(Path("a.report.json").read_text(encoding="utf-8"))
    assert report["heard_again"] == again
    assert main([*done, "--json", "--no-verify", "--no-report"]) == 0
    assert json.loads(capsys.readouterr().out)["heard_again"] is None


def test_a_plan_for_another_recording_is_refused(
    talk: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cleanup", "ep.flac", "-o", "a.flac", "--recipe", "plain.toml"]) == 0
    sound, rate = soundfile.read(talk)
    soundfile.write("other.flac", sound[rate:], rate)
    assert main(["cleanup", "other.flac", "-o", "b.flac", "--apply", "a.plan.json"]) == 2
    assert "make a new plan" in capsys.readouterr().err


def test_recipes_are_shown_and_taken_from_sessions(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipe", "show"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "podcast",
        "interview",
        "audiobook",
    ]
    asked = ["edit", "ep.flac", "cap the pauses at 1 second", "-o", "x.flac", "--session", "s"]
    assert main([*asked, "--quiet"]) == 0
    assert main(["recipe", "from", "s", "-o", "mine.toml"]) == 0
    assert main(["recipe", "show", "mine.toml"]) == 0
    assert "longer_than = 1.0" in capsys.readouterr().out
    text = Path("mine.toml").read_text(encoding="utf-8")
    Path("mine.toml").write_text(f"# mine\n{text}", encoding="utf-8")
    for _ in range(2):
        assert main(["recipe", "from", "s", "-o", "mine.toml"]) == 0
    assert capsys.readouterr().err.count("kept mine.old.toml, the file that was there") == 1
    assert Path("mine.old.toml").read_text(encoding="utf-8") == f"# mine\n{text}"
    assert main(["recipe", "from", "s", "-o", "mine.txt"]) == 2
    assert "should end in .toml" in capsys.readouterr().err

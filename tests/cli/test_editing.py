"""edit, replay and undo as a person runs them, on the recording that ships with the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.cli import main

ROOT = Path(__file__).parent.parent.parent
CUT = 'Cut "with the old wooden gate"'


@pytest.fixture
def talk(interview: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(interview, tmp_path / "talk.flac"))


def _words(interview: Path) -> list[dict[str, float | str]]:
    truth = json.loads(interview.with_suffix(".json").read_text(encoding="utf-8"))
    return list(truth["words"])


def test_edit_cuts_at_the_true_edges_and_keeps_the_rest_bit_for_bit(
    talk: Path, interview: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", "talk.flac", CUT, "-o", "clean.flac", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (edit,) = lines[-1]["edits"]
    words = _words(interview)
    first = next(i for i, word in enumerate(words) if word["text"] == "with")
    assert edit["tool"] == "cut"
    assert edit["start"] == pytest.approx(words[first]["start"], abs=0.05)
    assert edit["end"] == pytest.approx(words[first + 4]["end"], abs=0.05)
    assert [verdict["kind"] for verdict in lines[-1]["verdicts"]] == ["clean"]

    before, rate = soundfile.read(talk, dtype="int16")
    after, _ = soundfile.read("clean.flac", dtype="int16")
    start, end = edit["frames"]
    fade = round(0.015 * rate)
    assert len(after) == len(before) - (end - start)
    assert np.array_equal(after[: start - fade], before[: start - fade])
    assert np.array_equal(after[start + fade :], before[end + fade :])


def test_the_result_line_names_output_session_edits_and_verdicts(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", "talk.flac", CUT, "-o", "clean.wav", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["type"] for line in lines].count("tool_call") == 1
    result = lines[-1]
    assert result["type"] == "result"
    assert result["output"] == "clean.wav"
    assert result["session"] == "clean.session"
    assert {"tool", "audio", "words", "start", "end"} <= result["edits"][0].keys()
    assert Path("clean.session/report.html").is_file()


def test_people_read_turns_on_stderr_and_stdout_stays_empty(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", "talk.flac", CUT, "-o", "clean.flac"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.search(r"Audio 1 +talk.flac +14.87 s +16 kHz mono", printed.err)
    assert re.search(r"cut\(audio=1, words=.*<\|\d\.\d\d\|> to <\|\d\.\d\d\|>", printed.err)
    assert "wrote clean.flac   session: clean.session/" in printed.err


def test_replay_gives_the_same_bytes_again(talk: Path) -> None:
    assert main(["edit", "talk.flac", f"{CUT} and denoise it", "-o", "a.wav", "--quiet"]) == 0
    assert main(["replay", "a.session", "talk.flac", "-o", "b.wav", "--quiet"]) == 0
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


def test_undo_gives_back_what_was_there(talk: Path) -> None:
    assert main(["edit", "talk.flac", CUT, "-o", "a.wav", "--quiet"]) == 0
    assert main(["undo", "a.session", "-o", "b.wav", "--quiet"]) == 0
    before, _ = soundfile.read(talk, dtype="int16")
    after, _ = soundfile.read("b.wav", dtype="int16")
    assert np.array_equal(before, after)


def test_a_session_is_continued(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", "talk.flac", CUT, "-o", "a.wav", "--quiet"]) == 0
    more = ["edit", "--session", "a.session", "fade out over 1 second", "-o", "b.wav", "--json"]
    assert main(more) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [edit["audio"] for edit in result["edits"]] == [2]
    assert len(soundfile.read("a.wav")[0]) == len(soundfile.read("b.wav")[0])


def test_a_second_recording_named_in_the_sentence_is_spliced_in(talk: Path) -> None:
    soundfile.write("jingle.wav", 0.1 * np.ones((4000, 2)), 8000)
    done = main(
        ["edit", "talk.flac", "Insert jingle.wav at the beginning", "-o", "a.wav", "--quiet"]
    )
    assert done == 0
    assert soundfile.info("a.wav").frames == soundfile.info(talk).frames + 8000


def test_a_dry_run_writes_nothing(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", "talk.flac", CUT, "--dry-run"]) == 0
    assert "cut(audio=1" in capsys.readouterr().err
    assert [path.name for path in Path.cwd().iterdir()] == ["talk.flac"]


@pytest.mark.parametrize(
    ("instruction", "told"),
    [('Cut "purple elephants"', "purple elephants"), ("Paint it blue", "understand")],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    talk: Path, capsys: pytest.CaptureFixture[str], instruction: str, told: str
) -> None:
    assert main(["edit", "talk.flac", instruction, "-o", "a.wav"]) == 1
    assert told in capsys.readouterr().err
    assert [path.name for path in Path.cwd().iterdir()] == ["talk.flac"]


@pytest.mark.parametrize(
    "argv",
    [
        ["edit", "talk.flac", CUT, "-o", "talk.flac"],
        ["edit", "talk.flac", CUT, "-o", "nowhere/a.wav"],
        ["edit", "talk.flac", CUT, "-o", "a.pdf"],
        ["edit", "talk.flac", CUT],
        ["edit", CUT, "-o", "a.wav"],
        ["edit", "missing.wav", CUT, "-o", "a.wav"],
        ["edit", "text.wav", CUT, "-o", "a.wav"],
        ["edit", "empty.wav", CUT, "-o", "a.wav"],
        ["edit", ".", CUT, "-o", "a.wav"],
        ["edit", "talk.flac", CUT, "-o", "a.wav", "--ear", "none"],
        ["edit", "talk.flac", CUT, "-o", "a.wav", "--model", "none"],
        ["replay", "nowhere", "talk.flac", "-o", "a.wav"],
        ["undo", "nowhere"],
    ],
)
def test_wrong_use_is_one_line_and_changes_nothing(
    talk: Path, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    Path("text.wav").write_text("no sound")
    Path("empty.wav").touch()
    before = {path.name: path.read_bytes() for path in Path.cwd().iterdir()}
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in Path.cwd().iterdir()} == before


def test_the_demo_of_the_makefile_does_its_whole_job(
    talk: Path, interview: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    said = re.search(r"^SAY \?= (.*)$", makefile, re.MULTILINE)
    assert said is not None
    assert main(["edit", "talk.flac", said[1], "-o", "clean.flac", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    tools = [edit["tool"] for edit in result["edits"]]
    assert {"cut", "tidy", "denoise"} <= set(tools)
    assert {verdict["kind"] for verdict in result["verdicts"]} == {"clean"}
    um = next(word for word in _words(interview) if word["kind"] == "filler")
    gone = [e for e in result["edits"] if e["tool"] == "tidy" and e["words"]]
    assert len(gone) == 1, "the filler, and nothing else"
    assert gone[0]["end"] - gone[0]["start"] == pytest.approx(um["end"] - um["start"], abs=0.15)


def test_an_effect_on_the_whole_names_seconds_of_the_audio_it_was_given(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", "talk.flac", "slow down to 0.8x", "-o", "a.wav", "--json"]) == 0
    (edit,) = json.loads(capsys.readouterr().out.splitlines()[-1])["edits"]
    assert (edit["start"], edit["end"]) == (0.0, pytest.approx(14.871, abs=0.001))
    assert soundfile.info("a.wav").duration == pytest.approx(14.871 / 0.8, abs=0.01)


def test_the_session_that_is_named_is_there_even_where_there_was_nothing_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    soundfile.write("quiet.wav", np.zeros(16000), 16000)
    assert main(["edit", "quiet.wav", "Remove the fillers", "-o", "a.wav", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["session"], result["edits"]) == ("a.session", [])
    assert Path("a.session/report.html").is_file()


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_names_that_are_no_text_are_read_written_and_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, output = os.fsdecode(b"in\xff\n.wav"), os.fsdecode(b"out\xfe.wav")
    try:
        soundfile.write(os.fsencode(source), 0.1 * np.ones(8000), 8000, format="WAV")
    except soundfile.LibsndfileError:
        pytest.skip("this disk takes only names that are text")
    assert main(["edit", source, "make it 6 dB louder", "-o", output, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1])["output"] == output
    assert main(["edit", source, "make it 6 dB louder", "-o", source]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert probe(Path(output)).num_frames == 8000


def test_a_folder_that_takes_nothing_is_one_line_and_the_job_failed(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    assert main(["edit", "talk.flac", CUT, "-o", "a.wav", "--session", "file/session"]) == 1
    printed = capsys.readouterr()
    assert "file/session" in printed.err
    assert len(printed.err.splitlines()) == 1


def test_what_is_interrupted_is_kept_to_be_continued(
    talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Planner, "run", interrupt)
        assert main(["edit", "talk.flac", CUT, "-o", "a.wav"]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "qwen-audio-agent: stopped; no edit kept: go on with --session a.session"
    assert not Path("a.wav").exists()
    again = ["edit", "--session", "a.session", "make it 6 dB louder", "-o", "a.wav", "--quiet"]
    assert main(again) == 0


def test_where_there_is_nothing_to_do_the_recording_itself_is_written_not_a_second_one() -> None:
    soundfile.write("quiet.wav", np.zeros(16000), 16000)
    soundfile.write("other.wav", 0.1 * np.ones((4000, 2)), 8000)
    argv = ["edit", "quiet.wav", "other.wav", "Remove the fillers", "-o", "a.wav", "--quiet"]
    assert main(argv) == 0
    assert (soundfile.info("a.wav").frames, soundfile.info("a.wav").samplerate) == (16000, 16000)


@pytest.mark.parametrize("steps", ["0", "-3", "many"])
def test_a_number_of_steps_is_at_least_one(talk: Path, steps: str) -> None:
    assert main(["edit", "talk.flac", CUT, "-o", "a.wav", "--max-steps", steps]) == 2

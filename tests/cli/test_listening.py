"""words, chat and tools as a person runs them."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from qwen_audio_agent.cli import main


@pytest.fixture
def talk(interview: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(interview, tmp_path / "my talk 讲话.flac"))


def test_words_as_json_have_the_promised_shape(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["words", talk.name, "--format", "json", "--quiet"]) == 0
    heard = json.loads(capsys.readouterr().out)
    assert list(heard) == ["audio", "duration", "language", "words"]
    assert heard["audio"] == talk.name
    assert heard["duration"] == pytest.approx(14.871, abs=0.001)
    assert list(heard["words"][0]) == ["text", "start", "end", "kind", "probability"]
    assert [word["text"] for word in heard["words"][:3]] == ["welcome", "back", "to"]


@pytest.mark.parametrize(
    ("form", "start"),
    [("srt", "1\n00:00:00,"), ("vtt", "WEBVTT"), ("textgrid", "File type"), ("audacity", "0.")],
)
def test_words_in_the_formats_of_others(
    talk: Path, capsys: pytest.CaptureFixture[str], form: str, start: str
) -> None:
    assert main(["words", talk.name, "--format", form, "--quiet"]) == 0
    assert capsys.readouterr().out.startswith(start)


def test_find_gives_the_place_of_a_phrase(
    talk: Path, interview: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["words", talk.name, "--find", "Every morning!", "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    truth = json.loads(interview.with_suffix(".json").read_text(encoding="utf-8"))["words"]
    first = next(i for i, word in enumerate(truth) if word["text"] == "every")
    assert found["phrase"] == "Every morning!"
    assert list(found["matches"][0]) == ["text", "start", "end", "probability"]
    assert found["matches"][0]["start"] == pytest.approx(truth[first]["start"], abs=0.05)
    assert found["matches"][0]["end"] == pytest.approx(truth[first + 1]["end"], abs=0.05)


def test_a_phrase_that_is_not_there_is_said_to_be_missing(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["words", talk.name, "--find", "purple elephants", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["matches"] == []
    assert '"purple elephants" is not heard' in printed.err


def test_chat_answers_the_questions_of_the_model_card(
    talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = (
        "what does the person say?\n\nFind the start time and end time of the word healthy\n"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(questions))
    assert main(["chat", talk.name, "--quiet"]) == 0
    said, where = capsys.readouterr().out.splitlines()
    assert said.startswith('The person says: "welcome back to the garden show')
    assert where.startswith('The word "healthy" starts at <|')


def test_the_published_answers_of_the_model_card(
    golden_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, phrase, start, end, error in (
        ("1272-128104-0000.flac", "middle classes", 2.33, 3.26, 0.03),
        ("1089_134686_000007_000004.wav", "companionless", 6.28, 7.15, 0.06),
        ("1089_134686_000007_000004.wav", "shelley's", 3.79, 4.33, 0.06),
    ):
        recording = str(golden_data / "audio" / name)
        assert main(["words", recording, "--find", phrase, "--json", "--quiet"]) == 0
        best = json.loads(capsys.readouterr().out)["matches"][0]
        assert best["start"] == pytest.approx(start, abs=error), phrase
        assert best["end"] == pytest.approx(end, abs=error), phrase


def test_tools_lists_every_tool_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools"]) == 0
    text = capsys.readouterr().out
    assert main(["tools", "--json"]) == 0
    schemas = json.loads(capsys.readouterr().out)
    assert 8 <= len(schemas) <= 12
    for schema in schemas:
        assert schema["name"] in text
        assert "audio" in schema["parameters"]["properties"]


@pytest.mark.parametrize("name", ["missing.wav", "text.wav", "empty.wav", "."])
def test_what_is_no_recording_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.wav").write_text("no sound")
    Path("empty.wav").touch()
    assert main(["words", name]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("wrong", [["--find", " "], ["--find", "garden", "--format", "srt"]])
def test_a_find_that_makes_no_sense_is_wrong_use(
    talk: Path, capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    assert main(["words", talk.name, *wrong]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1


def test_chat_survives_any_bytes_and_sends_none_that_steer_a_terminal(
    talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = b"\n\x1b[31mred\x07\xff\n" + b"a" * 100_000 + b"\nhow long is it?"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8"))
    assert main(["chat", talk.name, "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert "14.87 s" in lines[-1]

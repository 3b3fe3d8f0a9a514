"""Names of files are data as well: what they lead to, and what they do to a terminal."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwen_audio_agent.audio.files import AudioWriter
from qwen_audio_agent.cli import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names and devices are those of Unix")
LOUDER = "make it 6 dB louder"


@pytest.fixture
def talk() -> Path:
    soundfile.write("talk.wav", 0.1 * np.ones(4000), 8000)
    return Path("talk.wav")


@pytest.fixture
def odd(talk: Path) -> Iterator[None]:
    """Things in the folder that are no recordings."""
    os.mkfifo("pipe.wav")
    Path("folder.wav").mkdir()
    for name, target in {
        "zero": "/dev/zero", "null": "/dev/null", "full": "/dev/full", "broken": "nowhere",
        "loop": "loop.wav", "away": "/nowhere/at/all.wav",
    }.items():  # fmt: skip
        Path(f"{name}.wav").symlink_to(target)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.wav")
        yield


def is_clean(text: str) -> bool:
    """Whether a text does nothing to a terminal."""
    return all(c.isprintable() for c in text.replace("\n", ""))


def state() -> dict[str, bytes | None]:
    return {
        path.name: path.read_bytes() if path.is_file() else None for path in Path.cwd().iterdir()
    }


@pytest.mark.parametrize(
    "source",
    [
        "/dev/zero", "/dev/null", "/dev/full", "/dev/stdin", "zero.wav", "pipe.wav", "socket.wav",
        "folder.wav", "broken.wav", "loop.wav", "away.wav", "", ".", "..", "/",
        "talk.wav/..", "~", "file:talk.wav", "http://localhost/a.wav", "x" * 300, "a\nb\x1b[2J.wav",
        os.fsdecode(b"\xff\xfe.wav"), "concat:talk.wav|talk.wav", "data:audio/wav;base64,AAAA",
    ],
)  # fmt: skip
def test_a_source_that_is_no_recording_is_refused_in_one_line(
    odd: None, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    before = state()
    for argv in (["edit", source, LOUDER, "-o", "a.wav"], ["words", source], ["chat", source]):
        assert main(argv) == 2, argv
        printed = capsys.readouterr()
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1
        assert is_clean(printed.err)
    assert state() == before


@pytest.mark.parametrize(
    "output",
    [
        "/dev/null", "/dev/full", "/dev/stdout", "null.wav", "full.wav", "pipe.wav", "socket.wav",
        "folder.wav", "loop.wav", "away.wav", "", ".", "..", "/", "nowhere/a.wav", "talk.wav/a.wav",
        "x" * 300 + ".wav", "a.\x1b[2J", ".wav", "talk.wav", "./talk.wav", "folder.wav/../talk.wav",
        "hard.wav", "soft.wav",
    ],
)  # fmt: skip
def test_an_output_that_is_no_new_file_is_refused_in_one_line(
    odd: None, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    os.link("talk.wav", "hard.wav")
    Path("soft.wav").symlink_to("talk.wav")
    before = state()
    assert main(["edit", "talk.wav", LOUDER, "-o", output]) == 2
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 1
    assert is_clean(printed.err)
    assert state() == before


def test_a_recording_that_the_sentence_names_is_not_written_over(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write("jingle.wav", np.zeros(4000), 8000)
    before = state()
    argv = ["edit", "talk.wav", "Insert jingle.wav at the beginning", "-o", "jingle.wav"]
    assert main(argv) == 2
    assert "jingle.wav is a source" in capsys.readouterr().err
    assert state() == before


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines.wav", "tab\t.wav", "\x1b]0;owned\a\x1b[2J.wav", "c1\x9b2J.wav", "\u202evaw.wav",
        os.fsdecode(b"\xff\xfe.wav"), "-o.wav", "--help.wav", "--session", "CON.wav", "aux",
        "nul.wav",
        "x" * 240 + ".wav", "'; rm -rf ~ #.wav", "$(touch x).wav", "%s%n.wav", "a.wav.session",
        " .wav", "...wav", "*.wav", "\u0301e\u0301.wav",
    ],
)  # fmt: skip
def test_a_recording_may_have_any_name_and_does_nothing_to_the_terminal(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    Path("in").mkdir()
    try:
        soundfile.write(os.fsencode(f"in/{name}"), 0.1 * np.ones(4000), 8000, format="WAV")
    except soundfile.LibsndfileError:
        pytest.skip("this disk does not take such a name")
    os.chdir("in")
    source = f"./{name}" if name.startswith("-") else name
    for printing in ([], ["--json"]):
        assert main(["edit", source, LOUDER, "-o", "../out.wav", *printing]) == 0
        printed = capsys.readouterr()
        assert is_clean(printed.err + printed.out)
    assert soundfile.info("../out.wav").frames == 4000
    assert os.listdir() == [name]  # noqa: PTH208 - names, whatever they are
    page = Path("../out.session/report.html").read_text(encoding="utf-8")
    assert is_clean(page)


@pytest.mark.parametrize("argv", [["\x1b[2J"], ["words", "a", "b\n\x9b"], ["edit", "--\x1b]0;x\a"]])
def test_wrong_arguments_are_quoted_without_what_steers_a_terminal(
    capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    assert main(argv) == 2
    assert is_clean(capsys.readouterr().err)


def test_a_link_that_takes_the_place_of_the_output_is_replaced_not_followed(talk: Path) -> None:
    before = talk.read_bytes()
    for target in (talk.absolute(), Path("/dev/full")):
        output = Path("out.wav")
        with AudioWriter(output, 8000, 1) as writer:
            writer.write(np.zeros((1, 100), np.float32))
            output.unlink(missing_ok=True)
            output.symlink_to(target)
        assert not output.is_symlink()
        assert soundfile.info(output).frames == 100
    assert talk.read_bytes() == before


@pytest.mark.parametrize("script", ["/dev/zero", "pipe.wav", "folder.wav", "[" * 9999, "talk.wav"])
def test_a_script_that_is_none_is_refused(
    odd: None, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    if script.startswith("["):
        Path("deep.json").write_text(script, encoding="ascii")
        script = "deep.json"
    assert main(["edit", "talk.wav", "x", "-o", "a.wav", "--model", f"scripted:{script}"]) == 2
    assert "the script" in capsys.readouterr().err


WORDS = st.sampled_from(
    [
        "edit", "words", "chat", "replay", "undo", "tools", "-o", "--output", "--session", "--json",
        "--find", "--format", "--model", "--ear", "--max-steps", "--max-seconds", "--dry-run", "--",
        "-", "talk.wav", "out.wav", "out.session", "scripted:talk.wav", "offline", "auto", "srt",
        "1", "nan", "1e999", "-1", LOUDER, "", "\x1b[2J", "\ud800", "é", "a" * 300, "--json=1",
    ]
)  # fmt: skip


def check_arguments(num: int, capsys: pytest.CaptureFixture[str]) -> None:
    @settings(
        max_examples=num, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(WORDS, max_size=7))
    def check(argv: list[str]) -> None:
        assert main(argv) in (0, 1, 2)
        assert is_clean("".join(capsys.readouterr()))

    with open(os.devnull) as nothing:  # noqa: PTH123 - stdin of `chat`
        stdin, sys.stdin = sys.stdin, nothing
        with contextlib.ExitStack() as stack:
            stack.callback(setattr, sys, "stdin", stdin)
            check()


def test_any_arguments_end_in_a_status(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_arguments(80, capsys)


@pytest.mark.slow
def test_very_many_arguments_end_in_a_status(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_arguments(3000, capsys)

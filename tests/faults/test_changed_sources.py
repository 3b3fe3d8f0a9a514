"""A recording that is gone, replaced, cut off or written over at any moment: noticed, no output."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.agent.replay import replay
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.chat_models.scripted import read_script
from qwen_audio_agent.errors import AudioFileError, SourceChangedError
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener
from tests.faults.conftest import Commands, hidden, write_faint, write_script

Harm = Callable[[Path], object]


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    """By another recording of the same length."""
    write_faint(path.with_name("new.wav"), 3, seed=7).replace(path)


def cut_off(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def write_over(path: Path) -> None:
    """Some of its sound, in place, under the same times of change that a person can set."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        file.write(bytes(1000))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def make_text(path: Path) -> None:
    path.write_text("no sound at all", "utf-8")


HARMS = [remove, replace, cut_off, write_over, make_text]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return write_faint(tmp_path / "talk.wav", 3)


@pytest.fixture
def mended(talk: Path) -> Callable[[], None]:
    """Puts the recording back as it was."""
    content = talk.read_bytes()

    def mend() -> None:
        talk.unlink(missing_ok=True)
        talk.write_bytes(content)

    return mend


@pytest.mark.parametrize("harm", HARMS)
def test_between_adding_and_editing(
    tmp_path: Path, talk: Path, harm: Harm, mended: Callable[[], None]
) -> None:
    with Session.create(tmp_path / "session", [talk]) as session:
        harm(talk)
        with pytest.raises(SourceChangedError, match=r"talk\.wav is "):
            session.call("cut", audio=1, start=1.0, end=1.5)
        model = read_script(write_script(tmp_path / "script.json"))
        with pytest.raises(SourceChangedError, match=r"talk\.wav is "):
            list(Planner(session, model).run("do it"))
        assert session.steps == ()
        mended()
        assert session.call("cut", audio=1, start=1.0, end=1.5).audio == 2


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("reopened", [False, True])
def test_between_editing_and_rendering(
    tmp_path: Path, talk: Path, harm: Harm, mended: Callable[[], None], *, reopened: bool
) -> None:
    output = tmp_path / "out.wav"
    with Session.create(tmp_path / "session", [talk]) as session:
        session.call("effect", audio=1, name="tempo", value=1.1)
        session.call("cut", audio=2, start=1.0, end=1.5)
        session.render(3, tmp_path / "whole.wav")
        harm(talk)
        if not reopened:
            with pytest.raises(SourceChangedError, match=r"talk\.wav is "):
                session.render(3, output)
    if reopened:
        with (
            pytest.raises(SourceChangedError, match=r"talk\.wav is "),
            Session.open(tmp_path / "session") as session,
        ):
            session.render(3, output)
    assert not output.exists()
    mended()
    replay(tmp_path / "session", talk, output)
    assert output.read_bytes() == (tmp_path / "whole.wav").read_bytes()


@pytest.mark.parametrize("harm", HARMS)
def test_while_rendering(
    tmp_path: Path, talk: Path, harm: Harm, mended: Callable[[], None]
) -> None:
    output = tmp_path / "out.wav"
    output.write_bytes(b"an earlier output")

    def strike(_done: float) -> None:
        if talk.exists() and talk.read_bytes() == content:
            harm(talk)

    content = talk.read_bytes()
    with Session.create(tmp_path / "session", [talk]) as session:
        session.call("cut", audio=1, start=1.0, end=1.5)
        with pytest.raises(SourceChangedError, match=r"talk\.wav is "):
            session.render(2, output, progress=strike)
        assert output.read_bytes() == b"an earlier output"
        mended()
        session.render(2, output)
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("harm", HARMS)
def test_while_a_tool_works_nothing_of_the_other_sound_is_kept(
    tmp_path: Path, talk: Path, harm: Harm, mended: Callable[[], None]
) -> None:
    strikes: list[float] = []

    def strike(done: float) -> None:
        if not strikes:
            harm(talk)
        strikes.append(done)

    with Session.create(tmp_path / "whole", [talk]) as session:
        session.call("effect", audio=1, name="tempo", value=1.1)
        session.render(2, tmp_path / "whole.wav")
    with Session.create(tmp_path / "session", [talk], progress=strike) as session:
        with pytest.raises(SourceChangedError, match=r"talk\.wav is "):
            session.call("effect", audio=1, name="tempo", value=1.1)
        assert strikes
        assert session.steps == ()
        assert not list((tmp_path / "session" / "cache").glob("*.wav"))
        mended()
        session.call("effect", audio=1, name="tempo", value=1.1)
        session.render(2, tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "whole.wav").read_bytes()


@pytest.mark.parametrize("harm", HARMS)
def test_the_command_says_it_in_one_line(
    commands: Commands, tmp_path: Path, talk: Path, harm: Harm
) -> None:
    with Session.create(tmp_path / "a.session", [talk]) as session:
        session.call("cut", audio=1, start=1.0, end=1.5)
    harm(talk)
    script = write_script(tmp_path / "script.json")
    more = ["edit", "--session", "a.session", "go on", "-o", "b.wav", "--quiet"]
    for command in ([*more, "--model", f"scripted:{script}"], ["undo", "a.session", "-o", "b.wav"]):
        status, running = commands.run(tmp_path, *command)
        assert status == 2
        (complaint,) = running.complaints
        assert "talk.wav is " in complaint
        assert not (tmp_path / "b.wav").exists()


def test_a_second_recording_that_was_copied_is_watched_too(tmp_path: Path, talk: Path) -> None:
    other = write_faint(tmp_path / "other.wav", 2, seed=3)
    with Session.create(tmp_path / "session", [talk, other]) as session:
        remove(other)
        session.call("insert", audio=1, other=2)
        (copy,) = (tmp_path / "session" / "sources").iterdir()
        write_over(copy)
        with pytest.raises(SourceChangedError, match="is not the recording that it was"):
            session.render(3, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_a_compressed_recording_that_changes_while_it_is_decoded_leaves_no_copy(
    tmp_path: Path, talk: Path
) -> None:
    path = tmp_path / "talk.mp3"
    soundfile.write(path, *soundfile.read(talk))

    def strike(_done: float) -> None:
        write_over(path)

    with pytest.raises(AudioFileError, match="changed while it was decoded"):
        probe(path, tmp_path / "cache", strike)
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_heard_of_a_recording_that_changes_meanwhile_is_not_kept(
    tmp_path: Path, talk: Path
) -> None:
    def strike(_done: float) -> None:
        write_over(talk)

    file = probe(talk)
    with pytest.raises(AudioFileError, match="changed while it was listened to"):
        Listener(open_ear("pocketsphinx"), tmp_path / "cache", strike).transcribe(file)
    assert not (tmp_path / "cache").exists()
    Listener(open_ear("pocketsphinx"), tmp_path / "cache").transcribe(file)
    assert list((tmp_path / "cache").rglob("*.json"))

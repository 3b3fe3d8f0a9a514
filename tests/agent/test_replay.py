"""A session done again: the same sound bit for bit, or the same calls on another recording."""

from __future__ import annotations

import shutil

import pytest

from qwen_audio_agent.agent.replay import replay
from qwen_audio_agent.errors import AudioFileError, EditError, SessionError, ToolError


@pytest.fixture
def edited(start, tmp_path):
    """A session that was edited, undone and edited again, closed; its output is out.wav."""
    session = start("alpha bravo charlie delta", "golf hotel")
    session.call("cut", audio=1, words="bravo")
    session.call("cut", audio=3, words="delta")
    session.undo()
    session.call("insert", audio=5, other=2, words="golf", after="alpha")
    session.call("effect", audio=6, name="normalize", value=-20)
    session.render(session.latest, tmp_path / "out.wav")
    session.close()
    return session


def test_the_same_recording_gives_the_same_bytes_without_the_cache_or_listening(edited, tmp_path):
    shutil.rmtree(edited.folder / "cache")
    moved = (tmp_path / "talk1.wav").rename(tmp_path / "moved.wav")

    class DeafEar(type(edited.ear)):
        def listen(self, audio):  # noqa: ARG002
            raise AssertionError("nothing needs to be heard")

    replay(edited.folder, moved, tmp_path / "again.wav", ear=DeafEar())
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "out.wav").read_bytes()


def test_the_recording_that_the_session_was_made_with_is_never_written(edited, record, tmp_path):
    other = record("other", "echo alpha kilo bravo lima delta", gap=0.1)
    before = (tmp_path / "talk1.wav").read_bytes()
    with pytest.raises(EditError, match="is a source of this session"):
        replay(edited.folder, other, tmp_path / "talk1.wav", ear=edited.ear)
    assert (tmp_path / "talk1.wav").read_bytes() == before


def test_another_recording_gets_the_same_calls_by_their_words(edited, record, tmp_path):
    other = record("other", "echo alpha kilo bravo lima delta", gap=0.1)
    file = replay(edited.folder, other, tmp_path / "again.wav", ear=edited.ear)
    from qwen_audio_agent.audio.files import read

    assert edited.ear.listen(read(file)).text == "echo alpha golf kilo lima delta"
    journal = (edited.folder / "journal.jsonl").read_text()
    assert "other.wav" not in journal


def test_a_call_that_the_other_recording_cannot_take_is_named(edited, record, tmp_path):
    other = record("other", "echo alpha kilo")
    with pytest.raises(ToolError, match=r'cut cannot be done .*"bravo" is not heard'):
        replay(edited.folder, other, tmp_path / "again.wav", ear=edited.ear)
    assert not (tmp_path / "again.wav").exists()


def test_a_session_without_edits_has_nothing_to_replay(start, tmp_path):
    session = start("alpha")
    session.close()
    with pytest.raises(SessionError, match="no edits"):
        replay(session.folder, tmp_path / "talk1.wav", tmp_path / "out.wav", ear=session.ear)


def test_a_recording_that_is_not_there_is_named(edited, tmp_path):
    with pytest.raises(AudioFileError, match=r"missing\.wav"):
        replay(edited.folder, tmp_path / "missing.wav", tmp_path / "out.wav", ear=edited.ear)

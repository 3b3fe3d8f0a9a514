"""A session keeps everything, gives it back, and never lets two processes in."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from langchain_core.messages import AIMessage, HumanMessage

from qwen_audio_agent.agent.replay import replay
from qwen_audio_agent.agent.report import write_report
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.errors import (
    AudioFileError,
    EditError,
    SessionError,
    SourceChangedError,
    ToolError,
)


def again(session: Session) -> Session:
    """The same session, closed and opened again."""
    session.close()
    return Session.open(session.folder, ear=session.ear, num_workers=1)


def test_a_cut_word_is_gone_and_the_rest_is_kept_bit_for_bit(start, said, tmp_path):
    session = start("alpha bravo charlie delta")
    step = session.call("cut", audio=1, words="bravo")
    assert step.audio == 2
    assert said(session, 2) == "alpha charlie delta"
    file = session.render(2, tmp_path / "out.wav")
    before, _ = soundfile.read(tmp_path / "talk1.wav", dtype="int16")
    after, _ = soundfile.read(file.path, dtype="int16")
    assert file.subtype == "PCM_16"
    same_head = int(np.argmax(before[: len(after)] != after))
    same_tail = int(np.argmax(before[::-1][: len(after)] != after[::-1]))
    assert len(before) - len(after) > 0.25 * 16_000
    assert len(after) - same_head - same_tail <= 0.01 * 16_000 + 2


def test_a_24_bit_stereo_recording_is_kept_bit_for_bit_outside_the_fades(start, tmp_path):
    ear, rate = start("alpha").ear, 48_000
    noise = np.random.default_rng(5).normal(0, 1e8, (4 * rate, 2))
    before = (noise.astype(np.int32) >> 8) << 8
    soundfile.write(tmp_path / "room.wav", before, rate, subtype="PCM_24")
    with Session.create(tmp_path / "24", [tmp_path / "room.wav"], ear=ear) as session:
        (place,) = session.call("cut", audio=1, start=1.2, end=2.7).places
        file = session.render(2, tmp_path / "out.wav")
    assert (place.start, place.end) == pytest.approx((1.2, 2.7), abs=0.002)
    assert (file.sample_rate, file.num_channels, file.subtype) == (rate, 2, "PCM_24")
    after, _ = soundfile.read(file.path, dtype="int32", always_2d=True)
    assert len(after) == len(before) - place.span.num_frames
    fade, at = round(0.015 * rate), place.span.start
    assert np.array_equal(after[: at - fade], before[: at - fade])
    assert np.array_equal(after[at + fade :], before[place.span.end + fade :])


def test_a_session_goes_on_after_it_was_closed(start, said):
    session = start("alpha bravo charlie", "delta echo")
    session.call("cut", audio=1, words="bravo")
    session.say(HumanMessage([{"type": "audio", "file_id": "audio-1"}, "cut it"]))
    session.say(AIMessage("", tool_calls=[{"name": "cut", "args": {"audio": 1}, "id": "c1"}]))
    messages, steps = session.messages, session.steps
    with again(session) as opened:
        assert opened.messages == messages
        assert opened.steps == steps
        assert opened.latest == 3
        assert [opened.name(n) for n in opened.numbers] == [
            "talk1.wav", "talk2.wav", "Audio 1 after cut",
        ]  # fmt: skip
        opened.call("insert", audio=3, other=2, words="echo", before="charlie")
        assert said(opened, 4) == "alpha echo charlie"


def test_undo_gives_the_value_from_before_and_undo_again_the_one_before_that(start):
    session = start("alpha bravo charlie delta")
    session.call("cut", audio=1, words="bravo")
    session.call("cut", audio=2, words="charlie")
    assert session.undo().audio == 4
    assert session.entry(4).edit_list == session.entry(2).edit_list
    session.undo()
    assert session.entry(5).edit_list == session.entry(1).edit_list
    with pytest.raises(ToolError, match="nothing to undo"):
        session.undo()


def test_the_cache_may_be_deleted_and_the_same_sound_comes_again(start, tmp_path):
    session = start("alpha bravo charlie delta")
    session.call("effect", audio=1, name="tempo", value=1.1)
    session.call("cut", audio=2, words="bravo")
    session.render(3, tmp_path / "one.wav")
    shutil.rmtree(session.folder / "cache")
    with again(session) as opened:
        opened.render(3, tmp_path / "two.wav")
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()


def test_later_recordings_are_copied_so_that_the_folder_stays_enough(start, tmp_path):
    session = start("alpha bravo", "charlie delta")
    session.call("insert", audio=1, other=2)
    (tmp_path / "talk2.wav").unlink()
    with again(session) as opened:
        file = opened.render(3, tmp_path / "out.wav")
    assert file.num_frames == opened.audio(1).num_frames + opened.audio(2).num_frames


def test_a_recording_that_has_changed_is_not_rendered_from(start, tmp_path):
    session = start("alpha bravo charlie")
    session.call("cut", audio=1, words="bravo")
    sound, rate = soundfile.read(tmp_path / "talk1.wav", dtype="int16")
    soundfile.write(tmp_path / "talk1.wav", sound[::-1], rate, subtype="PCM_16")
    with pytest.raises(SourceChangedError, match=r"talk1\.wav is not the recording that it was"):
        session.render(2, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_a_recording_that_is_gone_is_named(start, tmp_path):
    session = start("alpha bravo")
    (tmp_path / "talk1.wav").rename(tmp_path / "elsewhere.wav")
    session.close()
    with pytest.raises(SourceChangedError, match=r"talk1\.wav is gone"):
        Session.open(session.folder, ear=session.ear)
    with Session.open(session.folder, tmp_path / "elsewhere.wav", ear=session.ear) as opened:
        assert opened.audio(1).transcript().text == "alpha bravo"


def test_a_session_moves_with_its_folder_and_the_recording_beside_it(start, tmp_path):
    session = start("alpha bravo")
    session.close()
    (tmp_path / "new").mkdir()
    for name in ("session", "talk1.wav"):
        (tmp_path / name).rename(tmp_path / "new" / name)
    with Session.open(tmp_path / "new" / "session", ear=session.ear) as opened:
        assert opened.audio(1).transcript().text == "alpha bravo"


def test_the_recording_itself_is_never_written(start, tmp_path):
    session = start("alpha bravo charlie")
    before = (tmp_path / "talk1.wav").read_bytes()
    session.call("cut", audio=1, words="bravo")
    with pytest.raises(EditError, match="is a source"):
        session.render(2, tmp_path / "talk1.wav")
    assert (tmp_path / "talk1.wav").read_bytes() == before


def test_a_second_session_in_the_same_folder_is_refused(start, tmp_path):
    session = start("alpha")
    with pytest.raises(SessionError, match="in use by this program already"):
        Session.open(session.folder, ear=session.ear)
    with pytest.raises(SessionError, match="exists already"):
        Session.create(session.folder, ear=session.ear)


def test_a_folder_without_a_session_is_refused(start, tmp_path):
    session = start("alpha")
    with pytest.raises(SessionError, match="holds no session"):
        Session.open(tmp_path, ear=session.ear)


def test_a_session_of_another_format_is_refused(start):
    session = start("alpha")
    session.close()
    journal = session.folder / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"format":1', '"format":99'))
    with pytest.raises(SessionError, match="format 99; this program reads format 1"):
        Session.open(session.folder, ear=session.ear)


@pytest.mark.parametrize(
    "line",
    [
        {"type": "step", "step": {"tool": "cut"}, "edit_list": {}, "parent": 1},
        {"type": "audio", "recording": {"id": 5}, "edit_list": {"clips": "x"}},
        {"type": "message", "message": {"type": "alien", "data": {}}},
        {"type": "dream"},
        {"no": "type"},
    ],
)
def test_a_journal_of_another_make_is_refused_in_one_line(start, line):
    session = start("alpha")
    session.close()
    with (session.folder / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps(line) + "\n")
    with pytest.raises(SessionError) as error:
        Session.open(session.folder, ear=session.ear)
    assert "\n" not in str(error.value)
    # Whoever could not open it does not keep others out.
    lines = (session.folder / "journal.jsonl").read_text().splitlines()[:-1]
    (session.folder / "journal.jsonl").write_text("\n".join(lines) + "\n")
    Session.open(session.folder, ear=session.ear).close()


def test_a_file_that_is_no_sound_leaves_the_session_as_it_was(start, tmp_path):
    session = start("alpha")
    (tmp_path / "text.wav").write_text("not a sound")
    with pytest.raises(AudioFileError):
        session.add_audio(tmp_path / "text.wav")
    assert session.latest == 1


def test_audios_that_are_not_there_are_refused_with_those_that_are(start):
    session = start("alpha")
    with pytest.raises(ToolError, match="There is no Audio 7; there is Audio 1 to Audio 1"):
        session.audio(7)
    for wrong in ("audio-9", "audio-", "video-1", "audio-1x", "../audio-1"):
        with pytest.raises(ToolError):
            session.hear(wrong)


def test_names_in_any_script_and_with_spaces_come_back(start, record):
    session = start("alpha")
    session.add_audio(record("访谈 一 'x'", "bravo"))
    with again(session) as opened:
        assert opened.name(2) == "访谈 一 'x'.wav"
        assert opened.audio(2).transcript().text == "bravo"


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import ToneEar
from qwen_audio_agent.agent.session import Session
session = Session.{how}
print("open", flush=True)
for _ in range(1000):
    session.call("cut", audio=1, words="bravo")
    session.call("gain", audio=session.latest, db=-1)
"""


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_a_session_that_is_killed_opens_and_goes_on(start, said, tmp_path, delay):
    session = start("alpha bravo charlie")
    session.close()
    source = (tmp_path / "talk1.wav").read_bytes()
    how = f"open({str(session.folder)!r}, ear=ToneEar(), num_workers=1)"
    code = KILLED.format(tests=str(Path(__file__).parent), how=how)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"open\n"
    try:
        child.wait(delay)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    child.communicate()
    with Session.open(session.folder, ear=session.ear, num_workers=1) as opened:
        assert (tmp_path / "talk1.wav").read_bytes() == source
        made = opened.call("cut", audio=1, words="charlie").audio
        assert said(opened, made) == "alpha bravo"
        opened.render(opened.latest, tmp_path / "out.wav")


def test_an_edit_by_seconds_listens_to_nothing_but_what_is_beside_its_joins(start):
    session = start("alpha bravo 0.7 charlie delta 0.7 " * 30)
    step = session.call("cut", audio=1, start=40.5, end=48.9)
    (verdict,) = step.verdicts
    heard = session.audio(1).remembered()
    assert heard
    assert 9 < heard[0].start < 40 < 50 < heard[-1].start < 80 < session.audio(1).duration
    assert verdict.is_clean
    assert len(session.audio(1).transcript().words) == 120 > len(heard)


def test_a_compressed_recording_is_decoded_once_for_the_session(start, tmp_path):
    ear = start("alpha bravo charlie").ear
    path = tmp_path / "talk.mp3"
    soundfile.write(path, *soundfile.read(tmp_path / "talk1.wav"))
    folder, told = tmp_path / "compressed", []
    with Session.create(folder, [path], ear=ear, progress=told.append) as session:
        assert told[-1] == pytest.approx(1)
        (copy,) = (folder / "cache").glob("*.wav")
        written = copy.stat().st_mtime_ns
        session.call("cut", audio=1, start=0.65, end=1.0)
    with Session.open(folder, ear=ear) as session:
        write_report(session, 2, tmp_path / "report")
        session.render(2, tmp_path / "out.wav")
    replay(folder, path, tmp_path / "again.wav", ear=ear)
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "out.wav").read_bytes()
    assert list((folder / "cache").glob("*.wav")) == [copy]
    assert copy.stat().st_mtime_ns == written


def test_a_recording_may_be_named_by_a_path_that_goes_up(start, record, tmp_path):
    ear = start("alpha").ear
    talk = record("talk", "alpha bravo")
    (tmp_path / "below").mkdir()
    name = tmp_path / "below" / ".." / talk.name
    with Session.create(tmp_path / "up", [name], ear=ear, num_workers=1):
        pass
    with Session.open(tmp_path / "up", ear=ear, num_workers=1) as session:
        assert session.call("cut", audio=1, words="bravo").audio == 2


def test_what_is_heard_is_kept_where_the_variable_says(start, tmp_path, monkeypatch):
    monkeypatch.setenv("QWEN_AUDIO_AGENT_CACHE", str(tmp_path / "kept"))
    session = start("alpha bravo charlie")
    assert session.audio(1).transcript().text == "alpha bravo charlie"
    assert list((tmp_path / "kept").rglob("*.json"))
    assert not (session.folder / "cache" / "hearing").exists()

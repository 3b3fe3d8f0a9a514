"""retime, and what edit says of tags, as a person runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen.id3 import CHAP, ID3, TIT2, TXXX

from qwen_audio_agent.cli import main

SRT = "1\n00:00:01,000 --> 00:00:02,000\nwelcome\n\n2\n00:00:05,000 --> 00:00:06,000\nroses\n"


def test_subtitles_follow_the_edits_of_a_session(
    interview: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(interview, "talk.flac")
    Path("talk.srt").write_text(SRT, "utf-8")
    assert main(["edit", "talk.flac", "Cut from 2.5 to 4.5 seconds", "-o", "out.flac"]) == 0
    assert main(["retime", "out.session", "talk.srt", "-o", "out.srt", "--json"]) == 0

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["output"], line["error"]) == ("out.srt", None)
    gone = soundfile.info("talk.flac").duration - soundfile.info("out.flac").duration
    retimed = Path("out.srt").read_text("utf-8")
    assert "00:00:01,000 --> 00:00:02,000\nwelcome" in retimed
    start = retimed.split("\n\n")[1].split("\n")[1].split(",")
    assert float(start[0][-2:]) + float(start[1][:3]) / 1000 == pytest.approx(5 - gone, abs=0.001)


def test_what_cannot_be_retimed_is_told_in_one_line(
    interview: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(interview, "talk.flac")
    Path("talk.srt").write_text("nothing", "utf-8")
    assert main(["edit", "talk.flac", "Cut from 2.5 to 4.5 seconds", "-o", "out.flac"]) == 0
    capsys.readouterr()
    assert main(["retime", "out.session", "talk.srt", "-o", "out.srt"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "there are no srt subtitles" in line
    assert not Path("out.srt").exists()


def test_edit_and_replay_carry_chapters_and_say_which_tags_they_leave_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (160_000, 1))
    soundfile.write("talk.mp3", noise, 16_000, format="MP3")
    tags = ID3()
    tags.add(TXXX(encoding=3, desc="replaygain_track_gain", text=["-3 dB"]))
    tags.add(TIT2(encoding=3, text=["Größe"]))
    for number in range(2):
        times = {"start_time": 5000 * number, "end_time": 5000 * (number + 1)}
        tags.add(CHAP(element_id=f"c{number}", sub_frames=[], **times))
    tags.save("talk.mp3")

    assert main(["edit", "talk.mp3", "Cut from 1 to 3 seconds", "-o", "out.mp3"]) == 0
    said = capsys.readouterr().err
    assert "note     its loudness tags (ReplayGain, Sound Check) are left out" in said
    assert main(["replay", "out.session", "talk.mp3", "-o", "again.mp3", "--json"]) == 0
    assert "loudness" in json.loads(capsys.readouterr().out.splitlines()[-1])["notes"][0]
    written = ID3("out.mp3")
    assert written["TIT2"].text == ["Größe"]
    gone = soundfile.info("talk.mp3").duration - soundfile.info("out.mp3").duration
    assert written["CHAP:c1"].start_time == pytest.approx(5000 - 1000 * gone, abs=1)
    assert Path("again.mp3").read_bytes() == Path("out.mp3").read_bytes()

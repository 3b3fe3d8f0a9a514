"""Subtitles, labels and transcripts of others at the times of a programme."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.editing.edit_list import BLEEP, Clip, EditList
from qwen_audio_agent.editing.heard_runs import HeardRuns
from qwen_audio_agent.editing.subtitle_files import (
    find_subtitles,
    retime_subtitle_file,
    retime_subtitles,
    subtitle_names,
)
from qwen_audio_agent.editing.time_map import TimeMap
from qwen_audio_agent.errors import EditError


def made_of(*clips: Clip) -> TimeMap:
    return TimeMap.of(EditList(clips, 1000, 1), {})


WHOLE = made_of(Clip("a", 0, 10_000))
WITHOUT_2_TO_5 = made_of(Clip("a", 0, 2000), Clip("a", 5000, 10_000))

SRT = """\
1
00:00:00,500 --> 00:00:01,800
First line,
<i>Äpfel</i>

2
00:00:02,000 --> 00:00:04,000
Gone

3
00:00:04,500 --> 00:00:06,000  X1:40 X2:600
Half of it
"""


def test_srt_loses_what_was_cut_and_counts_anew() -> None:
    assert retime_subtitles(SRT, "srt", WITHOUT_2_TO_5) == (
        "1\n00:00:00,500 --> 00:00:01,800\nFirst line,\n<i>Äpfel</i>\n\n"
        "2\n00:00:02,000 --> 00:00:03,000  X1:40 X2:600\nHalf of it\n"
    )


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_an_unedited_recording_keeps_its_subtitles(ends: str) -> None:
    assert retime_subtitles("\ufeff" + SRT.replace("\n", ends), "srt", WHOLE) == SRT


def test_vtt_keeps_its_header_notes_settings_and_inner_times() -> None:
    text = """\
WEBVTT - a title

STYLE
::cue { color: yellow }

NOTE about the first

intro
00:00.500 --> 00:01.800 align:start position:10%
<v Zoë>One <00:01.000>two

NOTE about the second

00:02.000 --> 00:04.000
Gone

00:04.500 --> 00:00:06.000
<00:04.750>left <00:05.500>right
"""
    assert (
        retime_subtitles(text, "vtt", WITHOUT_2_TO_5)
        == """\
WEBVTT - a title

STYLE
::cue { color: yellow }

NOTE about the first

intro
00:00:00.500 --> 00:00:01.800 align:start position:10%
<v Zoë>One <00:00:01.000>two

00:00:02.000 --> 00:00:03.000
<00:00:02.000>left <00:00:02.500>right
"""
    )


def test_labels_keep_points_and_their_frequencies() -> None:
    text = "0.500000\t0.500000\tpoint\n1.000000\t1.500000\tspan\n\\\t200.0\t4000.0\n6,0\t7,0\n"
    assert retime_subtitles(text, "audacity", WITHOUT_2_TO_5) == (
        "0.500000\t0.500000\tpoint\n1.000000\t1.500000\tspan\n\\\t200.0\t4000.0\n"
        "3.000000\t4.000000\t\n"
    )


def test_json_of_whisper_drops_words_and_puts_the_text_together_again() -> None:
    words = [("One", 0.5, 1.0), ("two", 1.5, 1.9), ("three", 2.2, 2.8), ("four", 5.0, 5.5)]
    segment = {
        "id": 0,
        "start": 0.5,
        "end": 5.5,
        "text": " One two three four",
        "words": [{"word": f" {text}", "start": start, "end": end} for text, start, end in words],
    }
    document = {"language": "en", "duration": 10.0, "segments": [segment]}
    result = json.loads(retime_subtitles(json.dumps(document), "json", WITHOUT_2_TO_5))
    assert (result["duration"], result["language"]) == (7.0, "en")
    (found,) = result["segments"]
    assert (found["start"], found["end"], found["text"]) == (0.5, 2.5, "One two four")
    assert [(word["word"], word["start"]) for word in found["words"]] == [
        (" One", 0.5),
        (" two", 1.5),
        (" four", 2.0),
    ]


def test_json_of_podcast_hosts_is_retimed() -> None:
    segments = [
        {"speaker": "Zoë", "startTime": 0.5, "endTime": 1.75, "body": "Hello all"},
        {"speaker": "Max", "startTime": 3.0, "endTime": 4.0, "body": "Gone too"},
        {"speaker": "Max", "startTime": 6.0, "endTime": 7, "body": "Bye now"},
    ]
    document = json.dumps({"version": "1.0.0", "segments": segments})
    result = json.loads(retime_subtitles(document, "json", WITHOUT_2_TO_5))
    assert result["version"] == "1.0.0"
    assert [(s["startTime"], s["endTime"], s["speaker"]) for s in result["segments"]] == [
        (0.5, 1.75, "Zoë"),
        (3.0, 4.0, "Max"),
    ]


def test_what_is_heard_twice_is_there_twice_and_a_bleep_parts_nothing() -> None:
    teaser = made_of(
        Clip("a", 4500, 6000), Clip("a", 0, 5000), Clip(BLEEP, 0, 500), Clip("a", 5500, 9000)
    )
    result = retime_subtitles(SRT, "srt", teaser)
    times = [line for line in result.split("\n") if "-->" in line]
    assert times == [
        "00:00:00,000 --> 00:00:01,500  X1:40 X2:600",
        "00:00:02,000 --> 00:00:03,300",
        "00:00:03,500 --> 00:00:05,500",
        "00:00:06,000 --> 00:00:07,500  X1:40 X2:600",
    ]


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), min_size=1, max_size=6),
    st.integers(0, 900),
    st.integers(1, 200),
)
def test_a_part_is_wherever_a_search_of_every_frame_finds_it(
    clips: list[tuple[int, int]], start: int, length: int
) -> None:
    time_map = made_of(*(Clip("a", first, first + size) for first, size in clips))
    runs: list[list[int]] = [[]]
    last = -1
    for frame in range(time_map.num_frames):
        _, place = time_map.to_source(frame) or ("", 0)
        if place <= last:
            runs.append([])
        if start <= place < start + length:
            runs[-1].append(frame)
        last = place
    wanted = [(run[0] / 1000, (run[-1] + 1) / 1000) for run in runs if 2 * len(run) >= length]
    heard = HeardRuns(time_map, "a")
    # Seconds that people write are not quite the frames that they mean.
    places = heard.places(start / 1000, (start + length) / 1000, 0.4999)
    found = [(place.start, place.end) for place in places]
    assert len(found) == len([run for run in runs if 2 * len(run) >= length])
    for (a, b), (c, d) in zip(found, wanted, strict=True):
        assert a == pytest.approx(c, abs=1e-6)
        assert b == pytest.approx(d, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "srt"),
        ("no times here", "vtt"),
        ("a\tb\tc", "audacity"),
        ("", "audacity"),
        ("{", "json"),
        ('{"words": []}', "json"),
        ("[" * 100_000, "json"),
        ('[{"start": 1e999, "end": 2}]', "json"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(text: str, kind: str) -> None:
    with pytest.raises(EditError) as error:
        retime_subtitles(text, kind, WHOLE)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


@given(st.text(max_size=300), st.sampled_from(["srt", "vtt", "json", "audacity"]))
def test_any_text_is_survived(text: str, kind: str) -> None:
    for whole in (text, f"1\n00:00:01,000 --> 00:00:02,000\n{text}"):
        try:
            retime_subtitles(whole, kind, WITHOUT_2_TO_5)  # type: ignore[arg-type]
        except EditError:
            continue


def test_ten_thousand_cues_on_one_place_and_long_lines_take_no_time_to_speak_of() -> None:
    cue = "1\n00:00:01,000 --> 00:00:01,500\nword\n\n"
    assert retime_subtitles(cue * 10_000, "srt", WITHOUT_2_TO_5).count("-->") == 10_000
    retime_subtitles(cue + "\n \t" * 100_000 + cue, "srt", WITHOUT_2_TO_5)


def test_subtitles_are_found_by_the_whole_name_and_by_their_language() -> None:
    own = [
        "talk.SRT",
        "talk.en.srt",
        "talk.pt-BR.vtt",
        "talk.srt",
        "talk.wav.de.srt",
        "talk.wav.srt",
    ]
    others = ["talk.old.srt", "talk.old-10.srt", "talk.mp3.srt", "talk.ogg.srt", "talks.srt"]
    others += ["talk.b.wav", "talk.b.srt", "talk.two.flac", "talk.two.srt", "talk.en.doc"]
    assert subtitle_names("talk.wav", ["talk.wav", *others, *own]) == sorted(own)
    assert subtitle_names("talk.two.flac", others) == ["talk.two.srt"]


def test_files_beside_a_recording_are_found_and_written_whole(tmp_path: Path) -> None:
    for name in ("talk.wav", "talk.srt", "talk.vtt", "other.srt"):
        (tmp_path / name).write_text("x", "utf-8")
    assert find_subtitles(tmp_path / "talk.wav") == (tmp_path / "talk.srt", tmp_path / "talk.vtt")
    (tmp_path / "talk.srt").write_bytes(SRT.encode("utf-16"))
    assert retime_subtitle_file(tmp_path / "talk.srt", tmp_path / "out.srt", WHOLE) == "srt"
    assert (tmp_path / "out.srt").read_text("utf-8") == SRT
    (tmp_path / "talk.srt").write_bytes(SRT.encode("cp1252"))
    retime_subtitle_file(tmp_path / "talk.srt", tmp_path / "out.srt", WHOLE)
    assert (tmp_path / "out.srt").read_text("utf-8") == SRT
    for out in ("talk.srt", "out.vtt", "out.docx"):
        with pytest.raises(EditError):
            retime_subtitle_file(tmp_path / "talk.srt", tmp_path / out, WHOLE)
    with pytest.raises(EditError, match="cannot be read"):
        retime_subtitle_file(tmp_path / "none.srt", tmp_path / "out.srt", WHOLE)
    assert (tmp_path / "talk.srt").read_bytes() == SRT.encode("cp1252")

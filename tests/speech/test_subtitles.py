import csv
import html
import io
import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.speech import subtitles
from qwen_audio_agent.speech.words import Transcript, Word

HARD_TEXTS = [
    'say "hi"',
    "a --> b",
    "<i>tag</i>",
    "R&B",
    "tab\there",
    "line\nbreak",
    "你好",
    "{x}",
    "7",
]


def spoken(texts, length=0.3, gap=0.1, duration=None):
    words = []
    now = 0.5
    for text in texts:
        words.append(Word(text, now, now + length, 0.5))
        now += length + gap
    return Transcript(tuple(words), duration or now + 1.0)


@st.composite
def transcripts(draw):
    words = []
    now = 0.0
    for text in draw(st.lists(st.text(max_size=50) | st.sampled_from(HARD_TEXTS), max_size=40)):
        now += draw(st.sampled_from([0.0, 0.05, 0.3, 0.9, 3.0]))
        end = now + draw(st.sampled_from([0.0, 0.01, 0.2, 0.5, 1.5]))
        words.append(Word(text, now, end, 0.5, draw(st.sampled_from(["word", "filler"]))))
        now = end
    return Transcript(tuple(words), now + draw(st.sampled_from([0.0, 0.7, 1 / 3])))


def printable(text):
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def captions_of(text, point):
    """An independent reading of SRT and WebVTT blocks: (start, end, lines)."""
    stamp = rf"(\d\d+):(\d\d):(\d\d){re.escape(point)}(\d\d\d)"
    found = []
    for block in text.strip("\n").split("\n\n"):
        lines = block.split("\n")
        times = [re.fullmatch(f"{stamp} --> {stamp}", line) for line in lines[:2]]
        match = times[0] or times[-1]
        if match:
            numbers = [int(number) for number in match.groups()]
            start, end = (
                h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (numbers[:4], numbers[4:])
            )
            found.append((start, end, lines[1 if times[0] else 2 :]))
    return found


def intervals_of(grid):
    """An independent reading of a TextGrid in the long format, as a stream of values."""
    tokens = re.findall(r'"(?:[^"]|"")*"|<exists>|(?<== )[-0-9.e]+', grid)
    assert tokens[:2] == ['"ooTextFile"', '"TextGrid"']
    assert tokens[4] == "<exists>"
    total = float(tokens[3])
    assert tokens[6:8] == ['"IntervalTier"', '"words"']
    assert float(tokens[9]) == total
    count = int(tokens[10])
    values = tokens[11:]
    assert len(values) == 3 * count
    return total, [
        (float(a), float(b), text[1:-1].replace('""', '"'))
        for a, b, text in zip(values[::3], values[1::3], values[2::3], strict=True)
    ]


def test_text_is_one_line():
    assert subtitles.to_text(spoken(["hello", "wor\nld"])) == "hello wor ld\n"


def test_json_has_exactly_the_promised_fields():
    word = Word("um", 0.12345, 0.5, 0.98765, "filler")
    data = subtitles.to_json(Transcript((word,), 2.0), "a.wav")
    assert json.loads(json.dumps(data)) == {
        "audio": "a.wav",
        "duration": 2.0,
        "language": "en",
        "words": [
            {"text": "um", "start": 0.123, "end": 0.5, "kind": "filler", "probability": 0.988}
        ],
    }
    assert Transcript.from_json(data).words[0].kind == "filler"


def test_srt_is_numbered_with_a_comma_before_the_milliseconds():
    transcript = Transcript((Word("hello", 3661.5, 3663.0), Word("again", 3700.0, 3702.25)), 4000.0)
    assert subtitles.to_srt(transcript) == (
        "1\n01:01:01,500 --> 01:01:03,000\nhello\n\n2\n01:01:40,000 --> 01:01:42,250\nagain\n"
    )


def test_vtt_has_its_header_and_escapes_markup():
    transcript = Transcript((Word("R&B", 0.5, 1.0), Word("<b>", 1.0, 2.0)), 3.0)
    assert subtitles.to_vtt(transcript) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nR&amp;B &lt;b&gt;\n"
    )


def test_a_transcript_without_words_is_an_empty_file_of_its_kind():
    silence = Transcript((), 2.5)
    assert subtitles.to_srt(silence) == ""
    assert subtitles.to_vtt(silence) == "WEBVTT\n"
    assert subtitles.to_audacity(silence) == ""
    assert intervals_of(subtitles.to_textgrid(silence)) == (2.5, [(0.0, 2.5, "")])


def test_captions_break_at_pauses():
    words = (Word("one", 0.0, 1.1), Word("two", 1.2, 1.5), Word("three", 2.5, 3.0))
    found = captions_of(subtitles.to_srt(Transcript(words, 5.0)), ",")
    assert [lines for _, _, lines in found] == [["one two"], ["three"]]
    assert found[1][:2] == (2.5, 3.5)  # shown for a second at least


def test_long_speech_is_parted_into_captions_that_can_be_read():
    transcript = spoken(["some", "rather", "ordinary", "words"] * 100)
    found = captions_of(subtitles.to_srt(transcript), ",")
    assert " ".join(" ".join(lines) for _, _, lines in found) == transcript.text
    for start, end, lines in found:
        assert 1.0 <= end - start <= 7.0
        assert len(lines) <= 2
        assert max(map(len, lines)) <= 42


def test_speech_without_any_pause_does_not_exhaust_the_stack():
    transcript = spoken(["word"] * 20_000, gap=0.0)
    assert len(captions_of(subtitles.to_srt(transcript), ",")) > 1000


@given(transcripts())
def test_captions_hold_all_words_in_order_without_overlap(transcript):
    text = subtitles.to_srt(transcript)
    found = captions_of(text, ",")
    shown = " ".join(" ".join(lines) for _, _, lines in found).replace("\u2060", "")
    assert shown.replace(" ", "") == printable(transcript.text).replace(" ", "")
    assert len(re.findall("-->", text)) == len(found)
    assert all(start <= end <= start + 7.0005 for start, end, _ in found)
    assert all(a[1] <= b[0] + 0.0015 for a, b in pairwise(found))
    assert all(len(line) <= 42 for _, _, lines in found for line in lines if "\u2060" not in line)


@given(transcripts())
def test_vtt_says_the_same_as_srt(transcript):
    srt = captions_of(subtitles.to_srt(transcript), ",")
    vtt = captions_of(subtitles.to_vtt(transcript), ".")
    assert [(*times, [html.unescape(line) for line in lines]) for *times, lines in vtt] == [
        (*times, [line.replace("\u2060", "") for line in lines]) for *times, lines in srt
    ]


@given(transcripts())
def test_a_textgrid_covers_the_recording_without_holes(transcript):
    total, intervals = intervals_of(subtitles.to_textgrid(transcript))
    assert total >= transcript.duration
    assert intervals == [] or (intervals[0][0] == 0 and intervals[-1][1] == total)
    assert all(start < end for start, end, _ in intervals)
    assert all(a[1] == b[0] for a, b in pairwise(intervals))
    said = [text for _, _, text in intervals if text]
    assert said == [printable(word.text) for word in transcript.words if printable(word.text)]


def test_a_textgrid_keeps_times_and_its_end_is_that_of_the_recording():
    transcript = Transcript((Word('"a"', 0.5, 1.25), Word("b", 1.5, 2.0000003)), 2.0000003)
    total, intervals = intervals_of(subtitles.to_textgrid(transcript))
    assert total == 2.0000003
    assert intervals == [
        (0.0, 0.5, ""),
        (0.5, 1.25, '"a"'),
        (1.25, 1.5, ""),
        (1.5, 2.0, "b"),
        (2.0, 2.0000003, ""),
    ]


@given(transcripts())
def test_audacity_labels_are_three_fields_each(transcript):
    text = subtitles.to_audacity(transcript)
    rows = list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row[2] for row in rows] == [printable(word.text) for word in transcript.words]
    for row, word in zip(rows, transcript.words, strict=True):
        assert [float(row[0]), float(row[1])] == pytest.approx([word.start, word.end], abs=1e-6)

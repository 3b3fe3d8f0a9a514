"""Each tool by its words and its times, and what it refuses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from qwen_audio_agent.audio.levels import rms_dbfs
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.errors import ToolError

TALK = "alpha bravo charlie delta echo"


@pytest.mark.parametrize(
    ("tool", "arguments", "left"),
    [
        ("cut", {"words": "bravo"}, "alpha charlie delta echo"),
        ("cut", {"words": "Bravo, Charlie!"}, "alpha delta echo"),
        ("cut", {"words": "bravo", "to_words": "delta"}, "alpha echo"),
        ("cut", {"words": "bravo", "part": "before"}, "bravo charlie delta echo"),
        ("cut", {"words": "delta", "part": "after"}, "alpha bravo charlie delta"),
        ("cut", {"words": "delta", "end": "2.1 s"}, "alpha bravo charlie"),
        ("cut", {"start": 0, "to_words": "charlie"}, "delta echo"),
        ("cut", {"start": "0:01", "end": "1.68 s"}, "alpha bravo echo"),
        ("cut", {"end": 1.0}, "charlie delta echo"),
        ("keep", {"words": "bravo"}, "bravo"),
        ("keep", {"words": "bravo", "to_words": "delta"}, "bravo charlie delta"),
        ("keep", {"words": "charlie", "part": "after"}, "delta echo"),
        ("keep", {"start": 0.98}, "charlie delta echo"),
        ("move", {"words": "bravo", "after": "delta"}, "alpha charlie delta bravo echo"),
        ("move", {"words": "delta", "before": "alpha"}, "delta alpha bravo charlie echo"),
        ("move", {"words": "bravo", "to_words": "charlie", "at": 2.03},
         "alpha delta echo bravo charlie"),
        ("silence", {"words": "charlie"}, "alpha bravo delta echo"),
        ("silence", {"words": "charlie", "fill": "digital"}, "alpha bravo delta echo"),
        ("insert", {"other": 2}, "alpha bravo charlie delta echo golf hotel"),
        ("insert", {"other": 2, "at": 0}, "golf hotel alpha bravo charlie delta echo"),
        ("insert", {"other": 2, "words": "hotel", "before": "bravo"},
         "alpha hotel bravo charlie delta echo"),
        ("insert", {"other": 2, "end": 0.62, "after": "delta"},
         "alpha bravo charlie delta golf echo"),
        ("insert", {"other": 1, "words": "echo", "after": "alpha"},
         "alpha echo bravo charlie delta echo"),
        ("replace", {"words": "bravo", "other": 2, "other_words": "golf"},
         "alpha golf charlie delta echo"),
        ("replace", {"words": "bravo", "other": 2}, "alpha golf hotel charlie delta echo"),
        ("effect", {"name": "normalize", "value": "-20 LUFS"}, TALK),
        ("effect", {"name": "highpass", "value": "80 Hz"}, TALK),
        ("denoise", {}, TALK),
        ("gain", {"db": -6}, TALK),
    ],
)  # fmt: skip
def test_what_is_heard_after_each_tool(start, said, tool, arguments, left):
    session = start(TALK, "golf hotel")
    step = session.call(tool, audio=1, **arguments)
    assert said(session, step.audio) == left
    assert session.audio(step.audio).transcript().text == left
    assert step.bad == ()


def test_a_stretch_by_typed_times_is_cut_there_to_within_two_milliseconds(start):
    session = start(TALK)
    step = session.call("cut", audio=1, start=1.0, end=2.0)
    (place,) = step.places
    assert place.start == pytest.approx(1.0, abs=0.0021)
    assert place.end == pytest.approx(2.0, abs=0.0021)
    assert place.slack == (0, 0)


@pytest.mark.parametrize(
    ("which", "left"),
    [
        ("first", "bravo alpha charlie alpha"),
        ("second", "alpha bravo charlie alpha"),
        ("third", "alpha bravo alpha charlie"),
        ("last", "alpha bravo alpha charlie"),
        ("every", "bravo charlie"),
    ],
)
def test_which_of_several_places_is_cut(start, said, which, left):
    session = start("alpha bravo alpha charlie alpha")
    step = session.call("cut", audio=1, words="alpha", which=which)
    assert said(session, step.audio) == left


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("cut", {"words": "alpha"}, r'"alpha" is said 2 times .*0\.30-0\.60 s.*Say which: first'),
        ("cut", {"words": "alpha", "which": "fourth"}, "2 times.*There is no fourth one"),
        ("cut", {"words": "bravo", "which": "second"}, "said once.*no second one"),
        ("cut", {"words": "golf"}, '"golf" is not heard in Audio 1. The nearest is "alpha"'),
        ("cut", {"start": 0, "end": 9}, r"Audio 1 is 2\.65 s long; end is 9\.00\. Give end from 0"),
        ("cut", {"start": -1, "end": 2}, r"start is -1\.00"),
        ("cut", {"start": 2, "end": 1}, "end must come after the start"),
        ("cut", {"start": 1, "end": 1}, "end must come after the start"),
        ("cut", {}, "Say which stretch"),
        ("cut", {"words": "bravo", "start": 1}, "words or start, not both"),
        ("cut", {"words": "bravo", "to_words": "charlie", "end": 2}, "to_words or end, not both"),
        ("cut", {"words": "delta", "to_words": "bravo"}, '"bravo" is said before "delta"'),
        ("cut", {"words": "alpha", "which": "every", "part": "after"}, "needs one place"),
        ("cut", {"start": 0}, "would leave nothing"),
        ("insert", {"other": 1, "at": 1, "before": "bravo"}, "one of at, before and after, not at"),
        ("insert", {"other": 5}, "There is no Audio 5"),
        ("insert", {"other": 1, "before": "alpha", "which": "every"}, "no single place"),
        ("move", {"words": "bravo"}, "Say where to"),
        ("move", {"words": "bravo", "at": 0.8}, "moved into itself"),
        ("move", {"words": "alpha", "which": "every", "at": 0}, "Only one place can move"),
        ("gain", {}, "Nothing would change"),
        ("gain", {"db": 99}, "db is '99'.*less than or equal to 60"),
        ("gain", {"fade_in": 99}, "fade in is 99"),
        ("denoise", {"strength": 3}, "less than or equal to 1"),
        ("effect", {"name": "tempo"}, "tempo needs a value"),
        ("effect", {"name": "tempo", "value": 9}, "factor"),
        ("effect", {"name": "deess", "value": 9}, "takes no value"),
        ("tidy", {"what": "pauses", "longer_than": 1, "to": 2}, "must not be longer"),
        ("undo", {}, "nothing to undo"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(start, tool, arguments, message):
    session = start("alpha bravo charlie delta alpha 0.3")
    with pytest.raises(ToolError, match=message) as error:
        session.call(tool, audio=1, **arguments)
    assert "\n" not in str(error.value)
    assert session.latest == 1


def test_tidy_removes_every_filler_in_one_go(start, said):
    session = start("alpha um bravo um charlie um delta")
    step = session.call("tidy", audio=1)
    words = session.audio(step.audio).transcript().words
    assert [word.text for word in words] == ["alpha", "bravo", "charlie", "delta"]
    assert len(step.places) == 3
    assert session.latest == 2


def test_tidy_says_when_there_is_nothing_to_do(start):
    session = start("alpha bravo")
    step = session.call("tidy", audio=1)
    assert step.audio is None
    assert "no fillers in Audio 1" in step.text
    assert session.call("tidy", audio=1, what="pauses").audio is None


@pytest.mark.parametrize(
    ("given", "length"), [({}, 0.4), ({"longer_than": 0.6, "to": 0.6}, 0.6), ({"to": 0.1}, 0.1)]
)
def test_long_pauses_become_as_long_as_is_asked_and_short_ones_stay(start, given, length):
    session = start("alpha bravo 2.0 charlie 0.2 delta", lead=0.2)
    step = session.call("tidy", audio=1, what="pauses", **given)
    words = session.audio(step.audio).transcript().words
    gaps = [right.start - left.end for left, right in pairwise(words)]
    assert gaps[0] == pytest.approx(0.05, abs=0.02)
    assert gaps[1] == pytest.approx(length, abs=0.04)
    assert gaps[2] == pytest.approx(0.25, abs=0.02)


def test_a_bleep_keeps_the_time_and_room_tone_sounds_like_the_room(start):
    session = start("alpha bravo 0.8 charlie")
    whole = session.audio(1)
    (place,) = session.call("silence", audio=1, words="bravo", fill="bleep").places
    inner = Span(place.span.start + 400, place.span.end - 400)
    bleep = session.audio(2)
    assert bleep.num_frames == whole.num_frames
    assert rms_dbfs(bleep.read(inner)) == pytest.approx(rms_dbfs(whole.read(inner)), abs=0.5)
    session.call("silence", audio=1, words="bravo", fill="room")
    assert rms_dbfs(session.audio(3).read(inner)) == pytest.approx(-70, abs=3)
    session.call("silence", audio=1, words="bravo", fill="digital")
    assert not session.audio(4).read(inner).samples.any()


def test_a_long_crossfade_lays_two_recordings_over_each_other(start):
    session = start("alpha bravo", "golf hotel", lead=0.5)
    one, two = session.audio(1), session.audio(2)
    step = session.call("insert", audio=1, other=2, crossfade_ms=500)
    made = session.audio(step.audio)
    overlap = 8000
    assert made.num_frames == one.num_frames + two.num_frames - overlap
    assert made.transcript().text == "alpha bravo golf hotel"
    assert step.verdict_text == 'heard again at the join: "alpha bravo | golf hotel"  clean'
    kept = Span(0, one.num_frames - overlap)
    assert np.array_equal(made.read(kept).samples, one.read(kept).samples)
    tail = Span(one.num_frames, made.num_frames)
    assert np.array_equal(made.read(tail).samples, two.read(Span(overlap, two.num_frames)).samples)
    with pytest.raises(ToolError, match=r"crossfade of 9\.00 s is too long here"):
        session.call("insert", audio=1, other=2, crossfade_ms=9000)


def test_gain_changes_words_only_where_they_are(start):
    session = start(TALK)
    (place,) = session.call("gain", audio=1, words="charlie", db=-12).places
    before, after = session.audio(1), session.audio(2)
    inner = Span(place.span.start + 200, place.span.end - 200)
    assert rms_dbfs(after.read(inner)) == pytest.approx(rms_dbfs(before.read(inner)) - 12, abs=0.1)
    head = Span(0, place.span.start - 200)
    assert np.array_equal(after.read(head).samples, before.read(head).samples)


def test_listen_tells_what_is_said_and_where(start):
    session = start("alpha bravo alpha")
    assert session.call("listen", audio=1).text == 'In Audio 1 is said: "alpha bravo alpha"'
    text = session.call("listen", audio=1, words="alpha").text
    assert text.startswith('"alpha" is said in Audio 1 at 0.')
    assert text.count(" s") >= 2
    assert "not heard" in session.call("listen", audio=1, words="golf").text
    assert session.latest == 1


def test_words_that_became_neighbours_are_found_and_words_cut_through_are_heard_again(start):
    session = start(TALK)
    session.call("cut", audio=1, words="bravo")
    assert [m.text for m in session.audio(2).find("alpha charlie") if not m.doubtful]
    assert not [m for m in session.audio(1).find("alpha charlie") if not m.doubtful]
    # The last hundredth of a second of "charlie" is too little to be a word.
    step = session.call("cut", audio=1, start=0.98, end=1.285)
    assert session.audio(step.audio).transcript().text == "alpha bravo delta echo"


def test_words_are_found_at_their_new_times_after_a_change_of_speed(start):
    session = start(TALK)
    session.call("effect", audio=1, name="tempo", value=1.25)
    (old,), (new,) = ([m for m in session.audio(n).find("delta") if not m.doubtful] for n in (1, 2))
    assert new.start == pytest.approx(old.start / 1.25, abs=0.02)
    assert new.end == pytest.approx(old.end / 1.25, abs=0.02)


def test_sound_of_another_rate_and_number_of_channels_is_spliced_in(start, tmp_path):
    import soundfile

    session = start("alpha bravo")
    sound, rate = soundfile.read(tmp_path / "talk1.wav", dtype="int16")
    stereo = np.repeat(np.stack([sound, sound], axis=1), 2, axis=0)
    soundfile.write(tmp_path / "stereo.wav", stereo, 2 * rate, subtype="PCM_16")
    session.add_audio(tmp_path / "stereo.wav")
    step = session.call("insert", audio=1, other=2, words="alpha", after="alpha")
    assert session.audio(step.audio).transcript().text == "alpha alpha bravo"
    assert session.audio(step.audio).num_channels == 1

"""Listening again: what is wrong at a join is said, repaired where it may be, and never made up."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.agent.verify import MAX_HEARD, listen_again
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.errors import ToolError
from qwen_audio_agent.speech.ears import open_ear
from tests.agent.conftest import ShiftedEar

TALK = "alpha bravo charlie delta echo"


def check_cut(session: Session, start: float, end: float, *, join: int | None = None):
    """Cut from `start` to `end` as if words had been found there, and listen."""
    audio = session.audio(1)
    span = Span.from_seconds(start, end, audio.sample_rate)
    place = Place(1, span, audio.sample_rate, "bravo", (True, True))
    made = operations.cut(audio.edit_list, place.span, join=join)
    return listen_again(session, 1, made, (place,))


@pytest.mark.parametrize(
    ("start_s", "end_s", "kind", "edge", "sign"),
    [
        (0.65, 0.95, "clean", None, 0),
        (0.62, 0.97, "clean", None, 0),
        (0.50, 0.95, "clipped word left", "start", 1),
        (0.65, 1.10, "clipped word right", "end", -1),
        (0.75, 0.95, "leaked word", "start", -1),
        (0.65, 0.85, "leaked word", "end", 1),
    ],
)
def test_each_kind_of_wrong_edge_is_named_with_the_way_to_move_it(
    start, start_s, end_s, kind, edge, sign
):
    check = check_cut(start(TALK), start_s, end_s)
    (verdict,) = check.verdicts
    assert verdict.kind == kind
    assert verdict.at == pytest.approx(start_s, abs=0.001)
    if edge is None:
        assert check.nudges == ()
        assert check.badness == 0
        assert verdict.heard == "alpha | charlie delta echo"
    else:
        (nudge,) = check.nudges
        assert (nudge.place, nudge.edge) == (0, edge)
        assert sign * nudge.frames == pytest.approx(0.1 * 16_000, abs=0.03 * 16_000)


def test_typed_times_that_go_through_a_word_are_reported_and_stay(start):
    session = start(TALK)
    step = session.call("cut", audio=1, start=0.5, end=0.98)
    (verdict,) = step.verdicts
    assert verdict.kind == "clipped word left"
    assert verdict.detail == "by 100 ms"
    assert step.repairs == 0
    assert step.places[0].start == pytest.approx(0.5, abs=0.0021)
    assert "clipped word left (by 100 ms)" in step.verdict_text


def test_a_hard_join_is_found_bad_and_worse_than_the_usual_one(start):
    session = start(TALK)
    hard = check_cut(session, 0.50, 1.1003, join=0)
    soft = check_cut(session, 0.50, 1.1003)
    assert not all(verdict.is_clean for verdict in hard.verdicts)
    assert hard.badness > soft.badness


def test_a_bad_edge_is_moved_until_it_sounds_right_and_the_session_says_so(
    start, record, said, tmp_path
):
    ear = ShiftedEar(start("alpha").ear, by=0.09, error=0.08)
    talk = record("talk", TALK)
    with Session.create(tmp_path / "shifted", [talk], ear=ear, num_workers=1) as session:
        step = session.call("cut", audio=1, words="bravo")
        assert said(session, 2) == "alpha charlie delta echo"
        assert 1 <= step.repairs <= 3
        assert step.bad == ()
        assert step.places[0].start == pytest.approx(0.65, abs=0.04)
        assert "after moving edges" in step.verdict_text


def test_an_edge_that_the_ear_is_sure_of_is_reported_and_hardly_moved(start, record, tmp_path):
    ear = ShiftedEar(start("alpha").ear, by=0.09, error=0.01)
    talk = record("talk", TALK)
    with Session.create(tmp_path / "sure", [talk], ear=ear, num_workers=1) as session:
        step = session.call("cut", audio=1, words="bravo")
        assert step.bad
        assert step.places[0].start == pytest.approx(0.65 + 0.09, abs=0.025)


def test_an_edge_that_may_be_far_off_beside_a_word_that_stays_is_asked_about(
    start, record, tmp_path
):
    ear = ShiftedEar(start("alpha").ear, by=0.0, error=0.2)
    talk = record("talk", "alpha bravo charlie 1.5 delta 1.5 echo")
    with Session.create(tmp_path / "unsure", [talk], ear=ear, num_workers=1) as session:
        with pytest.raises(ToolError, match=r'start of "bravo" .* from 0.4\d to 0.8\d s') as asked:
            session.call("cut", audio=1, words="bravo")
        assert '"alpha", which stays' in str(asked.value)
        assert session.latest == 1
        # Nobody speaks beside this one, so that nothing can be clipped.
        assert session.call("cut", audio=1, words="delta").bad == ()


def test_another_recording_that_is_much_quieter_is_called_a_seam(start, tmp_path):
    session = start(TALK)
    sound, rate = soundfile.read(tmp_path / "talk1.wav", dtype="float64")
    soundfile.write(tmp_path / "quiet.wav", sound * 0.15, rate, subtype="PCM_16")
    session.add_audio(tmp_path / "quiet.wav")
    step = session.call("insert", audio=1, other=2)
    (verdict,) = step.verdicts
    assert verdict.kind == "seam"
    assert "dB quieter after the join" in verdict.detail


def test_of_many_joins_some_are_heard_and_the_rest_is_said_to_be_only_measured(start):
    session = start(" ".join(["alpha um bravo"] * 20), word=0.1)
    step = session.call("tidy", audio=1)
    assert len(step.places) == 20
    assert len(step.verdicts) <= MAX_HEARD
    assert len(step.verdicts) + step.unheard == 20
    assert f"{step.unheard} more joins measured only" in step.verdict_text


def test_levels_before_and_after_are_told_for_tools_that_change_them(start):
    session = start(TALK)
    step = session.call("gain", audio=1, db=-6)
    before, after = step.levels.speech_dbfs
    assert after - before == pytest.approx(-6, abs=0.2)
    assert step.verdicts == ()
    assert "speech level -" in step.verdict_text


def test_silence_has_levels_too(start, tmp_path):
    soundfile.write(tmp_path / "nothing.wav", np.zeros(16_000), 16_000, subtype="PCM_16")
    session = start("alpha")
    session.add_audio(tmp_path / "nothing.wav")
    step = session.call("gain", audio=2, db=6)
    assert step.levels.loudness_lufs == (-120.0, -120.0)


def test_cutting_a_phrase_from_real_speech_is_clean_and_within_50_ms(golden_data, tmp_path):
    recording = golden_data / "audio" / "1272-128104-0000.flac"
    ear = open_ear("pocketsphinx")
    with Session.create(tmp_path / "session", [recording], ear=ear) as session:
        step = session.call("cut", audio=1, words="middle classes")
        (place,) = step.places
        assert place.start == pytest.approx(2.33, abs=0.05)
        assert place.end == pytest.approx(3.26, abs=0.05)
        assert [verdict.kind for verdict in step.verdicts] == ["clean"]
        assert not [m for m in session.audio(2).find("middle classes") if not m.doubtful]


def test_typed_seconds_are_kept_to_within_two_milliseconds_even_inside_words(interview, tmp_path):
    start, end = 3.217, 5.904
    with Session.create(tmp_path / "session", [interview], ear=open_ear("pocketsphinx")) as session:
        step = session.call("cut", audio=1, start=start, end=end)
        file = session.render(step.audio, tmp_path / "out.flac")
    (place,) = step.places
    assert (place.start, place.end) == pytest.approx((start, end), abs=0.0021)
    assert step.repairs == 0
    before, rate = soundfile.read(interview, dtype="int16")
    after, _ = soundfile.read(file.path, dtype="int16")
    assert len(after) == len(before) - place.span.num_frames
    fade, at = round(0.015 * rate), place.span.start
    assert np.array_equal(after[: at - fade], before[: at - fade])
    assert np.array_equal(after[at + fade :], before[place.span.end + fade :])


def test_a_whole_word_that_went_with_the_named_one_is_missed(start):
    session = start("alpha bravo charlie delta", word=0.1)
    audio = session.audio(1)
    span = Span.from_seconds(0.45, 0.70, audio.sample_rate)
    place = Place(1, span, audio.sample_rate, "bravo", (True, True))
    check = listen_again(session, 1, operations.cut(audio.edit_list, span), (place,))
    assert [verdict.kind for verdict in check.verdicts] == ["clipped word right"]
    (nudge,) = check.nudges
    assert nudge.edge == "end"
    assert nudge.frames == pytest.approx(-0.1 * 16_000, abs=0.02 * 16_000)


def test_a_join_that_clicks_is_rolled_and_its_place_says_where_it_is_now(start, tmp_path):
    rate = 16_000
    sound = 0.2 * np.cos(2 * np.pi * 150 * np.arange(8 * rate) / rate)
    sound += 0.001 * np.random.default_rng(0).standard_normal(8 * rate)
    # Ticks round each whole second, further apart than what is searched and measured.
    for tick in (-64, 0, 64):
        sound[rate + tick :: rate] += 0.3
    soundfile.write(tmp_path / "ticks.wav", sound, rate, subtype="PCM_16")
    session = start(TALK)
    session.add_audio(tmp_path / "ticks.wav")
    step = session.call("cut", audio=2, start=2.0, end=4.0)
    (place,) = step.places
    left, right = session.entry(step.audio).edit_list.clips
    assert (left.end, right.start) == (place.span.start, place.span.end)
    assert 0.003 < abs(place.start - 2.0) <= 0.015
    assert place.end - place.start == pytest.approx(2.0, abs=0.004)
    assert f"{place.start:.2f}-{place.end:.2f} s" in step.text
    assert [verdict.kind for verdict in step.verdicts] == ["clean"]


def test_a_hard_join_that_clicks_is_called_a_seam(start, tmp_path):
    session, rate = start(TALK), 16_000
    hum = 0.3 * np.cos(2 * np.pi * 200 * np.arange(4 * rate) / rate)
    hum += 0.001 * np.random.default_rng(0).standard_normal(4 * rate)
    soundfile.write(tmp_path / "hum.wav", hum, rate, subtype="PCM_16")
    session.add_audio(tmp_path / "hum.wav")
    # Half a period too much is removed: the wave goes on upside down.
    place = Place(2, Span(rate, 2 * rate + 40), rate)
    made = operations.cut(session.audio(2).edit_list, place.span, join=0)
    check = listen_again(session, 2, made, (place,))
    assert [verdict.kind for verdict in check.verdicts] == ["seam"]

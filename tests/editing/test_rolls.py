from __future__ import annotations

import json
from functools import cache, partial

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations, rolls
from qwen_audio_agent.editing.clicks import TYPICAL, measure_join, ordinary_measure
from qwen_audio_agent.editing.edit_list import EditList, EffectCall
from qwen_audio_agent.editing.render import read_programme
from qwen_audio_agent.editing.rolls import roll_clicks
from qwen_audio_agent.editing.sources import Sources

RATE = 16_000


@pytest.fixture
def hum(tmp_path):
    """A hum in which a step stands out, as a programme and its sources."""
    sound = 0.3 * np.cos(2 * np.pi * 200 * np.arange(3 * RATE) / RATE)
    sound += 0.001 * np.random.default_rng(0).standard_normal(len(sound))
    sound[RATE::RATE] += 0.3
    soundfile.write(tmp_path / "hum.wav", sound, RATE, subtype="PCM_16")
    sources = Sources(tmp_path / "cache")
    sources.add_file("hum", probe(tmp_path / "hum.wav"))
    return EditList.from_file("hum", sources.files["hum"]), sources


def measure(edit_list, sources, frame):
    return measure_join(read_programme(edit_list, sources, Span(frame - 1600, frame + 1600)), 1600)


def test_a_click_is_rolled_away_and_everything_else_stays(hum) -> None:
    whole, sources = hum
    made = operations.cut(whole, Span(RATE, RATE + 4000), Span(2 * RATE + 900, 2 * RATE + 4900))
    first, second = made.starts[1:3]
    assert measure(made, sources, first).is_click(TYPICAL)
    calm, rolls = roll_clicks(made, sources, made.starts, lambda: TYPICAL)
    assert list(rolls) == [first]
    by = rolls[first]
    assert 0 < abs(by) <= 0.013 * RATE
    assert not measure(calm, sources, first + by).is_click(TYPICAL)
    assert calm.clips == (
        *operations.roll(made, 1, by, calm.clips[1].join).clips[:2],
        made.clips[2],
    )
    assert abs(by) + calm.clips[1].join <= 0.013 * RATE
    assert calm.starts[2:] == (second, made.num_frames)


def test_what_does_not_click_is_left_alone_without_measuring_the_recording(hum) -> None:
    whole, sources = hum
    made = operations.cut(whole, Span(4000, 8000))

    def never():
        raise AssertionError("the recording was measured")

    assert roll_clicks(made, sources, made.starts, never) == (made, {})


def test_a_finished_sound_a_bleep_and_other_frames_are_left_alone(hum) -> None:
    whole, sources = hum
    made = operations.cut(whole, Span(RATE, RATE + 4000))
    finished = operations.apply_effect(made, EffectCall("highpass"))
    muted = operations.silence(whole, Span(RATE, RATE + 4000))
    for edit_list, joins in ((finished, made.starts), (muted, muted.starts), (made, [5])):
        assert roll_clicks(edit_list, sources, joins, lambda: TYPICAL) == (edit_list, {})


def test_clips_too_short_to_be_rolled_keep_their_join(hum) -> None:
    whole, sources = hum
    made = operations.keep(whole, Span(RATE - 40, RATE + 3), Span(RATE + 8000, RATE + 8050))
    calm, rolls = roll_clicks(made, sources, made.starts, lambda: TYPICAL)
    assert calm.num_frames == made.num_frames
    assert all(by == 0 for by in rolls.values())


def test_no_join_at_random_seconds_of_real_speech_clicks(speech_data, tmp_path) -> None:
    truth = json.loads((speech_data / "truth.json").read_text())
    rng = np.random.default_rng(3)
    before = after = 0
    for item in [item for item in truth if item["duration"] > 3][::3]:
        sources = Sources(tmp_path / item["id"])
        sources.add_file("a", probe(speech_data / item["file"]))
        whole = EditList.from_file("a", sources.files["a"])
        sound = read_programme(whole, sources, Span(0, whole.num_frames))
        # Another look at the recording than the one that the joins are rolled by.
        other = ordinary_measure(sound, 600, seed=7)
        ordinary = cache(partial(ordinary_measure, sound))
        for start in map(int, rng.integers(RATE // 2, whole.num_frames - RATE, 40)):
            made = operations.cut(whole, Span(start, start + int(rng.integers(1600, 8000))))
            before += measure(made, sources, start).is_click(other)
            calm, rolls = roll_clicks(made, sources, [start], ordinary)
            after += measure(calm, sources, start + rolls.get(start, 0)).is_click(other)
    assert before >= 3
    assert after == 0


def test_a_join_that_is_known_is_not_measured_again(hum, monkeypatch) -> None:
    whole, sources = hum
    made = operations.cut(whole, Span(RATE, RATE + 4000), Span(2 * RATE + 900, 2 * RATE + 4900))
    known: rolls.KnownRolls = {}
    first = roll_clicks(made, sources, made.starts, lambda: TYPICAL, known)
    assert first == roll_clicks(made, sources, made.starts, lambda: TYPICAL)
    assert sorted(map(bool, known.values())) == [False, True]
    measured = []
    monkeypatch.setattr(rolls, "measure_join", lambda *args: measured.append(args))
    assert roll_clicks(made, sources, made.starts, lambda: TYPICAL, known) == first
    # The same join between other neighbours, as in a programme with fewer changes.
    alone = operations.cut(whole, Span(RATE, RATE + 4000))
    calm, found = roll_clicks(alone, sources, alone.starts, lambda: TYPICAL, known)
    assert found == first[1]
    assert calm.clips[0] == first[0].clips[0]
    assert measured == []

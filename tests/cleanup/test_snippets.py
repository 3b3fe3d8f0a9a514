"""Snippets: what is heard around a change, before and after it."""

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import content_hash, probe
from qwen_audio_agent.cleanup.plan import Episode, Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cleanup.snippets import make_snippets

RATE = 16_000


@pytest.fixture
def tones(tmp_path):
    """Ten seconds, of which each has a tone of its own: 200 Hz more than the one before."""

    def make(name="tones.wav", level=0.2):
        t = np.arange(10 * RATE) / RATE
        sound = level * np.sin(2 * np.pi * (200 + 200 * np.floor(t)) * t)
        soundfile.write(tmp_path / name, sound, RATE)
        return probe(tmp_path / name)

    return make


def plan_for(files, *proposals):
    tracks = [
        Episode(f.path.name, content_hash(f.path), f.sample_rate, f.num_channels, f.num_frames)
        for f in files
    ]
    return Plan(tracks[0], Recipe(), proposals, others=tuple(tracks[1:]))


def heard(mp3):
    sound, rate = soundfile.read(io.BytesIO(mp3))
    assert rate == 24_000
    assert sound.ndim == 1
    return sound, rate


def pitches(mp3):
    """The tone of each tenth of a second, in Hz, to the next 200."""
    sound, rate = heard(mp3)
    size = rate // 10
    found = []
    for start in range(0, len(sound) - size + 1, size):
        spectrum = np.abs(np.fft.rfft(sound[start : start + size] * np.hanning(size)))
        found.append(int(round(spectrum.argmax() * rate / size / 200) * 200))
    return found


def cut(start, end, name="a", **more):
    return Proposal(name, "filler", "cut", start, end, "um", **more)


def test_before_has_what_goes_and_after_has_not(tones):
    file = tones()
    (snippet,) = make_snippets(plan_for([file], cut(4.0, 5.0)), [file]).values()
    before, after = pitches(snippet.before), pitches(snippet.after)
    assert {800, 1000, 1200} <= set(before)
    assert 1000 not in after
    assert {800, 1200} <= set(after)
    assert len(before) - len(after) == pytest.approx(10, abs=1)


def test_what_is_off_is_heard_as_if_it_were_on_and_neighbours_as_they_stand(tones):
    file = tones()
    plan = plan_for(
        [file],
        cut(4.0, 4.5, "off", on=False),
        cut(3.0, 3.9, "beside"),
        cut(5.2, 5.4, "other", on=False),
    )
    made = make_snippets(plan, [file])
    after = pitches(made["off"].after)
    assert after.count(800) <= 2  # the neighbour is on: 0.1 s of it is left
    assert after.count(1000) == pytest.approx(5, abs=2)
    assert after.count(1200) >= 9  # the other one is off


def test_muted_and_quieter_sound_keeps_its_time(tones):
    file = tones()
    quieter = Proposal("q", "breath", "attenuate", 4.0, 5.0, gain_db=-20.0)
    (snippet,) = make_snippets(plan_for([file], quieter), [file]).values()
    before, after = heard(snippet.before)[0], heard(snippet.after)[0]
    assert len(before) == len(after)
    middle = slice(len(before) * 2 // 5, len(before) * 3 // 5)
    assert np.std(after[middle]) == pytest.approx(np.std(before[middle]) / 10, rel=0.2)


def test_there_are_as_many_as_there_is_room_for_and_concerns_come_first(tones):
    file = tones()
    plan = plan_for(
        [file],
        Proposal("breath", "breath", "attenuate", 1.0, 1.2, gain_db=-6.0, confidence=0.1),
        cut(2.0, 2.2, "sure", confidence=1.0),
        cut(3.0, 3.2, "unsure", confidence=0.3),
        cut(4.0, 4.2, "asked", confidence=1.0, concern="a number would go", on=False),
        Proposal("told", "breath", "keep", 5.0, 5.2),
    )
    told = []
    made = make_snippets(plan, [file], progress=told.append)
    assert list(made) == ["asked", "unsure", "sure", "breath"]
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] <= 1
    room = made["asked"].page_bytes + made["unsure"].page_bytes
    bounded = make_snippets(plan, [file], room + 100)
    assert list(bounded) == ["asked", "unsure"]
    assert not make_snippets(plan, [file], 0)
    assert made["asked"].page_bytes < 25_000


def test_long_changes_are_heard_for_a_few_seconds(tones):
    file = tones()
    (snippet,) = make_snippets(plan_for([file], cut(0.5, 9.5)), [file]).values()
    assert len(pitches(snippet.before)) == pytest.approx(60, abs=1)
    assert len(pitches(snippet.after)) == pytest.approx(10, abs=1)


def test_a_change_that_leaves_nothing_has_no_snippet(tones):
    file = tones()
    assert not make_snippets(plan_for([file], cut(0.0, 10.0)), [file])


def test_of_several_microphones_those_are_heard_that_a_change_concerns(tones, tmp_path):
    first = tones("first.wav")
    silent = tmp_path / "second.wav"
    soundfile.write(silent, np.zeros(8 * RATE), RATE)
    files = [first, probe(silent)]
    both = cut(4.0, 4.5, "both")
    second = Proposal("second", "breath", "attenuate", 4.0, 5.0, gain_db=-6.0, track=2)
    plan = plan_for(files, both, replace(second, start=6.0, end=6.3))
    made = make_snippets(plan, files)
    assert np.std(heard(made["both"].before)[0]) > 0.1
    assert np.std(heard(made["second"].before)[0]) < 0.001

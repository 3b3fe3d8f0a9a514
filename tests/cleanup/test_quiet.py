"""What may go of a pause: what is quiet, known, or goes anyway."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.cleanup.detection import propose
from qwen_audio_agent.cleanup.plan import Proposal
from qwen_audio_agent.cleanup.quiet import Quiet, voiceless
from qwen_audio_agent.cleanup.recipe import load_recipe
from qwen_audio_agent.cleanup.survey import survey
from qwen_audio_agent.speech.words import Transcript
from tests.cleanup.episodes import Made

START, END = 1.4, 1.5
"""Where the sound is, in a pause from 0.98 to 2.2 s."""


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory):
    episode = Made(tmp_path_factory.mktemp("quiet"))
    episode.room(0.3).speech("we went").room(START - episode.at)
    t = np.arange(round((END - START) * episode.rate)) / episode.rate
    episode._add(0.01 * np.hanning(len(t)) * np.sin(2 * np.pi * 700 * t))
    episode.room(0.7).say("home").room(0.3)
    file = episode.file()
    return survey(file, Transcript(tuple(episode.words), file.duration))


def breath(start, end):
    return Proposal("breath-1", "breath", "cut", start, end)


def test_all_of_a_quiet_span_is_one_part(surveyed):
    assert Quiet(surveyed, ()).parts((1.6, 2.1)) == [(1.6, 2.1)]
    assert Quiet(surveyed, ()).concern((1.6, 2.1)) == ""


def test_a_sound_parts_a_span_and_stays_with_a_margin(surveyed):
    (first, second) = Quiet(surveyed, ()).parts((1.0, 2.1))
    assert (first[0], second[1]) == (1.0, 2.1)
    assert START - 0.1 < first[1] < START - 0.03
    assert END + 0.03 < second[0] < END + 0.1
    assert "no words" in Quiet(surveyed, ()).concern((first[1], second[0]))


def test_a_known_noise_and_what_goes_anyway_part_nothing(surveyed):
    known = Quiet(surveyed, [breath(START, END)])
    assert known.parts((1.0, 2.1)) == [(1.0, 2.1)]
    beside = Quiet(surveyed, (), gone=[(START - 0.3, START + 0.02)])
    assert beside.parts((START + 0.02, 2.1)) == [(START + 0.02, 2.1)]


def test_a_part_too_short_to_be_cut_is_none(surveyed):
    assert Quiet(surveyed, ()).parts((START - 0.12, END + 0.12)) == []
    assert Quiet(surveyed, [breath(1.5, 2.2)]).parts((1.6, 2.1)) == []


def test_dead_air_goes_beyond_a_sound_that_nobody_knows(tmp_path):
    episode = Made(tmp_path).room(3.0)
    t = np.arange(round(0.5 * episode.rate)) / episode.rate
    knock = 0.02 * np.sin(2 * np.pi * 500 * t) * np.exp(-8 * t)
    episode._add(knock)
    first = episode.room(0.6).at
    episode.speech("we went home and stayed there")
    last = episode.at
    episode.room(1.0)._add(knock)
    after = episode.at
    file = episode.room(4.0).file()
    heard = Transcript(tuple(episode.words), file.duration, reliable=True)
    recipe = load_recipe("podcast")
    ends = [p for p in propose(survey(file, heard), recipe) if p.kind == "end"]
    head, tail = (p for p in ends if p.on)
    assert head.start == 0.0
    assert 3.0 - recipe.ends.head - 0.2 < head.end <= 3.0 - recipe.ends.head
    assert after + recipe.ends.tail - 0.3 < tail.start < after + recipe.ends.tail + 0.2
    assert tail.end == pytest.approx(file.duration, abs=1e-4)
    asked = [p for p in ends if not p.on]
    assert [("no words" in p.concern, 2.5 < p.start < first or p.start > last) for p in asked] == [
        (True, True),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("seconds", "loudness", "is_voiceless"),
    [(0.1, 0.004, True), (0.3, 0.004, False), (0.1, 0.2, False)],
)
def test_short_soft_sounds_have_no_voice(tmp_path, seconds, loudness, is_voiceless):
    episode = Made(tmp_path).room(0.3).speech("we went").room(0.7)
    start = episode.at
    noise = np.random.default_rng(3).standard_normal(round(seconds * episode.rate))
    episode._add(loudness * noise)
    file = episode.room(0.7).say("home").room(0.3).file()
    surveyed = survey(file, Transcript((), file.duration))
    found = voiceless(surveyed.activity, surveyed)
    assert [a < start + seconds / 2 < b for a, b in found] == [True] * is_voiceless


def test_a_chord_before_the_first_word_is_not_taken_for_the_room(made):
    episode = made()
    t = np.arange(8 * episode.rate) / episode.rate
    chord = 0.03 * sum(np.sin(2 * np.pi * hz * t) for hz in (220, 277, 330))
    episode._add(chord)
    episode.room(0.5).speech("we went home and then there was light").room(0.8).say("again")
    episode.room(0.5)._add(chord)
    file = episode.file()
    found = survey(file, Transcript(tuple(episode.words), file.duration, reliable=True))
    assert found.room_dbfs < -50
    ends = [p for p in propose(found, load_recipe("podcast")) if p.kind == "end"]
    assert not [p for p in ends if p.on and (p.start < 7.9 or p.end > file.duration - 7.9)]

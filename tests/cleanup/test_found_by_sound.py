"""What detection makes of the sound where the ear heard nothing, or something else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.cleanup import detection
from qwen_audio_agent.cleanup.episode import plan_episode, plan_heard
from qwen_audio_agent.cleanup.recipe import load_recipe
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Transcript, Word
from tests.cleanup.episodes import KnowingEar, without_sound

PLAIN = without_sound(load_recipe("podcast"))


@pytest.fixture(scope="module")
def sample(interview):
    """The sample recording, its words without the um, and where the um is."""
    items = json.loads(interview.with_suffix(".json").read_text("utf-8"))["words"]
    words = [Word(w["text"], w["start"], w["end"]) for w in items if w["kind"] == "word"]
    um = next(w for w in items if w["kind"] == "filler")
    return probe(interview), words, um


def fillers(sample, words, reliable):
    file = sample[0]
    ordered = tuple(sorted(words, key=lambda word: word.start))
    plan = plan_heard(file, PLAIN, Transcript(ordered, file.duration, reliable=reliable)).plan
    return [p for p in plan.proposals if p.kind == "filler" and p.on]


def test_a_filler_that_the_ear_passed_over_is_found(sample):
    _, words, um = sample
    (found,) = fillers(sample, words, reliable=True)
    assert found.reason.startswith("a vowel held")
    assert found.start == pytest.approx(um["start"], abs=0.12)
    assert found.end == pytest.approx(um["end"], abs=0.12)


def test_a_word_that_an_ear_heard_there_is_believed_unless_it_guesses(sample):
    _, words, um = sample
    misheard = [*words, Word("arm", um["start"], um["end"])]
    assert fillers(sample, misheard, reliable=True) == []
    assert fillers(sample, misheard, reliable=None) == []
    assert len(fillers(sample, misheard, reliable=False)) == 1


def test_a_vowel_inside_a_longer_word_is_its_own_unless_it_is_surer_than_a_guess(
    sample, monkeypatch
):
    _, words, um = sample
    longer = [*words, Word("armada", um["start"] - 0.15, um["end"] + 0.1)]
    assert fillers(sample, longer, reliable=None) == []
    assert len(fillers(sample, longer, reliable=False)) == 1
    monkeypatch.setattr(detection, "_SURE", 1.0)
    assert fillers(sample, longer, reliable=False) == []


def test_a_filler_that_a_guessing_ear_hears_where_nothing_is_held_is_asked_about(made):
    episode = made().room(0.4).speech("we went home").room(0.5)
    start = episode.at
    # As a jingle: notes that come quicker than a vowel is held.
    for hz in (220, 440, 330, 550, 247, 494):
        t = np.arange(round(0.06 * episode.rate)) / episode.rate
        episode._add(0.1 * np.sin(2 * np.pi * hz * t) * np.exp(-30 * t))
    words = [*episode.words, Word("mm", start, episode.at, kind="filler")]
    file = episode.room(0.5).file()
    for reliable, on in ((False, False), (None, True), (True, True)):
        heard = Transcript(tuple(words), episode.at, reliable=reliable)
        found = [p for p in plan_heard(file, PLAIN, heard).plan.proposals if p.words == "mm"]
        assert [p.on for p in found] == [on]


def test_other_languages_have_other_fillers(sample):
    file, words, _ = sample
    heard = Transcript(tuple(words), file.duration, language="de", reliable=True)
    plan = plan_heard(file, PLAIN, heard).plan
    assert not [p for p in plan.proposals if p.kind == "filler"]


class TestBreathInAPause:
    @pytest.fixture
    def planned(self, made):
        episode = made().room(0.4).speech("we went home")
        episode.room(0.9)
        rising = np.sin(np.linspace(0, np.pi, round(0.3 * episode.rate)))
        hiss = np.random.default_rng(1).standard_normal(len(rising))
        episode._add(0.006 * np.diff(hiss, prepend=0.0) * rising)
        self.breath = (episode.at - 0.3, episode.at)
        episode.room(0.9).speech("and stayed there").room(0.4)
        return plan_heard(episode.file(), PLAIN, Transcript(tuple(episode.words), episode.at))

    def test_is_no_reason_to_keep_it_long(self, planned):
        (pause,) = [p for p in planned.plan.proposals if p.kind == "pause"]
        assert pause.on
        assert not pause.concern
        assert pause.start < self.breath[0]
        assert pause.end > self.breath[1]

    def test_is_found(self, planned):
        (breath,) = [p for p in planned.plan.proposals if p.kind == "breath"]
        assert breath.start == pytest.approx(self.breath[0], abs=0.1)


def test_what_a_guessing_ear_hears_in_a_silent_room_is_nothing(made):
    episode = made().room(0.4).speech("we went home").room(2.0).speech("and stayed").room(0.4)
    words = list(episode.words)
    # The last word before the pause is said to go on through all of it.
    words[2] = Word("home", words[2].start, words[3].start)
    for reliable, found in ((False, 1), (None, 0), (True, 0)):
        heard = Transcript(tuple(words), episode.at, reliable=reliable)
        plan = plan_heard(episode.file(), PLAIN, heard).plan
        assert sum(p.kind == "pause" and p.on for p in plan.proposals) == found


def test_a_guess_of_a_repeat_is_left_to_a_person(made):
    episode = made().room(0.4).speech("we went we went home").room(0.4)
    for reliable, on in ((False, False), (None, False), (True, True)):
        heard = Transcript(tuple(episode.words), episode.at, reliable=reliable)
        plan = plan_heard(episode.file(), PLAIN, heard).plan
        (repeat,) = [p for p in plan.proposals if p.kind == "repeat"]
        assert repeat.on is on


def test_a_phrase_of_the_recipe_that_may_be_a_guess_is_left_to_a_person(made):
    episode = made().room(0.4).speech("we went you know home").room(0.4)
    fillers = PLAIN.fillers.model_copy(update={"phrases": ("you know",)})
    named = PLAIN.model_copy(update={"fillers": fillers})
    for reliable, on in ((False, False), (None, False), (True, True)):
        heard = Transcript(tuple(episode.words), episode.at, reliable=reliable)
        (phrase,) = plan_heard(episode.file(), named, heard).plan.proposals
        assert (phrase.kind, phrase.words, phrase.on) == ("phrase", "you know", on)


def test_an_ear_of_others_that_says_nothing_of_itself_is_asked_about(made):
    class Unknown:
        name = version = description = "unknown"

        def __init__(self, words):
            self.listen = lambda audio: Transcript(tuple(words), audio.duration)

    episode = made().room(0.4).speech("we went we went home").room(0.4)
    for ear, on in ((Unknown(episode.words), False), (KnowingEar(episode.words), True)):
        planned = plan_episode(episode.file(), PLAIN, Listener(ear, None, num_workers=1))
        (repeat,) = [p for p in planned.plan.proposals if p.kind == "repeat"]
        assert repeat.on is on
        assert repeat.concern == ("" if on else "the ear is not sure")

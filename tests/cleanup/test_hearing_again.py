"""What a clean-up would make is heard again at its joins, and what is not clean is left in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from qwen_audio_agent.audio.files import AudioFile, probe
from qwen_audio_agent.cleanup.episode import clean_up
from qwen_audio_agent.cleanup.hearing_again import Again, hear_again
from qwen_audio_agent.cleanup.plan import Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.speech.hearing import Listener
from tests.agent.conftest import RATE, ToneEar, speak
from tests.cleanup.reports import episode_of

# A word of 0.3 s and 0.05 s of room, from 0.3 s on: "um" is at 1.00 to 1.30 s and 3.10 to 3.40 s.
TALK = "alpha bravo um charlie delta echo foxtrot golf um hotel india 1.5 juliet"
FIRST = Proposal("filler-1", "filler", "cut", 0.98, 1.32, "um")
SECOND = Proposal("filler-2", "filler", "cut", 3.08, 3.42, "um")
PAUSE = Proposal("pause-1", "pause", "shorten", 4.3, 5.3)


class SureEar(ToneEar):
    """Says of itself that its words are what was said."""

    reliable = True


class CountingEar(ToneEar):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.times_asked = 0

    def listen(self, audio):
        self.times_asked += 1
        return super().listen(audio)

    def align(self, audio, words):
        self.times_asked += 1
        return super().align(audio, words)


def recorded(folder: Path, name: str = "talk", text: str = TALK) -> AudioFile:
    path = folder / f"{name}.wav"
    soundfile.write(path, speak(text), RATE, subtype="PCM_16")
    return probe(path)


@pytest.fixture
def talk(tmp_path: Path) -> AudioFile:
    return recorded(tmp_path)


def planned(file: AudioFile, *proposals: Proposal) -> Plan:
    return Plan(episode_of(file), Recipe(), proposals)


def heard(plan: Plan, *files: AudioFile) -> Again:
    return hear_again(plan, files, Listener(SureEar(), None, num_workers=1))


def on(plan: Plan) -> list[str]:
    return [p.id for p in plan.active]


def test_what_is_clean_stays_as_it_was_planned(talk: AudioFile) -> None:
    plan = planned(talk, FIRST, SECOND, PAUSE)
    again = heard(plan, talk)
    assert again.plan == plan
    assert (again.num_joins, again.num_heard, again.num_clean) == (3, 2, 3)
    assert again.text == "2 of 3 joins, the others measured: 3 clean"
    assert again.notes == ()


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [(2.95, 3.42, "clipped word left"), (3.08, 3.55, "clipped word right")],
)
def test_a_cut_that_goes_into_a_word_is_left_in(
    start: float, end: float, kind: str, talk: AudioFile
) -> None:
    plan = planned(talk, FIRST, replace(SECOND, start=start, end=end), PAUSE)
    again = heard(plan, talk)
    assert on(again.plan) == ["filler-1", "pause-1"]
    assert again.plan.proposals[1].concern == f"{kind} (by 100 ms) was heard, so it is left in"
    assert not again.plan.is_edited
    assert (again.num_joins, again.num_clean, again.told) == (2, 2, ())
    assert again.text.endswith("2 clean; 1 taken back")
    assert again.notes == (f"filler-2 at {start:.2f} s is left in: {kind} (by 100 ms)",)
    data = again.to_json()
    assert [j["proposals"] for j in data["taken_back"]] == [("filler-2",)]


def test_what_an_ear_may_have_guessed_is_only_told(talk: AudioFile) -> None:
    plan = planned(talk, FIRST, replace(SECOND, start=2.95))
    again = hear_again(plan, [talk], Listener(ToneEar(), None, num_workers=1))
    assert on(again.plan) == ["filler-1", "filler-2"]
    assert again.plan.proposals[1].concern == "clipped word left (by 100 ms) was heard"
    assert again.notes == ("filler-2 at 2.95 s is not clean: clipped word left (by 100 ms)",)


def test_what_is_left_of_a_filler_is_only_told(talk: AudioFile) -> None:
    again = heard(planned(talk, replace(FIRST, start=1.1), SECOND), talk)
    assert on(again.plan) == ["filler-1", "filler-2"]
    assert again.plan.proposals[0].concern == "leaked word (100 ms of what was removed) was heard"
    assert (again.num_clean, len(again.told), again.taken_back) == (1, 1, ())


def test_what_somebody_decided_is_not_taken_back(talk: AudioFile) -> None:
    decided = replace(FIRST, start=0.85, concern="the ear is not sure")
    plan = replace(planned(talk, decided, SECOND), proposed="otherwise")
    again = heard(plan, talk)
    assert again.plan == plan
    assert [(j.proposals, j.kind) for j in again.told] == [(("filler-1",), "clipped word left")]
    assert again.plan.is_edited


def test_a_pause_beside_a_filler_that_is_left_in_is_heard_once_more(talk: AudioFile) -> None:
    inside = Proposal("pause-9", "pause", "shorten", 3.42, 3.47)
    bad = replace(SECOND, start=2.95)
    again = heard(planned(talk, bad, inside, PAUSE), talk)
    assert on(again.plan) == ["pause-9", "pause-1"]
    assert (again.num_joins, again.num_heard) == (2, 0)


def test_what_is_muted_is_only_measured(talk: AudioFile) -> None:
    muted = (replace(FIRST, action="mute"), replace(SECOND, action="mute"))
    quiet = Proposal("breath-1", "breath", "attenuate", 4.4, 4.6, gain_db=-12.0)
    again = heard(planned(talk, *muted, quiet), talk)
    assert (again.num_joins >= 4, again.num_heard, again.told) == (True, 0, ())


def test_several_microphones_are_heard_each(talk: AudioFile, tmp_path: Path) -> None:
    guest = recorded(tmp_path, "guest", "2.4 lima kilo")  # lima is said from 2.7 to 3.0 s
    bad = replace(SECOND, start=2.95, end=3.02, words="")
    plan = replace(planned(guest, FIRST, bad), others=(episode_of(talk),))
    again = heard(plan, guest, talk)
    assert on(again.plan) == ["filler-1"]
    assert (again.num_joins, again.num_heard) == (2, 2)


def test_a_second_time_costs_nothing(talk: AudioFile, tmp_path: Path) -> None:
    plan, ears = planned(talk, FIRST, SECOND, PAUSE), (CountingEar(), CountingEar())
    for ear in ears:
        keeping = Listener(ear, tmp_path / "cache", num_workers=1, keeps_sounds=True)
        hear_again(plan, [talk], keeping)
    assert [ear.times_asked > 0 for ear in ears] == [True, False]


def test_a_whole_clean_up_is_heard_again_unless_nobody_wants_it(
    talk: AudioFile, tmp_path: Path
) -> None:
    listener = Listener(ToneEar(), None, num_workers=1)
    planned, applied = clean_up(talk.path, tmp_path / "a.wav", Recipe(), listener=listener)
    assert applied.again is not None
    assert applied.again.num_heard == 2
    assert applied.again.plan == planned.plan
    _, applied = clean_up(talk.path, tmp_path / "b.wav", Recipe(), listener=listener, verify=False)
    assert applied.again is None
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.cleanup.plan import Episode, Plan, Proposal, read_plan
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.errors import UsageError

EPISODE = Episode("a.wav", "0" * 64, 44100, 2, 441000)
UM = Proposal("filler-1", "filler", "cut", 1.0, 1.5, "um", 0.9, "heard")
PAUSE = Proposal("pause-1", "pause", "shorten", 1.25, 3.0)
BREATH = Proposal("breath-1", "breath", "attenuate", 4.0, 4.5, gain_db=-8)
PLAN = Plan(EPISODE, Recipe(), (UM, PAUSE, BREATH), "an ear")


def changed(**fields):
    data = PLAN.to_json()
    data["proposals"][0] |= fields
    return data


def test_there_and_back(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(PLAN.to_text())
    assert read_plan(path) == PLAN
    assert len(PLAN.to_text().splitlines()) < 90 + len(PLAN.proposals)


def test_it_knows_whether_it_was_edited():
    read = Plan.from_json(json.loads(PLAN.to_text()))
    assert not PLAN.is_edited
    assert not read.is_edited
    assert not read.allowing(0.9).is_edited
    off = read.switched(**{"filler-1": False})
    assert off.is_edited
    assert Plan.from_json(json.loads(off.to_text())).is_edited
    assert not off.switched(**{"filler-1": True}).is_edited
    assert Plan.from_json(changed(end=1.4)).is_edited
    data = PLAN.to_json()
    data["recipe"]["sound"]["denoise"] = 0.5
    assert Plan.from_json(data).is_edited
    del data["proposed"]
    assert Plan.from_json(data).is_edited


@pytest.mark.parametrize("num_frames", [661500, 661501, 661517, 661599])
def test_one_that_reaches_the_end_of_the_recording_is_not_edited_by_being_written(num_frames):
    end = round(num_frames / 44100, 6)  # as proposals round theirs, maybe beyond the last frame
    tail = Proposal("end-1", "end", "shorten", 12.0, end)
    plan = Plan(Episode("a.wav", "0" * 64, 44100, 2, num_frames), Recipe(), (UM, tail))
    read = Plan.from_json(json.loads(plan.to_text()))
    assert not read.is_edited
    assert read.is_like(plan)


def test_a_plan_without_proposals_is_json():
    assert json.loads(replace(PLAN, proposals=()).to_text())["proposals"] == []


def test_time_that_goes_twice_counts_once():
    assert PLAN.removed == pytest.approx(2.0)
    assert PLAN.switched(**{"pause-1": False}).removed == pytest.approx(0.5)


def test_what_is_switched_off_is_not_done():
    off = PLAN.switched(**{"filler-1": False})
    assert [p.id for p in off.active] == ["pause-1", "breath-1"]
    with pytest.raises(UsageError, match="no proposal 'nobody'"):
        PLAN.switched(nobody=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start": 3.0}, "goes from 3 to 1.5 s: give start < end, within 0 to 10.00"),
        ({"end": 11}, "within 0 to 10.00"),
        ({"start": -1}, "within 0 to 10.00"),
        ({"start": float("nan")}, "start of proposal 1 cannot be nan"),
        ({"start": 10**400}, "start of proposal 1 cannot be 1000"),
        ({"end": -(10**400)}, "end of proposal 1 cannot be -1000"),
        ({"track": 10**400}, "track of proposal 1 cannot be 1000"),
        ({"start": True}, "start of proposal 1 cannot be True"),
        ({"on": 1}, "on of proposal 1 cannot be 1"),
        ({"action": "delete"}, "action of proposal 1 is 'delete': give keep, attenuate"),
        ({"kind": "word"}, "kind of proposal 1 is 'word': give filler"),
        ({"id": "../x"}, "the id of proposal 1"),
        ({"id": "pause-1"}, "the same id"),
        ({"confidence": 2}, "confidence of 0 to 1"),
        ({"gain_db": 6}, "gain_db of -60 to 0"),
        ({"track": 1}, "goes from all"),
        ({"extra": 1}, "has no field 'extra'"),
    ],
)
def test_a_mistake_is_named(fields, message):
    with pytest.raises(UsageError, match=message):
        Plan.from_json(changed(**fields))


@pytest.mark.parametrize("data", [None, [], {}, {"format": "x"}, {"format": []}, 3, "plan"])
def test_what_is_no_plan_is_refused(data):
    with pytest.raises(UsageError, match="plan"):
        Plan.from_json(data)


@pytest.mark.parametrize("field", ["num_frames", "sample_rate", "hum_hz"])
def test_a_number_that_no_float_holds_is_refused_in_an_episode_too(field):
    data = PLAN.to_json()
    data["episode"][field] = 10**400
    with pytest.raises(UsageError, match=f"{field} of the episode cannot be 1000"):
        Plan.from_json(data)
    recipe = data["recipe"] | {"guards": {"max_share": 10**400}}
    with pytest.raises(UsageError, match=r"guards\.max_share"):
        Plan.from_json(PLAN.to_json() | {"recipe": recipe})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_plan(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"plan\.json"):
        read_plan(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(PLAN.to_json())), JSON)
def test_any_value_in_any_field_is_a_plan_or_a_clear_error(name, value):
    with contextlib.suppress(UsageError):
        Plan.from_json(PLAN.to_json() | {name: value})


@given(st.sampled_from(sorted(PLAN.to_json()["proposals"][0])), JSON)
def test_any_value_in_any_field_of_a_proposal_too(name, value):
    with contextlib.suppress(UsageError):
        Plan.from_json(changed(**{name: value}))

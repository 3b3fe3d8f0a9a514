import hashlib
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.cleanup.episode import apply_plan, clean_up, plan_episode
from qwen_audio_agent.cleanup.recipe import Recipe, load_recipe
from qwen_audio_agent.errors import EditError, SourceChangedError
from tests.cleanup.episodes import only, without_sound

FADE = 0.015  # seconds; no fade or roll reaches further
PLAIN = without_sound(load_recipe("podcast"))


def kinds(planned):
    return [p.kind for p in planned.plan.proposals if p.on]


def test_fillers_repeats_and_pauses_are_proposed_where_they_are(made):
    episode = made().room(0.3).speech("we went").say("um", 0.4, "filler").room(0.2)
    episode.speech("home home and", gap=0.1).room(1.5).speech("stayed there").room(0.5)
    planned = plan_episode(episode.file(), PLAIN, episode.listener())
    assert kinds(planned) == ["filler", "repeat", "pause"]
    um, again, pause = planned.plan.proposals
    words = {word.text: word for word in episode.words}
    assert um.start == pytest.approx(words["um"].start, abs=0.001)
    assert um.end == pytest.approx(words["um"].end, abs=0.001)
    assert again.words == "home"
    assert pause.duration == pytest.approx(1.6 - 0.5, abs=0.13)  # 0.5 s of it stay


def test_a_repeat_at_the_beginning_of_a_sentence_goes(made):
    episode = made().room(0.3).speech("We we went home").room(0.3)
    (again,) = plan_episode(episode.file(), PLAIN, episode.listener()).plan.active
    assert (again.kind, again.words) == ("repeat", "We")


def test_pauses_around_a_filler_that_goes_are_one_pause(made):
    episode = made().room(0.3).speech("we went").room(0.5).say("um", 0.4, "filler").room(0.6)
    episode.speech("home").room(0.5)
    planned = plan_episode(episode.file(), PLAIN, episode.listener())
    applied_gap = 1.18 - sum(p.duration for p in planned.plan.active if p.kind == "pause")
    assert kinds(planned) == ["pause", "filler", "pause"]
    assert applied_gap == pytest.approx(0.5, abs=0.13)


def test_a_filler_that_stays_keeps_its_pauses(made):
    episode = made().room(0.3).speech("we went").room(0.5).say("um", 0.4, "filler").room(0.6)
    episode.speech("home").room(0.5)
    keeping = PLAIN.model_copy(
        update={"fillers": PLAIN.fillers.model_copy(update={"policy": "keep"})}
    )
    planned = plan_episode(episode.file(), keeping, episode.listener())
    assert kinds(planned) == []


def test_dead_air_at_both_ends_is_shortened(made):
    episode = made().room(3.0).speech("we went home").room(4.0)
    planned = plan_episode(episode.file(), PLAIN, episode.listener())
    head, tail = planned.plan.proposals
    assert (head.kind, head.start, tail.kind) == ("end", 0.0, "end")
    assert head.duration == pytest.approx(3.0 - 0.3, abs=0.06)
    assert tail.end == planned.plan.episode.duration
    assert tail.duration == pytest.approx(4.08 - 0.8, abs=0.06)


def test_a_recording_in_which_nobody_speaks_stays(made):
    episode = made().room(5.0)
    assert kinds(plan_episode(episode.file(), PLAIN, episode.listener())) == []


def test_what_the_ear_is_not_sure_of_is_asked_about(made):
    episode = made().room(0.3).speech("we went").say("um", 0.4, "filler", 0.3).room(0.1)
    episode.speech("home").room(0.3)
    (um,) = plan_episode(episode.file(), PLAIN, episode.listener()).plan.proposals
    assert not um.on
    assert um.concern == "the ear is not sure"


def test_noise_in_a_pause_that_is_no_word_is_asked_about(made):
    episode = made().room(0.3).speech("we went").room(0.8)
    episode._add(0.004 * np.random.default_rng(3).standard_normal(episode.rate))
    episode.room(0.8).speech("home").room(0.3)
    planned = plan_episode(episode.file(), PLAIN, episode.listener())
    loud = [p for p in planned.plan.proposals if p.kind == "pause" and not p.on]
    assert all("no words" in p.concern for p in loud)
    kept = [p for p in planned.plan.active if p.start < 2.6 and p.end > 2.5]
    assert kept == []


def test_a_sound_in_a_pause_stays_and_is_asked_about_and_the_quiet_around_it_goes(made):
    episode = made().room(0.3).speech("we went").room(0.7)
    start = episode.at
    t = np.arange(episode.rate // 10) / episode.rate
    episode._add(0.01 * np.hanning(len(t)) * np.sin(2 * np.pi * 700 * t))
    end = episode.at
    episode.room(0.7).speech("home").room(0.3)
    planned = plan_episode(episode.file(), PLAIN, episode.listener())
    before, unknown, after = (p for p in planned.plan.proposals if p.kind == "pause")
    assert [before.on, unknown.on, after.on] == [True, False, True]
    assert before.end < start - 0.04
    assert after.start > end + 0.04
    assert (before.end, after.start) == (unknown.start, unknown.end)
    assert "no words" in unknown.concern
    assert before.duration + after.duration == pytest.approx(1.5 - 0.5 - 0.22, abs=0.1)


@pytest.mark.parametrize("where", ["head", "tail"])
def test_a_breath_in_long_dead_air_is_part_of_it(made, where):
    breath = 0.004 * np.random.default_rng(3).standard_normal(5000)
    episode = made().room(8.0 if where == "head" else 0.1)
    if where == "head":
        episode._add(breath)
        episode.room(1.2)
    episode.speech("we went home")
    if where == "tail":
        episode.room(1.2)._add(breath)
        episode.room(8.0)
    planned = plan_episode(episode.file(), PLAIN, episode.listener())
    assert sorted(kinds(planned)) == ["breath", "end"]


def test_what_is_kept_is_the_same_sample_for_sample(made, tmp_path):
    episode = made(rate=44100, num_channels=2).room(1.4).speech("we went")
    episode.say("um", 0.4, "filler").room(0.2).speech("home home and").room(2.0)
    file = episode.speech("stayed there").room(2.0).file(subtype="PCM_24")
    planned = plan_episode(file, PLAIN, episode.listener())
    applied = apply_plan(planned.plan, file, tmp_path / "out.wav")
    before, _ = soundfile.read(file.path, dtype="int32")
    after, _ = soundfile.read(tmp_path / "out.wav", dtype="int32")
    assert len(before) - len(after) == sum(p.span(44100).num_frames for p in planned.plan.active)
    fade = round(FADE * 44100)
    kept = 0
    for stretch in applied.time_map.stretches:
        start, end = int(stretch.start) + fade, int(stretch.end) - fade
        first = int(stretch.source_start) + fade
        assert np.array_equal(after[start:end], before[first : first + end - start])
        kept += end - start
    assert kept > 0.9 * len(after)


def test_muted_and_softened_sound_keeps_its_time(made, tmp_path):
    episode = made().room(1.0).speech("we went").room(0.3).say("um", 0.4, "filler").room(0.3)
    file = episode.speech("home").room(1.0).file()
    um = next(w for w in episode.words if w.kind == "filler")
    levels = {}
    for policy in ("keep", "mute", "attenuate"):
        fillers = {"policy": policy, "gain_db": -20}
        recipe = Recipe.from_data({"fillers": fillers, "ends": {"policy": "keep"}})
        plan = plan_episode(file, recipe, episode.listener()).plan
        apply_plan(plan, file, tmp_path / f"{policy}.wav")
        sound, rate = soundfile.read(tmp_path / f"{policy}.wav")
        assert len(sound) == file.num_frames
        inside = sound[round((um.start + 0.05) * rate) : round((um.end - 0.05) * rate)]
        levels[policy] = 10 * np.log10(np.square(inside).mean())
    assert levels["attenuate"] - levels["keep"] == pytest.approx(-20, abs=0.3)
    assert levels["mute"] < -60  # as loud as the room, which is not silent
    assert levels["mute"] > -72


def test_the_loudness_and_the_peaks_are_those_that_were_asked_for(made, tmp_path):
    from qwen_audio_agent.audio.files import blocks
    from qwen_audio_agent.audio.levels import loudness_lufs, true_peak_dbtp

    episode = made(rate=44100, num_channels=2).room(0.5).speech("one two three four five six " * 3)
    path = episode.written()
    recipe = Recipe.from_data({"loudness": {"target": "auto"}})
    clean_up(path, tmp_path / "out.wav", recipe, listener=episode.listener())
    out = probe(tmp_path / "out.wav")
    assert loudness_lufs(blocks(out)) == pytest.approx(-16, abs=0.2)
    assert true_peak_dbtp(blocks(out)) <= -1.0


def test_the_source_is_left_alone_and_a_plan_is_for_one_recording(made, tmp_path):
    episode = made().room(3.0).speech("we went home").room(3.0)
    path = episode.written()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    planned = plan_episode(probe(path), PLAIN, episode.listener())
    with pytest.raises(EditError, match="source of this edit"):
        apply_plan(planned.plan, planned.file, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    other = made().room(2.0).speech("another").room(2.0).file(name="other.wav")
    with pytest.raises(SourceChangedError, match="make a new plan"):
        apply_plan(planned.plan, other, tmp_path / "out.wav")
    for name in ("sample_rate", "num_channels", "num_frames"):
        more = getattr(planned.plan.episode, name) * 2
        plan = replace(planned.plan, episode=replace(planned.plan.episode, **{name: more}))
        with pytest.raises(SourceChangedError, match="make a new plan"):
            apply_plan(plan, planned.file, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_a_plan_that_takes_too_much_is_not_applied(made, tmp_path):
    episode = made().room(9.0).speech("we went home").room(9.0)
    path = episode.written()
    with pytest.raises(EditError, match="88% of the episode would go"):
        clean_up(path, tmp_path / "out.wav", PLAIN, listener=episode.listener())
    assert not (tmp_path / "out.wav").exists()
    how = {"listener": episode.listener(), "allow_any_share": True}
    _, applied = clean_up(path, tmp_path / "out.wav", PLAIN, **how)
    assert applied.output.duration < 4


def test_only_what_is_switched_on_is_done(made, tmp_path):
    episode = made().room(3.0).speech("we went").say("um", 0.4, "filler").room(0.1)
    file = episode.speech("home").room(3.0).file()
    planned = plan_episode(file, PLAIN, episode.listener())
    plan = only(planned.plan, "filler-1")
    applied = apply_plan(plan, file, tmp_path / "out.wav")
    (um,) = plan.active
    assert applied.output.num_frames == file.num_frames - um.span(file.sample_rate).num_frames
    none = apply_plan(only(plan), file, tmp_path / "same.wav")
    assert np.array_equal(*(soundfile.read(p)[0] for p in (file.path, none.output.path)))


def test_a_plan_that_would_leave_nothing_is_refused(made, tmp_path):
    episode = made().room(3.0).speech("we").room(3.0)
    file = episode.file()
    planned = plan_episode(file, PLAIN, episode.listener())
    everything = replace(planned.plan.proposals[0], start=0.0, end=file.duration)
    with pytest.raises(EditError, match="leave nothing"):
        apply_plan(replace(planned.plan, proposals=(everything,)), file, tmp_path / "out.wav")


def test_hum_is_found_told_and_taken_out(made, tmp_path):
    episode = made().room(0.3).speech("one two three four five six " * 5).room(0.3)
    t = np.arange(round(episode.at * episode.rate)) / episode.rate
    path = episode.written()
    sound, rate = soundfile.read(path)
    hum = sum(0.01 / k * np.sin(2 * np.pi * 50 * k * t[: len(sound)]) for k in (1, 2, 3))
    soundfile.write(path, sound + hum, rate)
    recipe = Recipe.from_data({"sound": {"hum": True}, "ends": {"policy": "keep"}})
    planned, _ = clean_up(path, tmp_path / "out.wav", recipe, listener=episode.listener())
    assert planned.plan.episode.hum_hz == pytest.approx(50, abs=0.1)
    before, after = (soundfile.read(p)[0][: 5 * rate] for p in (path, tmp_path / "out.wav"))
    tone = np.exp(-2j * np.pi * 50 * np.arange(5 * rate) / rate)
    level = [20 * np.log10(abs(sound @ tone)) for sound in (before, after)]
    assert level[1] < level[0] - 20


@pytest.mark.parametrize(("subtype", "clipped"), [("PCM_16", 1), ("FLOAT", 0), ("DOUBLE", 0)])
def test_floats_beyond_full_scale_are_not_cut_off(made, tmp_path, subtype, clipped):
    episode = made().room(1.0).speech("we went home").room(1.0)
    sound, rate = soundfile.read(episode.written(subtype="DOUBLE"))
    sound[rate // 2 : rate // 2 + 100] += 1.5
    soundfile.write(tmp_path / "loud.wav", sound, rate, subtype=subtype)
    planned = plan_episode(probe(tmp_path / "loud.wav"), PLAIN, episode.listener())
    assert planned.plan.episode.num_clipped == clipped

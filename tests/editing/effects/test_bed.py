"""A bed is heard between the words, and goes down under them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.levels import loudness_lufs, rms_dbfs
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.effects.bed import Bed, Looped
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import EditError

RATE = 16000


@pytest.fixture(scope="module")
def talk(speech_data):
    """5 s of quiet, 6 s of speech, 5 s of quiet."""
    speech, _ = soundfile.read(speech_data / "shelley.flac", dtype="float32")
    quiet = 1e-4 * np.random.default_rng(71).standard_normal((2, 5 * RATE)).astype(np.float32)
    both = np.stack([speech, 0.7 * speech])[:, : 6 * RATE]
    return np.concatenate([quiet, both, quiet], axis=1)


def music(seconds, rate=RATE):
    time = np.arange(round(seconds * rate)) / rate
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220, 277.2, 329.6))
    return np.stack([0.2 * chord, 0.1 * chord]).astype(np.float32)


def under(samples, talk, **settings):
    """What the bed adds to the programme."""
    return run_bed(talk, samples, **settings) - talk


def run_bed(talk, samples, block=5000, **settings):
    effect = Bed(sound=lambda: iter([samples[:, :7000], samples[:, 7000:]]), **settings)
    starts = range(0, talk.shape[1], block)
    blocks = effect.process(lambda: (talk[:, s : s + block] for s in starts), RATE, 2)
    return np.concatenate(list(blocks), axis=1)


def level_db(samples, start, end):
    return rms_dbfs(
        Audio(np.ascontiguousarray(samples[:, int(start * RATE) : int(end * RATE)]), RATE)
    )


def test_it_is_as_loud_as_wanted_and_down_under_speech(talk):
    bed = under(music(30), talk, level_db=-6, duck_db=15)
    free, ducked = level_db(bed, 2.5, 4), level_db(bed, 6, 10)
    assert free - ducked == pytest.approx(15, abs=0.2)
    loud = Audio(np.ascontiguousarray(bed[:, 2 * RATE : 4 * RATE]), RATE)
    assert loudness_lufs(loud) == pytest.approx(loudness_lufs(Audio(talk, RATE)) - 6, abs=0.3)


def test_it_is_down_when_the_first_word_begins(talk):
    bed = under(music(30), talk, duck_db=20)
    assert level_db(bed, 5.0, 5.2) < level_db(bed, 2.5, 4) - 18
    assert np.abs(np.diff(np.abs(bed[0]).reshape(-1, 160).max(axis=1))).max() < 0.1


def test_it_fades_at_both_ends(talk):
    bed = under(music(30), talk, fade_s=1.0)
    assert np.abs(bed[:, :80]).max() < 1e-4
    assert np.abs(bed[:, -80:]).max() < 1e-4
    assert level_db(bed, 0, 0.2) < level_db(bed, 1.2, 1.4) - 15


def test_it_begins_and_ends_where_wanted_and_touches_nothing_else(talk):
    bed = run_bed(talk, music(30), start_s=1.0, end_s=3.0)
    assert np.array_equal(bed[:, :RATE], talk[:, :RATE])
    assert np.array_equal(bed[:, 3 * RATE :], talk[:, 3 * RATE :])
    assert not np.array_equal(bed[:, RATE : 3 * RATE], talk[:, RATE : 3 * RATE])


def test_a_short_one_begins_anew_without_a_gap(talk):
    bed = under(music(1.7), talk, duck_db=0, fade_s=0)
    levels = [level_db(bed, at, at + 0.2) for at in np.arange(0, 15, 0.2)]
    assert max(levels) - min(levels) < 6.5


def test_a_loop_goes_on_through_its_seams():
    ramp = np.arange(1, 1001, dtype=np.float32)[None]
    loop = Looped(lambda: iter([ramp]), 100, 1)
    taken = np.concatenate([loop.take(n) for n in (1, 950, 333, 2000)], axis=1)[0]
    assert np.array_equal(taken[:900], ramp[0, :900])
    assert taken[900:1000].min() > 0
    assert np.array_equal(taken[1000:1800], ramp[0, 100:900])


def test_blocks_do_not_matter(talk):
    assert np.array_equal(run_bed(talk, music(3)), run_bed(talk, music(3), block=777))


def test_without_a_sound_it_says_what_is_missing(talk):
    with pytest.raises(EditError, match="bed needs a sound"):
        next(Bed().process(lambda: iter([talk]), RATE, 2))


def test_an_edit_list_holds_it_and_renders_again(talk, tmp_path):
    """Another rate, one channel; the same bytes from the list's own JSON."""
    soundfile.write(tmp_path / "talk.wav", talk.T, RATE)
    soundfile.write(tmp_path / "music.wav", music(3, 22050)[0], 22050)
    sources = Sources(tmp_path / "cache")
    lists = {}
    for name in ("talk", "music"):
        sources.add_file(name, probe(tmp_path / f"{name}.wav"))
        lists[name] = EditList.from_file(name, sources.files[name])
        sources.add_list(lists[name])
    made = operations.lay_bed(lists["talk"], lists["music"], (("duck_db", 12.0),))
    assert made.sources == tuple(sorted([lists["music"].id, "talk"]))
    render(made, sources, tmp_path / "out.wav")
    other = Sources(tmp_path / "other")
    for name in ("talk", "music"):
        other.add_file(name, sources.files[name])
        other.add_list(lists[name])
    again = EditList.from_json(made.to_json())
    assert again.id == made.id
    render(again, other, tmp_path / "again.wav")
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "again.wav").read_bytes()
    bed = read(probe(tmp_path / "out.wav")).samples - talk
    assert level_db(bed, 2.5, 4) == pytest.approx(level_db(bed, 6, 10) + 12, abs=0.3)


def test_other_effects_take_no_source_and_a_bed_needs_one():
    whole = EditList((), RATE, 1)
    with pytest.raises(EditError, match="empty"):
        operations.lay_bed(whole, whole)
    for call in (("denoise", "a"), ("bed", "")):
        effects = [{"name": call[0], "settings": [], "source": call[1]}]
        made = EditList.from_json({**whole.to_json(), "effects": effects})
        with pytest.raises(EditError, match="source"):
            _ = made.num_frames


def test_lists_without_a_bed_keep_their_ids():
    whole = EditList((), RATE, 1)
    made = operations.apply_effect(whole, operations.EffectCall("denoise"))
    assert list(made.to_json()["effects"]) == [{"name": "denoise", "settings": ()}]
    assert replace(made, effects=()).id == whole.id

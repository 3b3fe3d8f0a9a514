"""Made episodes are the same each time, and their truth is where the sound is."""

from __future__ import annotations

import json
import shutil

import episode_files
import episode_speech
import episodes
import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="module")
def folder(tmp_path_factory, interview):
    """A folder with truth, made of the sample recording; its filler is labelled."""
    folder = tmp_path_factory.mktemp("speech")
    shutil.copy(interview, folder)
    words = json.loads(interview.with_suffix(".json").read_text("utf-8"))["words"]
    item = {"id": "interview", "file": interview.name, "words": words, "transcript": ""}
    (folder / "truth.json").write_text(json.dumps([item]), "utf-8")
    return folder


@pytest.fixture(scope="module")
def material(folder):
    """Its sentences and fillers."""
    return episode_speech.recorded(folder)


def make(path, material=None, **options):
    truth = episodes.make(path, episodes.Options(**options), material)
    return truth, *soundfile.read(path, always_2d=True)


def level_db(sound, rate, start, end):
    part = sound[round(start * rate) : round(end * rate)]
    return 10 * np.log10((part**2).mean() + 1e-12)


def test_the_same_options_make_the_same_episode(tmp_path):
    options = {"kind": "bursts", "seconds": 20, "seed": 3}
    first, sound, _ = make(tmp_path / "a.wav", **options)
    again, same, _ = make(tmp_path / "a.wav", **options)
    assert first == again
    assert np.array_equal(sound, same)
    other, _, _ = make(tmp_path / "b.wav", **options | {"seed": 4})
    assert other.speech != first.speech


@pytest.mark.parametrize(
    ("rate", "num_channels", "subtype"), [(44_100, 2, "PCM_24"), (48_000, 1, "PCM_16")]
)
def test_bursts_sound_where_the_truth_says_and_nowhere_else(tmp_path, rate, num_channels, subtype):
    truth, sound, found_rate = make(
        tmp_path / "a.wav", kind="bursts", seconds=30, rate=rate, num_channels=num_channels,
        subtype=subtype, plain=True,
    )  # fmt: skip
    info = soundfile.info(tmp_path / "a.wav")
    assert (found_rate, info.channels, info.subtype) == (rate, num_channels, subtype)
    assert len(sound) == truth.num_frames == 30 * rate
    assert len(truth.speech) > 8
    for start, end in truth.speech:
        assert level_db(sound, rate, start, end) > truth.room_dbfs + 20
    for start, end in [*truth.pauses, truth.head, truth.tail]:
        assert level_db(sound, rate, start + 0.001, end) < truth.room_dbfs + 1


def test_recordings_become_sentences_with_fillers_repeats_and_pauses(tmp_path, material):
    assert [filler.words[0].text for filler in material.fillers] == ["um"]
    truth, sound, rate = make(tmp_path / "a.wav", material, seconds=150, seed=2)
    assert min(len(truth.fillers), len(truth.repeats), len(truth.breaths), len(truth.clicks)) > 0
    for item in [*truth.fillers, *truth.repeats]:
        assert level_db(sound, rate, item["start"], item["end"]) > truth.room_dbfs + 20
    for item in truth.repeats:
        texts = [w["text"] for w in truth.words if item["start"] <= w["start"] < item["again"]]
        again = [w["text"] for w in truth.words if w["start"] >= item["again"] - 1e-6]
        assert texts == item["text"].split() == again[: len(texts)]
        # A second try is no copy of the first.
        length = round((item["end"] - item["start"]) * rate)
        first = sound[round(item["start"] * rate) :][:length, 0]
        second = sound[round(item["again"] * rate) :][:length, 0]
        assert np.abs(np.corrcoef(first, second)[0, 1]) < 0.999
    starts = [word["start"] for word in truth.words]
    assert starts == sorted(starts)
    assert truth.natural


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_chapters_are_in_the_file(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    truth, sound, rate = make(path, kind="bursts", seconds=30, num_channels=1)
    assert len(truth.chapters) >= 2
    read = episode_files.read_chapters(path)
    assert [title for _, title in read] == [chapter["title"] for chapter in truth.chapters]
    for (start, _), chapter in zip(read, truth.chapters, strict=True):
        assert start == pytest.approx(chapter["start"], abs=0.0006)
    assert abs(len(sound) - 30 * rate) <= 1152


@pytest.mark.skipif(not shutil.which("flite"), reason="the program flite is not installed")
def test_flite_speaks_with_other_voices_in_each_half(tmp_path):
    tune, check = (episode_speech.spoken(split) for split in episode_speech.SPLITS)
    voices = [{piece.voice for piece in half.sentences} for half in (tune, check)]
    assert not voices[0] & voices[1]
    truth, _, _ = make(tmp_path / "a.wav", check, kind="flite", seconds=60)
    assert {word["voice"] for word in truth.words} <= voices[1]


def test_ten_seconds_are_enough_and_no_material_is_said(tmp_path, monkeypatch):
    truth, sound, rate = make(tmp_path / "a.flac", kind="bursts", seconds=10)
    assert len(sound) == 10 * rate
    assert truth.speech
    monkeypatch.delenv("SPEECH_DATA", raising=False)
    with pytest.raises(SystemExit, match="SPEECH_DATA"):
        episodes.make(tmp_path / "b.wav", episodes.Options())

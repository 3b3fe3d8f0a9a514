from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import BLEEP, EditList, EffectCall
from qwen_audio_agent.editing.sources import ENDLESS, Sources
from qwen_audio_agent.errors import EditError


def cached(path: Path) -> list[Path]:
    return sorted((path.parent / "cache").glob("*"))


def test_a_recording_that_fits_is_opened_as_it_is(record: Callable[..., Any]) -> None:
    a = record("a.wav", 100)

    assert a.sources.open("a.wav", 8000, 1) is a.sources.files["a.wav"]
    assert cached(a.path) == []


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_one_channel_becomes_two_without_loss(record: Callable[..., Any], subtype: str) -> None:
    a = record("a.wav", 5000, subtype=subtype)

    stereo = a.sources.open("a.wav", 8000, 2)

    got, _ = soundfile.read(stereo.path, dtype="float64")
    expected, _ = soundfile.read(a.path, dtype="float64")
    np.testing.assert_array_equal(got, np.stack([expected, expected], axis=1))


def test_several_channels_are_averaged(record: Callable[..., Any]) -> None:
    a = record("a.wav", 5000, num_channels=2, subtype="FLOAT")

    got, _ = soundfile.read(a.sources.open("a.wav", 8000, 1).path, dtype="float32")

    np.testing.assert_allclose(got, a.numbers.mean(axis=1), atol=1e-7)


def test_another_rate_is_resampled_once_and_kept(record: Callable[..., Any]) -> None:
    a = record("a.wav", 8001, sample_rate=8000)

    first = a.sources.open("a.wav", 11025, 1)
    written = first.path.stat().st_mtime_ns
    second = a.sources.open("a.wav", 11025, 1)

    assert first.num_frames == a.sources.num_frames("a.wav", 11025) == 11026
    assert second == first
    assert second.path.stat().st_mtime_ns == written


def test_the_cache_is_found_by_what_a_recording_sounds_like_not_by_its_id(
    record: Callable[..., Any], tmp_path: Path
) -> None:
    a, b = record("a.wav", 1000), record("b.wav", 1001)
    first = a.sources.open("a.wav", 8000, 2)

    others = Sources(tmp_path / "cache")
    others.add_file("a.wav", probe(b.path))
    others.add_file("again", probe(a.path))

    assert others.open("a.wav", 8000, 2).path != first.path
    assert others.open("again", 8000, 2).path == first.path


def test_a_list_is_rendered_once_with_its_effects(record: Callable[..., Any]) -> None:
    a = record("a.wav", 4000)
    slow = operations.apply_effect(a.edit_list, EffectCall("tempo", (("factor", 0.5),)))
    a.sources.add_list(slow)

    file = a.sources.open(slow.id, 8000, 1)

    assert (file.num_frames, file.subtype) == (8000, "FLOAT")
    assert file.num_frames == a.sources.num_frames(slow.id, 8000)
    assert a.sources.open(slow.id, 8000, 1).path == file.path


def test_effects_build_on_each_other_in_the_cache(record: Callable[..., Any]) -> None:
    a = record("a.wav", 4000)
    once = operations.apply_effect(a.edit_list, EffectCall("tempo", (("factor", 0.5),)))
    twice = operations.apply_effect(once, EffectCall("tempo", (("factor", 2.0),)))
    kept = a.sources.open(a.sources.add_list(once), 8000, 1)

    a.sources.open(a.sources.add_list(twice), 8000, 1)

    assert kept.path in cached(a.path)
    assert len(cached(a.path)) == 2


def test_the_same_list_over_another_recording_is_another_sound(
    record: Callable[..., Any], tmp_path: Path
) -> None:
    a, b = record("a.wav", 4000), record("b.wav", 4000)
    slow = operations.apply_effect(a.edit_list, EffectCall("tempo", (("factor", 0.5),)))
    others = Sources(tmp_path / "cache")
    others.add_file("a.wav", probe(b.path))

    first = a.sources.open(a.sources.add_list(slow), 8000, 1)
    second = others.open(others.add_list(slow), 8000, 1)

    assert first.path != second.path


def test_progress_is_told_while_a_sound_is_made_and_not_when_it_is_there(
    record: Callable[..., Any], tmp_path: Path
) -> None:
    a = record("a.wav", 300_000)
    told: list[float] = []
    sources = Sources(tmp_path / "cache", told.append)
    sources.add_file("a.wav", a.sources.files["a.wav"])

    sources.open("a.wav", 8000, 2)
    assert told == sorted(told)
    assert told[-1] == 1.0

    told.clear()
    sources.open("a.wav", 8000, 2)
    assert told == []


def test_bleep_and_silence_never_end(tmp_path: Path) -> None:
    assert Sources(tmp_path).num_frames(BLEEP, 8000) == ENDLESS


def test_an_unknown_source_is_named_with_the_ones_there_are(record: Callable[..., Any]) -> None:
    a = record("a.wav", 100)

    with pytest.raises(EditError, match=r"no source 'b.wav'; the sources are a\.wav"):
        a.sources.open("b.wav", 8000, 1)


def test_the_main_recording_is_found_below_effects(record: Callable[..., Any]) -> None:
    a = record("a.wav", 4000, subtype="PCM_24")
    slow = operations.apply_effect(a.edit_list, EffectCall("tempo", (("factor", 0.5),)))
    a.sources.add_list(slow)
    edited = operations.cut(slow, Span(0, 100))

    assert a.sources.main_file(edited) == a.sources.files["a.wav"]
    assert a.sources.main_file(replace(edited, clips=())) is None
    assert a.sources.main_file(EditList((), 8000, 1)) is None


def test_a_stream_is_what_would_be_kept_and_is_not_kept(record: Callable[..., Any]) -> None:
    a = record("a.wav", 60_000, num_channels=2)
    edited = operations.cut(a.edit_list, Span(100, 2000))
    made = operations.apply_effect(edited, EffectCall("normalize", (("lufs", -20.0),)))

    streamed = np.concatenate(list(a.sources.stream(made)), axis=1)

    assert cached(a.path) == []
    kept = a.sources.open(a.sources.add_list(made), 8000, 2)
    np.testing.assert_array_equal(streamed.T, soundfile.read(kept.path, dtype="float32")[0])
    # What is kept already is not made again.
    soundfile.write(kept.path, np.zeros((10, 2)), 8000, "FLOAT")
    assert np.concatenate(list(a.sources.stream(made)), axis=1).shape == (2, 10)

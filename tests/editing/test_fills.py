from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.levels import rms_dbfs
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import BLEEP, EditList
from qwen_audio_agent.editing.fills import bleep, room_tone
from qwen_audio_agent.editing.render import read_programme
from qwen_audio_agent.editing.sources import Sources


class Opened:
    """A recording with its programme and its sound."""

    def __init__(self, path: Path, cache: Path) -> None:
        file = probe(path)
        self.sources = Sources(cache)
        self.sources.add_file("a", file)
        self.edit_list = EditList.from_file("a", file)
        self.sound = read(file)
        self.speech = find_activity(self.sound).speech

    def heard(self, edit_list: EditList, span: Span) -> Audio:
        return read_programme(edit_list, self.sources, span)


@pytest.fixture
def opened(interview: Path, tmp_path: Path) -> Opened:
    return Opened(interview, tmp_path / "cache")


def test_room_tone_is_taken_where_nobody_speaks(opened: Opened) -> None:
    fill = room_tone(opened.edit_list, opened.sound.slice, opened.speech[0])

    assert fill is not None
    (clip,) = fill.clips
    assert 0.1 <= clip.num_frames / fill.sample_rate <= 2.0
    assert all(clip.end <= s.start or s.end <= clip.start for s in opened.speech)


@pytest.mark.parametrize("seconds", [0.05, 0.4, 3.0])
def test_a_filled_silence_has_the_level_of_the_room(opened: Opened, seconds: float) -> None:
    rate = opened.edit_list.sample_rate
    start = opened.speech[0].start
    span = Span(start, start + round(seconds * rate))
    fill = room_tone(opened.edit_list, opened.sound.slice, span)
    assert fill is not None

    silenced = operations.silence(opened.edit_list, span, fill)

    # Where a fill is repeated, its crossfades must neither dip nor swell.
    step = round(0.02 * rate)
    inside = range(span.start + step, span.end - 2 * step, step) or [span.start + step // 2]
    levels = [rms_dbfs(opened.heard(silenced, Span(at, at + step))) for at in inside]
    room = rms_dbfs(opened.heard(fill, Span(0, fill.num_frames)))
    assert np.mean(levels) == pytest.approx(room, abs=1.5)
    assert max(levels) < room + 6
    assert min(levels) > room - 6


@pytest.mark.parametrize("seconds", [0.5, 8.0])
def test_a_longer_pause_is_filled_with_the_room_and_has_no_period(
    opened: Opened, tmp_path: Path, seconds: float
) -> None:
    rate = opened.edit_list.sample_rate
    at = (opened.speech[0].end + opened.speech[1].start) // 2
    added = round(seconds * rate)
    fill = room_tone(opened.edit_list, opened.sound.slice, Span(at, at + added))
    assert fill is not None

    longer = operations.lengthen(opened.edit_list, at, added, fill)

    assert longer.num_frames == opened.edit_list.num_frames + added
    heard = opened.heard(longer, Span(at + 100, at + added - 100)).samples[0]
    room = opened.heard(fill, Span(0, fill.num_frames)).samples[0]
    heard_db, room_db = (_octaves_db(sound, rate) for sound in (heard, room))
    assert np.abs(heard_db - room_db).max() < 3
    # The same sound comes again, but never at the same distance.
    spectrum = np.fft.rfft(heard - heard.mean(), 2 * len(heard))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[: len(heard) // 2]
    assert likeness[rate // 50 :].max() < 0.4 * likeness[0]
    again = Opened(opened.sources.files["a"].path, tmp_path / "again")
    same = again.heard(operations.lengthen(again.edit_list, at, added, fill), Span(at, at + added))
    assert np.array_equal(same.samples, opened.heard(longer, Span(at, at + added)).samples)


def _octaves_db(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    lows = 125 * 2.0 ** np.arange(6)
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() / len(samples) ** 2 for low in lows]
    return 10 * np.log10(np.array(octaves))


def test_without_a_pause_there_is_no_room_tone(record: Callable[..., Any]) -> None:
    time = np.arange(16_000) / 16_000
    syllables = np.sin(2 * np.pi * 200 * time) * np.abs(np.sin(2 * np.pi * 4 * time))
    voice = Audio(np.asarray(0.3 * syllables[None], np.float32), 16_000)
    a = record("a.wav", 16_000, sample_rate=16_000)

    assert room_tone(a.edit_list, voice.slice, Span(0, 800)) is None


def test_a_bleep_is_as_loud_and_as_long_as_what_it_covers(opened: Opened) -> None:
    span = opened.speech[0]

    fill = bleep(opened.edit_list, opened.sound.slice, span)
    covered = operations.silence(opened.edit_list, span, fill)

    assert [clip.source for clip in fill.clips] == [BLEEP]
    assert fill.num_frames == span.num_frames
    inner = Span(span.start + 1000, span.end - 1000)
    assert rms_dbfs(opened.heard(covered, inner)) == pytest.approx(
        rms_dbfs(opened.sound.slice(span)), abs=0.2
    )


def test_a_bleep_over_silence_can_still_be_heard_and_over_noise_does_not_hurt() -> None:
    edit_list = EditList((), 16_000, 1)
    silent = Audio(np.zeros((1, 1600), np.float32), 16_000)
    loud = Audio(np.ones((1, 1600), np.float32), 16_000)

    assert bleep(edit_list, silent.slice, Span(0, 1600)).clips[0].gain_db == -50
    assert bleep(edit_list, loud.slice, Span(0, 1600)).clips[0].gain_db == -6

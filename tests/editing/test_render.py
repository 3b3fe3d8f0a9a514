from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import BLEEP, Clip, EditList, EffectCall
from qwen_audio_agent.editing.render import read_programme, render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import AudioFileError, EditError

LOSSLESS = [
    ("a.wav", "PCM_U8"),
    ("a.wav", "PCM_16"),
    ("a.wav", "PCM_24"),
    ("a.wav", "PCM_32"),
    ("a.wav", "FLOAT"),
    ("a.wav", "DOUBLE"),
    ("a.flac", "PCM_16"),
    ("a.flac", "PCM_24"),
    ("a.aiff", "PCM_24"),
]


@pytest.mark.parametrize(("name", "subtype"), LOSSLESS)
def test_an_unedited_programme_is_its_recording_bit_for_bit(
    record: Callable[..., Any], read_numbers: Callable[[Path], Any], name: str, subtype: str
) -> None:
    a = record(name, 3001, num_channels=2, subtype=subtype)

    written = render(a.edit_list, a.sources, a.path.with_stem("out"))

    np.testing.assert_array_equal(read_numbers(written.path), a.numbers)
    assert (written.subtype, written.sample_rate) == (subtype, 8000)
    assert written == replace(probe(written.path), tags=written.tags)


@pytest.mark.parametrize(("name", "subtype"), LOSSLESS)
def test_a_cut_is_bit_identical_to_the_recording_outside_its_fade(
    record: Callable[..., Any], read_numbers: Callable[[Path], Any], name: str, subtype: str
) -> None:
    a = record(name, 6000, num_channels=2, subtype=subtype)
    out = a.path.with_stem("out")

    render(operations.cut(a.edit_list, Span(2000, 2500), join=40), a.sources, out)

    expected = np.delete(a.numbers, slice(2000, 2500), axis=0)
    changed = np.flatnonzero((read_numbers(out) != expected).any(axis=1))
    assert 1960 <= changed.min() <= changed.max() < 2040
    assert len(changed) > 30


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 7900), st.integers(1, 900)), min_size=1, max_size=6))
def test_cuts_are_deletions_outside_their_fades(
    record: Callable[..., Any],
    read_numbers: Callable[[Path], Any],
    cuts: list[tuple[int, int]],
) -> None:
    a = record("a.wav", 8000)
    out = a.path.with_stem("out")
    spans = [Span(at, min(at + length, 8000)) for at, length in cuts]
    gone = np.zeros(8000, bool)
    for span in spans:
        gone[span.start : span.end] = True

    edited = operations.cut(a.edit_list, *spans)
    render(edited, a.sources, out)

    expected, kept = a.numbers[~gone], np.flatnonzero(~gone)
    got = read_numbers(out)
    assert len(got) == len(expected)
    joins = np.flatnonzero(np.diff(kept) != 1) + 1
    borders = [*joins, *([0] if gone[0] else []), *([len(kept)] if gone[-1] else [])]
    far = np.ones(len(kept), bool)
    for border in borders:
        far[max(border - 40, 0) : border + 40] = False
    np.testing.assert_array_equal(got[far], expected[far])


def test_a_join_takes_the_sound_beyond_the_clips_from_the_recording(
    record: Callable[..., Any],
) -> None:
    a = record("a.wav", 8000, subtype="FLOAT")
    edited = operations.cut(a.edit_list, Span(3000, 4000), join=100)

    got = read_programme(edited, a.sources, Span(2900, 3100)).samples[0]

    left, right = a.numbers[2900:3100, 0], a.numbers[3900:4100, 0]
    away = np.abs(got - left)[:10].max(), np.abs(got - right)[-10:].max()
    assert max(away) < 0.02
    power = np.mean(got[80:120] ** 2) / 0.01
    assert 0.5 < power < 2


def test_where_a_recording_has_no_more_the_sound_falls_to_zero_and_rises_again(
    record: Callable[..., Any],
) -> None:
    a, b = record("a.wav", 2000), record("b.wav", 2000)
    edited = operations.insert(a.edit_list, 2000, b.edit_list, join=40)

    sound = read_programme(edited, a.sources, Span(0, 4000)).samples[0]

    assert np.abs(sound[1998:2002]).max() < 0.01
    np.testing.assert_array_equal(sound[2040:] * 32768, b.numbers[40:, 0])


def test_recordings_that_overlap_keep_their_level_where_they_meet(
    record: Callable[..., Any],
) -> None:
    a, b = record("a.wav", 8000), record("b.wav", 8001)
    edited = operations.insert(a.edit_list, 8000, b.edit_list, join=2000, overlap=True)

    sound = read_programme(edited, a.sources, Span(0, 12_001)).samples[0]

    assert edited.num_frames == 12_001
    levels = [np.mean(sound[at : at + 1000] ** 2) / 0.01 for at in range(4000, 8000, 1000)]
    assert all(0.7 < level < 1.4 for level in levels)


def test_a_programme_that_begins_and_ends_inside_a_recording_has_soft_edges(
    record: Callable[..., Any],
) -> None:
    a = record("a.wav", 2000)

    sound = read_programme(operations.keep(a.edit_list, Span(500, 900)), a.sources, Span(0, 400))

    assert max(abs(sound.samples[0, 0]), abs(sound.samples[0, -1])) < 0.01
    np.testing.assert_array_equal(sound.samples[0, 40:360] * 32768, a.numbers[540:860, 0])


def test_what_was_cut_and_put_back_is_written_bit_for_bit(
    record: Callable[..., Any], read_numbers: Callable[[Path], Any]
) -> None:
    a = record("a.flac", 5000, subtype="PCM_24")
    edited = operations.cut(a.edit_list, Span(0, 700))

    restored = operations.insert(edited, 0, a.edit_list, Span(0, 700))
    out = render(restored, a.sources, a.path.with_stem("out"))

    np.testing.assert_array_equal(read_numbers(out.path), a.numbers)


def test_any_span_of_the_programme_is_what_the_file_holds_there(
    record: Callable[..., Any], read_numbers: Callable[[Path], Any]
) -> None:
    a = record("a.wav", 4000, subtype="FLOAT")
    edited = operations.fade(
        operations.gain(operations.move(a.edit_list, Span(500, 900), 3000), -6, Span(100, 2000)),
        fade_in=2500,
    )
    whole = read_numbers(render(edited, a.sources, a.path.with_stem("out")).path)[:, 0]

    for first in range(0, 4000, 333):
        span = Span(first, min(first + 500, 4000))
        got = read_programme(edited, a.sources, span).samples[0]
        np.testing.assert_array_equal(got, whole[span.start : span.end])


def test_gain_and_fades_scale_the_sound(record: Callable[..., Any]) -> None:
    a = record("a.wav", 4000, subtype="FLOAT")
    edited = operations.fade(operations.gain(a.edit_list, -20), fade_in=1000, fade_out=1000)

    got = read_programme(edited, a.sources, Span(0, 4000)).samples[0]

    np.testing.assert_allclose(got[1000:3000], 0.1 * a.numbers[1000:3000, 0], rtol=1e-6)
    np.testing.assert_allclose(got[500], 0.05 * a.numbers[500, 0], rtol=1e-2)
    assert np.abs(got[[0, -1]]).max() < 1e-5


def test_a_gain_beyond_full_scale_is_clipped_not_wrapped(
    record: Callable[..., Any], read_numbers: Callable[[Path], Any]
) -> None:
    a = record("a.wav", 2000)
    out = render(operations.gain(a.edit_list, 40), a.sources, a.path.with_stem("out"))

    got = read_numbers(out.path)

    assert got.max() == 32767
    assert got.min() == -32768
    assert np.all(np.sign(got) == np.sign(a.numbers))


def test_a_bleep_is_a_sine_of_1_khz_at_its_level(record: Callable[..., Any]) -> None:
    a = record("a.wav", 8000)
    bleep = EditList((Clip(BLEEP, 0, 4000, gain_db=-20),), 8000, 1)
    edited = operations.silence(a.edit_list, Span(2000, 6000), bleep)

    sound = read_programme(edited, a.sources, Span(2100, 5900)).samples[0]

    spectrum = np.abs(np.fft.rfft(sound[:3200] * np.hanning(3200)))
    assert np.argmax(spectrum) * 8000 / 3200 == 1000
    assert np.abs(sound).max() == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize(
    ("subtype", "output", "expected"),
    [
        ("PCM_16", "o.flac", "PCM_16"),
        ("PCM_24", "o.flac", "PCM_24"),
        ("PCM_32", "o.flac", "PCM_24"),
        ("FLOAT", "o.flac", "PCM_24"),
        ("DOUBLE", "o.flac", "PCM_24"),
        ("PCM_U8", "o.flac", "PCM_16"),
        ("FLOAT", "o.aiff", "FLOAT"),
        ("PCM_24", "o.ogg", "VORBIS"),
        ("PCM_24", "o.mp3", "MPEG_LAYER_III"),
    ],
)
def test_the_output_is_as_deep_as_the_recording_where_it_can_be(
    record: Callable[..., Any], subtype: str, output: str, expected: str
) -> None:
    a = record("a.wav", 4000, subtype=subtype)

    written = render(a.edit_list, a.sources, a.path.with_name(output))

    assert written.subtype == soundfile.info(written.path).subtype == expected


def test_sixteen_bits_survive_the_way_into_another_container(
    record: Callable[..., Any], read_numbers: Callable[[Path], Any]
) -> None:
    a = record("a.wav", 4000)

    deeper = render(a.edit_list, a.sources, a.path.with_name("o.flac"), subtype="PCM_24")

    np.testing.assert_array_equal(read_numbers(deeper.path) >> 16, a.numbers)


def test_an_mp3_of_layer_2_becomes_one_of_layer_3(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "old.mp3"), "w", format="mp2") as container:
        stream = container.add_stream("mp2", rate=44_100, layout="mono")
        noise = np.random.default_rng(0).integers(-3000, 3000, (1, 1152), np.int16)
        for _ in range(50):
            frame = av.AudioFrame.from_ndarray(noise, "s16", "mono")
            frame.sample_rate = 44_100
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file = probe(tmp_path / "old.mp3", tmp_path / "cache")
    assert file.subtype == "MPEG_LAYER_II"
    sources = Sources(tmp_path / "cache")
    sources.add_file("a", file)
    render(EditList.from_file("a", file), sources, tmp_path / "new.mp3")
    new = probe(tmp_path / "new.mp3", tmp_path / "cache")
    assert (new.subtype, new.num_frames) == ("MPEG_LAYER_III", file.num_frames)


def test_tags_are_passed_on(tmp_path: Path, record: Callable[..., Any]) -> None:
    a = record("a.flac", 3000)
    tagged = replace(a.sources.files["a.flac"], tags={"title": "A talk"})
    a.sources.add_file("a.flac", tagged)

    render(a.edit_list, a.sources, tmp_path / "out.flac")
    render(a.edit_list, a.sources, tmp_path / "other.flac", tags={"title": "Another"})

    assert probe(tmp_path / "out.flac").tags["title"] == "A talk"
    assert probe(tmp_path / "other.flac").tags["title"] == "Another"


def test_a_source_is_never_written_over_not_even_by_another_name(
    record: Callable[..., Any], tmp_path: Path
) -> None:
    a = record("a.wav", 1000)
    before = a.path.read_bytes()
    os.link(a.path, tmp_path / "link.wav")

    for path in (a.path, tmp_path / "link.wav", tmp_path / "x" / ".." / "a.wav"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(EditError, match="is a source of this edit"):
            render(a.edit_list, a.sources, path)

    assert a.path.read_bytes() == before


def test_a_render_that_fails_leaves_what_was_there(record: Callable[..., Any]) -> None:
    a = record("a.wav", 300_000)
    out = a.path.with_stem("out")
    out.write_bytes(b"an older take")
    fails = AudioFileError("the disk is on fire")

    def burn(done: float) -> None:
        if done > 0.5:
            raise fails

    with pytest.raises(AudioFileError, match="on fire"):
        render(a.edit_list, a.sources, out, progress=burn)

    assert out.read_bytes() == b"an older take"
    assert sorted(path.name for path in out.parent.iterdir()) == ["a.wav", "out.wav"]


def test_progress_rises_to_one(record: Callable[..., Any]) -> None:
    a = record("a.wav", 1_200_000)
    told: list[float] = []

    render(a.edit_list, a.sources, a.path.with_stem("out"), progress=told.append)

    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 1.0


def test_a_list_made_for_a_longer_recording_is_refused(record: Callable[..., Any]) -> None:
    a = record("a.wav", 1000)
    longer = EditList((Clip("a.wav", 0, 1001),), 8000, 1)

    with pytest.raises(EditError, match="made for another recording"):
        render(longer, a.sources, a.path.with_stem("out"))
    with pytest.raises(EditError, match="cannot end at 1001"):
        read_programme(a.edit_list, a.sources, Span(0, 1001))
    with pytest.raises(EditError, match="empty"):
        render(EditList((), 8000, 1), a.sources, a.path.with_stem("out"))


def test_an_effect_is_heard_in_the_file_and_an_edit_after_it_too(
    record: Callable[..., Any], read_numbers: Callable[[Path], Any]
) -> None:
    a = record("a.wav", 8000)
    slow = operations.apply_effect(a.edit_list, EffectCall("tempo", (("factor", 0.5),)))
    edited = operations.cut(slow, Span(4000, 6000), join=40)
    a.sources.add_list(slow)

    whole = read_numbers(render(slow, a.sources, a.path.with_stem("slow")).path)
    part = read_numbers(render(edited, a.sources, a.path.with_stem("part")).path)

    assert (len(whole), whole.dtype) == (16_000, np.int16)
    np.testing.assert_array_equal(part[:3960], whole[:3960])
    np.testing.assert_array_equal(part[4040:], whole[6040:])


def test_five_hundred_edits_do_not_drift(record: Callable[..., Any]) -> None:
    a = record("a.wav", 200_000)
    spans = [Span(at, at + 13) for at in range(50, 200_000, 400)]

    edited = operations.cut(a.edit_list, *spans, join=5)

    sound = read_programme(edited, a.sources, Span(0, edited.num_frames)).samples[0]
    middles = [at + 13 + 200 for at in range(50, 199_600, 400)]
    for index, frame in enumerate(middles):
        assert sound[frame - 13 * (index + 1)] * 32768 == a.numbers[frame, 0]


# Not the peak that getrusage tells: that one counts the process which started this one, too.
MEASURE = """
import sys
from pathlib import Path
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.operations import cut
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
source, output = map(Path, sys.argv[1:])
sources = Sources(output.parent / "cache")
sources.add_file("a", probe(source))
edit_list = EditList.from_file("a", sources.files["a"])
spans = [Span(at, at + 4000) for at in range(10_000, edit_list.num_frames - 10_000, 50_000)]
render(cut(edit_list, *spans), sources, output)
assert "scipy" not in sys.modules, "an edit without effects waits for scipy"
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to read the peak")
def test_memory_stays_flat_however_long_the_recording(tmp_path: Path) -> None:
    peaks = []
    for minutes in (1, 5):
        path = tmp_path / f"{minutes}.wav"
        block = np.zeros((44_100 * 60, 2), np.int16)
        with soundfile.SoundFile(path, "w", 44_100, 2, "PCM_16") as file:
            for _ in range(minutes):
                file.write(block)
        command = [sys.executable, "-c", MEASURE, str(path), str(tmp_path / "out.wav")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))

    assert max(peaks) < 250, f"peak memory in MiB: {peaks}"
    assert peaks[1] - peaks[0] < 20, f"peak memory in MiB: {peaks}"

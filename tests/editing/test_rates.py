"""Sample rates and bit rates: of recordings that differ, and of what is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qwen_audio_agent.audio.bit_rates import bit_rate_of
from qwen_audio_agent.audio.files import AudioWriter, probe
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.render import read_programme, render


def test_recordings_of_other_rates_and_channels_are_conformed(record: Callable[..., Any]) -> None:
    a = record("a.wav", 8000, sample_rate=8000, num_channels=2)
    b = record("b.wav", 16000, sample_rate=16000, num_channels=1)

    edited = operations.insert(a.edit_list, 8000, b.edit_list)
    a.sources.add_list(b.edit_list)

    assert edited.num_frames == 16000
    sound = read_programme(edited, a.sources, Span(8000, 16000))
    assert sound.samples.shape == (2, 8000)
    np.testing.assert_array_equal(sound.samples[0], sound.samples[1])


def test_half_a_frame_at_another_rate_is_a_frame_of_the_programme(
    record: Callable[..., Any],
) -> None:
    a = record("a.wav", 8000, sample_rate=44_100, num_channels=1)
    b = record("b.wav", 6000, sample_rate=48_000, num_channels=1)  # 5,512.5 frames

    edited = operations.insert(a.edit_list, 8000, b.edit_list)
    a.sources.add_list(b.edit_list)

    assert edited.num_frames == 8000 + 5513
    assert read_programme(edited, a.sources, Span(0, 13_513)).samples.shape == (1, 13_513)


@pytest.mark.parametrize("kbits", [64, 192, 320])
def test_an_edited_mp3_has_the_bit_rate_of_the_recording(
    record: Callable[..., Any], kbits: int
) -> None:
    a = record("a.wav", 8 * 44_100, sample_rate=44_100)
    with AudioWriter(a.path.with_name("b.mp3"), 44_100, 1, bit_rate=1000 * kbits) as writer:
        writer.write(read_programme(a.edit_list, a.sources, Span(0, 8 * 44_100)).samples)
    b = probe(a.path.with_name("b.mp3"))
    a.sources.add_file("b.mp3", b)
    edited = operations.cut(EditList.from_file("b.mp3", b), Span(44_100, 88_200))

    render(edited, a.sources, a.path.with_name("c.mp3"))

    assert bit_rate_of(probe(a.path.with_name("c.mp3"))) == pytest.approx(1000 * kbits, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "num_channels", "kbits"),
    [
        ("m4a", 1, 64),
        ("m4a", 2, 256),
        ("ogg", 1, 64),
        ("ogg", 2, 192),
        ("ogg", 2, 320),
        ("opus", 1, 64),
        ("opus", 2, 160),
    ],
)
def test_another_lossy_file_has_the_bit_rate_of_the_recording_too(
    record: Callable[..., Any], name: str, num_channels: int, kbits: int
) -> None:
    a = record("a.wav", 8 * 48_000, sample_rate=48_000, num_channels=num_channels)
    noise = np.random.default_rng(0).normal(0, 0.1, (num_channels, 8 * 48_000)).astype(np.float32)
    path, result = a.path.with_name(f"b.{name}"), a.path.with_name(f"c.{name}")
    with AudioWriter(path, 48_000, num_channels, bit_rate=1000 * kbits) as writer:
        writer.write(noise)
    file = probe(path)
    assert bit_rate_of(file) == pytest.approx(1000 * kbits, rel=0.08)
    a.sources.add_file("b", file)
    render(operations.cut(EditList.from_file("b", file), Span(0, 48_000)), a.sources, result)

    assert bit_rate_of(probe(result)) == pytest.approx(1000 * kbits, rel=0.08)
    assert result.stat().st_size == pytest.approx(7 / 8 * path.stat().st_size, rel=0.1)


def test_of_another_codec_the_encoder_chooses(record: Callable[..., Any]) -> None:
    a = record("a.wav", 48_000, sample_rate=48_000)
    with AudioWriter(a.path.with_name("b.mp3"), 48_000, 1, bit_rate=320_000) as writer:
        writer.write(read_programme(a.edit_list, a.sources, Span(0, 48_000)).samples)
    file = probe(a.path.with_name("b.mp3"))
    a.sources.add_file("b", file)
    render(EditList.from_file("b", file), a.sources, a.path.with_name("c.ogg"))
    assert bit_rate_of(probe(a.path.with_name("c.ogg"))) < 128_000


def test_a_jingle_of_few_bits_in_front_takes_none_of_the_recording(
    record: Callable[..., Any],
) -> None:
    a = record("a.wav", 4 * 44_100, sample_rate=44_100, num_channels=2)
    sound = read_programme(a.edit_list, a.sources, Span(0, 4 * 44_100)).samples
    programmes = []
    for name, num_channels, kbits in (("jingle.mp3", 1, 32), ("talk.mp3", 2, 256)):
        path = a.path.with_name(name)
        with AudioWriter(path, 44_100, num_channels, bit_rate=1000 * kbits) as writer:
            writer.write(sound[:num_channels])
        a.sources.add_file(name, probe(path))
        programmes.append(EditList.from_file(name, a.sources.files[name]))
    jingle, talk = programmes
    a.sources.add_list(jingle)

    edited = operations.insert(talk, 0, jingle)
    render(edited, a.sources, a.path.with_name("c.mp3"))

    written = bit_rate_of(probe(a.path.with_name("c.mp3")))
    assert written == pytest.approx(256_000, rel=1e-4)

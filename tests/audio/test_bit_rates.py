from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qwen_audio_agent.audio.bit_rates import bit_rate_of
from qwen_audio_agent.audio.files import AudioWriter, probe, read


def write(path: Path, sample_rate: int, bit_rate: int | None) -> Path:
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 4 * sample_rate)).astype(np.float32)
    with AudioWriter(path, sample_rate, 1, bit_rate=bit_rate) as writer:
        writer.write(noise)
    return path


@pytest.mark.parametrize(
    ("sample_rate", "asked", "written"),
    [
        (44_100, 128_000, 128_000),
        (44_100, 130_000, 128_000),  # a variable rate that was meant to be this
        (44_100, 135_000, 160_000),
        (48_000, 999_000, 320_000),
        (32_000, 1_000, 32_000),
        (24_000, 64_000, 64_000),
        (22_050, 320_000, 160_000),
        (16_000, 8_000, 16_000),  # less has no room for the sound of two channels
        (11_025, 48_000, 48_000),
        (8_000, 160_000, 64_000),
    ],
)
def test_an_mp3_has_the_lowest_rate_that_is_enough(
    tmp_path: Path, sample_rate: int, asked: int, written: int
) -> None:
    path = write(tmp_path / "a.mp3", sample_rate, asked)
    assert bit_rate_of(probe(path)) == pytest.approx(written, rel=1e-4)
    assert 8 * path.stat().st_size / probe(path).duration == pytest.approx(written, rel=0.08)


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000,
                                         44_100, 48_000])  # fmt: skip
@pytest.mark.parametrize("bit_rate", [8_000, 56_000, 96_000, 320_000])
def test_each_rate_keeps_the_length_and_the_beginning(
    tmp_path: Path, sample_rate: int, num_channels: int, bit_rate: int
) -> None:
    sound = np.zeros((num_channels, sample_rate), np.float32)
    sound[:, sample_rate // 2] = 0.9
    with AudioWriter(tmp_path / "a.mp3", sample_rate, num_channels, bit_rate=bit_rate) as writer:
        writer.write(sound)
    found = read(probe(tmp_path / "a.mp3", tmp_path / "cache"))
    assert found.num_frames == sample_rate
    assert abs(int(np.argmax(np.abs(found.samples[0]))) - sample_rate // 2) <= 1


@pytest.mark.parametrize("bit_rate", [None, 64_000, 128_000, 160_000, 192_000, 224_000, 320_000])
def test_the_level_stays_what_it_was(tmp_path: Path, bit_rate: int | None) -> None:
    time = np.arange(4 * 44_100) / 44_100
    tone = (0.5 * np.sin(2 * np.pi * 440 * time) * np.sin(2 * np.pi * 3 * time)).astype(np.float32)
    with AudioWriter(tmp_path / "a.mp3", 44_100, 1, bit_rate=bit_rate) as writer:
        writer.write(tone[None])
    found = read(probe(tmp_path / "a.mp3", tmp_path / "cache")).samples[0]
    assert float(found @ tone) / float(tone @ tone) == pytest.approx(1, abs=0.005)


def test_without_a_header_the_rate_is_that_of_all_of_it(
    tmp_path: Path, rising_tone, write_mp3
) -> None:
    path = write_mp3(rising_tone(20, 44_100), 44_100, header=False)
    whole = 8 * path.stat().st_size / 20
    assert bit_rate_of(probe(path)) == pytest.approx(whole, rel=0.01)


def test_other_files_have_none(tmp_path: Path) -> None:
    assert bit_rate_of(probe(write(tmp_path / "a.wav", 8_000, None))) is None


@pytest.mark.parametrize("name", ["a.m4a", "a.ogg", "a.opus"])
@pytest.mark.parametrize("bit_rate", [1, 1000, 10_000_000])
@pytest.mark.parametrize("sample_rate", [8_000, 48_000])
def test_a_rate_that_a_codec_does_not_have_becomes_the_nearest(
    tmp_path: Path, name: str, bit_rate: int, sample_rate: int
) -> None:
    path = write(tmp_path / name, sample_rate, bit_rate)
    assert probe(path).duration == pytest.approx(4.0, abs=0.05)
    assert 2_000 < (bit_rate_of(probe(path)) or 0) < 300_000

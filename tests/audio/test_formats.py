from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.audio.formats import (
    container_for,
    from_float,
    native_dtype,
    shown,
    to_dtype,
    to_float32,
    usual_subtype,
)
from qwen_audio_agent.errors import AudioFileError


def test_every_16_bit_number_survives_the_way_through_float32():
    numbers = np.arange(-(2**15), 2**15).astype(np.int16)[None]
    assert np.array_equal(from_float(to_float32(numbers), 16), numbers)


@given(st.lists(st.integers(-(2**23), 2**23 - 1), min_size=1))
def test_24_bit_numbers_survive_the_way_through_float32(values: list[int]):
    numbers = np.array([values], np.int32) << 8
    assert np.array_equal(from_float(to_float32(numbers), 24), numbers)


def test_full_scale_is_one_below_zero_and_almost_one_above():
    assert to_float32(np.array([[-(2**15), 2**15 - 1]], np.int16)).tolist() == [[-1, 1 - 2**-15]]


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_what_is_beyond_full_scale_is_clipped_and_does_not_wrap(bits: int):
    clipped = from_float(np.array([[1.0, 1.5, -1.5]], np.float32), bits)
    unit = 2 ** (8 * clipped.itemsize - bits)
    assert clipped.tolist() == [[(2 ** (bits - 1) - 1) * unit] * 2 + [-(2 ** (bits - 1)) * unit]]


def test_floats_are_rounded_to_the_nearest_number():
    assert from_float(np.array([[0.6, -0.6, 0.4]]) / 2**15, 16).tolist() == [[1, -1, 0]]


@pytest.mark.parametrize(
    ("given_dtype", "subtype", "expected"),
    [
        (np.int16, "PCM_24", np.int32),
        (np.int16, "FLOAT", np.float32),
        (np.int32, "PCM_16", np.int16),
        (np.float64, "FLOAT", np.float32),
        (np.float32, "DOUBLE", np.float64),
        (np.float64, "PCM_32", np.int32),
    ],
)
def test_half_scale_stays_half_scale_in_every_type(given_dtype, subtype: str, expected):
    half = {"i": 2 ** (8 * np.dtype(given_dtype).itemsize - 2), "f": 0.5}
    numbers = to_dtype(np.full((1, 2), half[np.dtype(given_dtype).kind], given_dtype), subtype)
    assert numbers.dtype == expected == native_dtype(subtype)
    assert np.all(to_float32(numbers) == 0.5)


def test_numbers_of_the_files_own_type_are_not_copied():
    numbers = np.ones((2, 3), np.int16)
    assert to_dtype(numbers, "PCM_16") is numbers


def test_what_is_no_sound_is_not_written():
    with pytest.raises(ValueError, match="finite"):
        to_dtype(np.array([[np.nan]], np.float32), "PCM_16")
    with pytest.raises(ValueError, match="int64"):
        to_dtype(np.array([[1]], np.int64), "PCM_16")


def test_the_suffix_says_the_container_and_the_usual_coding():
    assert [container_for(Path(name)) for name in ("a.WAV", "b.opus", "c.m4a")] == [
        "WAV",
        "OGG",
        "MP4",
    ]
    assert usual_subtype(Path("b.opus"), "OGG") == "OPUS"
    assert usual_subtype(Path("b.ogg"), "OGG") == "VORBIS"
    assert usual_subtype(Path("odd"), "FLAC") == "PCM_16"
    with pytest.raises(AudioFileError, match=r"end its name in one of \.wav"):
        container_for(Path("sound"))


def test_a_name_is_shown_on_one_line_with_its_letters():
    assert shown(Path("a\n采访 1.wav")) == "'a\\n采访 1.wav'"

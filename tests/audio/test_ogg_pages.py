"""Ogg files of equal sound are equal bytes, and stay Ogg files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import AudioWriter
from qwen_audio_agent.audio.ogg_pages import number_by_content


def write(path: Path, seed: int, *, num_channels: int = 1, rate: int = 48_000) -> bytes:
    noise = np.random.default_rng(seed).normal(0, 0.1, (num_channels, 5 * rate)).astype(np.float32)
    with AudioWriter(path, rate, num_channels, tags={"title": "Noise"}) as writer:
        writer.write(noise)
    return path.read_bytes()


def checksum(page: bytes) -> int:
    """Bit by bit, straight from RFC 3533."""
    remainder = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = remainder << 1 ^ (0x104C11DB7 if remainder >> 31 else 0)
    return remainder


def pages(data: bytes) -> list[bytes]:
    found = []
    while data:
        assert data[:4] == b"OggS"
        size = 27 + data[26] + sum(data[27 : 27 + data[26]])
        found.append(data[:size])
        data = data[size:]
    return found


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_equal_sound_is_equal_bytes(tmp_path: Path, suffix: str, num_channels: int) -> None:
    first = write(tmp_path / f"a{suffix}", 0, num_channels=num_channels)
    assert write(tmp_path / f"b{suffix}", 0, num_channels=num_channels) == first
    other = write(tmp_path / f"c{suffix}", 1, num_channels=num_channels)
    assert pages(other)[0][14:18] != pages(first)[0][14:18]


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_every_checksum_is_right_and_the_sound_is_that_of_libsndfile(
    tmp_path: Path, suffix: str
) -> None:
    data = write(tmp_path / f"a{suffix}", 0)
    for page in pages(data):
        assert int.from_bytes(page[22:26], "little") == checksum(page)
    assert len({page[14:18] for page in pages(data)}) == 1
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 240_000)).astype(np.float32)
    subtype = "OPUS" if suffix == ".opus" else "VORBIS"
    with soundfile.SoundFile(tmp_path / "b.ogg", "w", 48_000, 1, subtype, format="OGG") as plain:
        for start in range(0, 240_000, 65_536):
            plain.write(noise[0, start : start + 65_536])
    ours, theirs = (soundfile.read(tmp_path / name)[0] for name in (f"a{suffix}", "b.ogg"))
    np.testing.assert_array_equal(ours, theirs)


def test_what_is_no_ogg_file_of_one_stream_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Ogg page at byte 0"):
        number_by_content(io.BytesIO(b"not Ogg"))
    with pytest.raises(ValueError, match="is cut off"):
        number_by_content(io.BytesIO(write(tmp_path / "b.ogg", 0)[:-1]))
    both = write(tmp_path / "b.ogg", 0) + write(tmp_path / "c.ogg", 1)
    file = io.BytesIO(both)
    with pytest.raises(ValueError, match="of one stream is needed, not of 2"):
        number_by_content(file)
    assert file.getvalue() == both

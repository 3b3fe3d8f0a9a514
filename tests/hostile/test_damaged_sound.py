"""Whatever is in a sound file, it is refused in one line or read within limits; no crash."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.errors import AudioFileError

CHILD = Path(__file__).with_name("damaged_sound.py")
BATCH = 250
SEED = 2024


def read_damaged(seeds: Path, work: Path, first: int, count: int) -> Counter[str]:
    """Let a child process damage and read files; how many were read, and how many refused."""
    command = [sys.executable, CHILD, seeds, work, str(first), str(count)]
    done = subprocess.run(command, capture_output=True, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b'{"file"')]
    assert done.returncode == 0, (
        f"ended with {done.returncode} at {told[-1:]}: {done.stderr[-999:]}"
    )
    became = {line["file"]: line["became"] for line in told if "became" in line}
    wrong = {file: what for file, what in became.items() if what[:5] not in ("read:", "refus")}
    assert not wrong
    assert len(became) == count
    return Counter(what.partition(":")[0] for what in became.values())


def test_300_damaged_files_are_read_or_refused(seeds, tmp_path):
    counts = read_damaged(seeds, tmp_path, SEED, 300)
    assert min(counts["read"], counts["refused"]) > 60, counts


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(10_000 // BATCH))
def test_10_000_damaged_files_are_read_or_refused(seeds, tmp_path, batch):
    read_damaged(seeds, tmp_path, 100_000 + batch * BATCH, BATCH)


def test_intact_files_of_every_kind_are_read_by_the_same_child(seeds, tmp_path):
    for path in seeds.iterdir():
        file = probe(path, tmp_path)
        assert read(file).num_frames == file.num_frames
        assert file.duration == pytest.approx(0.3, abs=0.1), path.name


@pytest.mark.parametrize(
    ("name", "codec", "sample_format"), [("a.m4a", "aac", "fltp"), ("a.flv", "aac", "fltp")]
)
def test_a_tag_that_is_no_text_is_read_as_far_as_it_is(
    tmp_path, encode, name: str, codec: str, sample_format: str
):
    path = encode(tmp_path / name, codec, sample_format, title="WXYZ")
    content = path.read_bytes()
    assert b"WXYZ" in content
    path.write_bytes(content.replace(b"WXYZ", b"W\xfe\xf0Z"))
    file = probe(path, tmp_path / "cache")
    assert file.tags["title"] == "W\ufffd\ufffdZ"
    assert read(file).num_frames > 12_000


def test_a_packet_of_a_track_that_nobody_announced_ends_the_sound(tmp_path, encode):
    path = encode(tmp_path / "a.ts", "mp2", "s16")
    content = bytearray(path.read_bytes())
    assert content[188 * 70] == 0x47
    content[188 * 70 + 2] ^= 0x40  # the number of the track that packet 70 belongs to
    path.write_bytes(content)
    assert 8_000 < probe(path, tmp_path / "cache").num_frames < 14_400


def test_an_mp3_without_sound_behind_its_header_is_refused(tmp_path, seeds):
    content = bytearray((seeds / "stereo.mp3").read_bytes())
    content[0], content[90] = 0xEC, 0xC4  # found by changing bytes at random
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match="cannot be read as sound"):
        probe(path, tmp_path / "cache")


@pytest.mark.parametrize("value", [1e300, -1e39, 5e9, float("inf"), float("nan")])
def test_a_number_that_is_no_sound_is_refused_with_its_place(tmp_path, value: float):
    samples = np.zeros((2, 8_000))
    samples[1, 6_000] = value
    path = tmp_path / "a.wav"
    soundfile.write(path, samples.T, 16_000, subtype="DOUBLE")
    file = probe(path)
    with pytest.raises(AudioFileError, match=r"at frame 6000 \(0\.375 s\), which is no sound"):
        read(file)


def test_a_length_of_ten_hours_or_four_gigabytes_is_not_believed(tmp_path, seeds):
    """The length fields of each header, one by one, by name."""
    claims = {
        "mono.wav": [(40, 0xFFFFFFF0, "little"), (4, 0xFFFFFFF0, "little")],
        "large.wav": [(28, 0xFFFFFFFF, "little")],
        "stereo.flac": [(21, 0xF0FFFFFF, "big")],
        "stereo.aiff": [(22, 0x7FFFFFFF, "big"), (42, 0x7FFFFFFF, "big")],
        "mono.au": [(8, 0x7FFFFFFF, "big")],
        "mono.w64": [(104, 0x7FFFFFFF, "little")],
    }
    for name, fields in claims.items():
        intact = probe(seeds / name).num_frames
        for at, claim, order in fields:
            content = bytearray((seeds / name).read_bytes())
            content[at : at + 4] = claim.to_bytes(4, order)
            path = tmp_path / f"{at}-{name}"
            path.write_bytes(content)
            try:
                num_frames = read(probe(path)).num_frames
            except AudioFileError:
                continue
            assert num_frames <= intact, (name, at)

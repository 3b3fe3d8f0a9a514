import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import (
    AudioWriter,
    blocks,
    content_hash,
    open_reader,
    probe,
    read,
    same_file,
)
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.errors import AudioFileError


def write(path: Path, samples, sample_rate: int = 16_000, **how) -> Path:
    soundfile.write(path, samples.T, sample_rate, **how)
    return path


@pytest.mark.parametrize(
    ("name", "sample_rate", "num_channels"),
    [
        ("telephone.wav", 8_000, 1),
        ("studio.flac", 96_000, 2),
        ("surround.wav", 48_000, 6),
        ("a name with spaces.wav", 16_000, 1),
        ("第一次采访.flac", 16_000, 1),
        ("two\nlines.wav", 16_000, 1),
    ],
)
def test_a_recording_is_what_its_header_says(
    tmp_path, rising_tone, name: str, sample_rate: int, num_channels: int
):
    samples = rising_tone(0.5, sample_rate, num_channels)
    path = write(tmp_path / name, samples, sample_rate)
    file = probe(path)
    assert (file.path, file.sample_rate, file.num_channels) == (path, sample_rate, num_channels)
    assert file.num_frames == samples.shape[1]
    assert file.duration == pytest.approx(0.5)
    assert file.subtype == "PCM_16"
    assert file.dtype == np.int16
    assert np.abs(read(file).samples - samples).max() < 2**-15


def test_any_span_in_any_order_is_the_same_as_in_the_whole(tmp_path, rising_tone):
    file = probe(write(tmp_path / "a.flac", rising_tone(3, num_channels=2)))
    whole = read(file).samples
    with open_reader(file) as reader:
        for start, end in [(40_000, 48_000), (0, 10), (17, 17), (10, 20), (20, 4_000), (1, 48_000)]:
            assert np.array_equal(reader.read(Span(start, end)), whole[:, start:end])


def test_blocks_join_to_the_span_without_gap_or_overlap(tmp_path, rising_tone):
    file = probe(write(tmp_path / "a.wav", rising_tone(1)))
    span = Span(123, 15_001)
    parts = [block.samples for block in blocks(file, span, block_frames=1000)]
    assert [part.shape[1] for part in parts] == [1000] * 14 + [878]
    assert np.array_equal(np.concatenate(parts, axis=1), read(file, span).samples)


def test_a_span_outside_the_recording_is_a_wrong_call(tmp_path, rising_tone):
    file = probe(write(tmp_path / "a.wav", rising_tone(0.1)))
    with open_reader(file) as reader:
        with pytest.raises(ValueError, match="1600 frames"):
            reader.read(Span(0, 1601))
        with pytest.raises(ValueError, match="int16"):
            reader.read(Span(0, 10), np.dtype(np.int32))


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [
        (".wav", "PCM_U8"),
        (".wav", "PCM_16"),
        (".wav", "PCM_24"),
        (".wav", "PCM_32"),
        (".wav", "FLOAT"),
        (".wav", "DOUBLE"),
        (".flac", "PCM_S8"),
        (".flac", "PCM_16"),
        (".flac", "PCM_24"),
        (".aiff", "PCM_24"),
        (".caf", "ALAC_24"),
    ],
)
def test_an_unedited_file_comes_back_bit_for_bit(tmp_path, suffix: str, subtype: str):
    noise = np.random.default_rng(1).uniform(-1.0, 1.0, (2, 100_000))
    noise[:, :2] = -1.0, 1 - 2**-31
    if subtype in ("FLOAT", "DOUBLE"):
        noise *= 1.5  # floats may go beyond full scale
    source = probe(write(tmp_path / f"in{suffix}", noise, subtype=subtype))
    for dtype in (source.dtype, None):
        if dtype is None and subtype in ("PCM_32", "DOUBLE"):
            continue  # more than float32 can hold
        target = tmp_path / f"out{suffix}"
        with (
            open_reader(source) as reader,
            AudioWriter(target, 16_000, 2, source.container, source.subtype) as writer,
        ):
            for start in range(0, source.num_frames, 30_000):
                span = Span(start, min(start + 30_000, source.num_frames))
                writer.write(reader.read(span, dtype))
        before, _ = soundfile.read(source.path, dtype=source.dtype.name)
        after, _ = soundfile.read(target, dtype=source.dtype.name)
        assert len(np.unique(before)) > 200
        assert np.array_equal(after, before)
        assert probe(target).subtype == subtype


def test_tags_are_read(tmp_path, rising_tone):
    path = tmp_path / "a.flac"
    tags = {"title": "Hé 采访", "artist": "me", "software": "Recorder"}
    with AudioWriter(path, 16_000, 1, tags=tags) as writer:
        writer.write(rising_tone(0.1))
    assert probe(path).tags == tags


def test_a_sample_that_is_not_a_number_is_refused_with_its_place(tmp_path):
    samples = np.zeros((2, 8_000), np.float32)
    samples[1, 6_000] = np.nan
    file = probe(write(tmp_path / "a.wav", samples, subtype="FLOAT"))
    assert not read(file, Span(0, 6_000)).samples.any()
    for dtype in (None, file.dtype):
        with (
            open_reader(file) as reader,
            pytest.raises(AudioFileError, match=r"frame 6000 \(0\.375 s\)"),
        ):
            reader.read(Span(4_000, 8_000), dtype)
    samples[0, 10] = -np.inf
    file = probe(write(tmp_path / "b.wav", samples, subtype="FLOAT"))
    with pytest.raises(AudioFileError, match="frame 10 "):
        list(blocks(file))


def odd_paths(folder: Path) -> dict[str, tuple[Path, str]]:
    text = folder / "text.wav"
    text.write_text("This is not sound.\n" * 100)
    (folder / "empty.wav").write_bytes(b"")
    write(folder / "no frames.wav", np.zeros((1, 0)))
    os.mkfifo(folder / "pipe.wav")
    return {
        "text": (text, "cannot be read as sound"),
        "empty": (folder / "empty.wav", "empty (0 bytes)"),
        "no frames": (folder / "no frames.wav", "holds no sound"),
        "pipe": (folder / "pipe.wav", "a device or a pipe"),
        "device": (Path("/dev/zero"), "a device or a pipe"),
        "folder": (folder, "is a folder"),
        "missing": (folder / "miss\ning.wav", "there is no file"),
        "inside a file": (text / "a.wav", "cannot be read: Not a directory"),
        "too long": (folder / ("x" * 300), "File name too long"),
        "no name": (Path("a\0b"), "no file name"),
    }


def test_what_is_no_recording_is_refused_in_one_clear_line(tmp_path):
    for what, (path, message) in odd_paths(tmp_path).items():
        with pytest.raises(AudioFileError) as caught:
            probe(path)
        assert message in str(caught.value), what
        assert "\n" not in str(caught.value), what


@pytest.mark.parametrize("name", ["notes.mp3", "notes.wav", "notes.m4a"])
def test_of_a_text_it_is_said_that_it_is_no_sound_and_nothing_else(
    tmp_path, capfd: pytest.CaptureFixture[str], name: str
):
    (tmp_path / name).write_text("<h1>Notes on Zoë and 采访</h1>\n" * 40, "utf-8")
    with pytest.raises(AudioFileError, match="cannot be read as sound") as caught:
        probe(tmp_path / name)
    assert "does not exist" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_of_bytes_called_mp3_it_is_said_that_they_are_no_sound(tmp_path):
    (tmp_path / "a.mp3").write_bytes(bytes(range(200)) * 40)
    with pytest.raises(AudioFileError, match="what is in it is no sound"):
        probe(tmp_path / "a.mp3")


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.flac"])
def test_of_a_file_that_is_cut_off_it_is_said_how_much_is_there(tmp_path, rising_tone, name: str):
    path = write(tmp_path / name, rising_tone(3.0))
    assert probe(path).notes == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    file = probe(path)
    assert file.num_frames < 2 * 16_000
    assert file.notes == (f"it is cut off: {file.duration:.1f} s of 3.0 s are there",)


def test_a_wav_from_a_pipe_whose_size_nobody_knew_is_whole(tmp_path, rising_tone):
    path = write(tmp_path / "a.wav", rising_tone(3.0))
    whole = path.read_bytes()
    at = whole.index(b"data") + 4
    for size in (0x7FFF_FFFF, 0xFFFF_FFFF):
        path.write_bytes(whole[:at] + size.to_bytes(4, "little") + whole[at + 4 :])
        file = probe(path)
        assert (file.num_frames, file.notes) == (3 * 16_000, ())


def test_a_file_that_may_not_be_read_is_refused(tmp_path, rising_tone):
    path = write(tmp_path / "a.wav", rising_tone(0.1))
    path.chmod(0)
    script = (
        "import os, sys, pathlib\n"
        "from qwen_audio_agent.audio.files import probe\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # root may read all, so ask as nobody
        "probe(pathlib.Path(sys.argv[1]))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "AudioFileError: " in result.stderr
    assert "cannot be read: Permission denied" in result.stderr


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_16"), ("wav", "FLOAT")])
def test_a_header_that_claims_more_than_there_is_is_not_believed(
    tmp_path, rising_tone, suffix: str, subtype: str
):
    path = write(tmp_path / f"a.{suffix}", rising_tone(1), subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    file = probe(path)
    assert 7_000 < file.num_frames < 8_000
    assert read(file).num_frames == file.num_frames


def test_of_a_flac_file_that_was_cut_off_what_is_left_is_read(tmp_path, rising_tone):
    samples = rising_tone(10)
    path = write(tmp_path / "a.flac", samples)
    path.write_bytes(path.read_bytes()[:-40_000])
    file = probe(path)
    assert 0 < file.num_frames < samples.shape[1]
    assert np.abs(read(file).samples - samples[:, : file.num_frames]).max() < 2**-15


def test_a_wav_header_with_absurd_numbers_reserves_no_memory(tmp_path, rising_tone):
    content = bytearray(write(tmp_path / "a.wav", rising_tone(1)).read_bytes())
    content[40:44] = (2**32 - 1).to_bytes(4, "little")  # size of the sound
    (tmp_path / "long.wav").write_bytes(content)
    assert probe(tmp_path / "long.wav").num_frames == 16_000
    content[24:28] = (2**30).to_bytes(4, "little")  # sample rate
    (tmp_path / "fast.wav").write_bytes(content)
    with pytest.raises(AudioFileError, match="4000 to 768000 Hz"):
        probe(tmp_path / "fast.wav")
    wide = write(tmp_path / "wide.wav", np.zeros((100, 10)))
    with pytest.raises(AudioFileError, match="100 channels; 1 to 64"):
        probe(wide)


def test_a_file_that_changed_since_it_was_opened_is_noticed(tmp_path, rising_tone):
    file = probe(write(tmp_path / "a.wav", rising_tone(1)))
    write(tmp_path / "a.wav", rising_tone(0.5))
    with pytest.raises(AudioFileError, match="damaged or has changed"):
        read(file)
    write(tmp_path / "a.wav", rising_tone(1, num_channels=2))
    with pytest.raises(AudioFileError, match="not the recording that it was"):
        read(file)


def test_a_dash_is_a_file_and_not_standard_input(tmp_path, rising_tone, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "-.wav", rising_tone(0.1)).rename(tmp_path / "-")
    assert probe(Path("-")).num_frames == 1600


def test_the_hash_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert content_hash(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(AudioFileError, match="there is no file"):
        content_hash(tmp_path / "b")


def test_links_to_a_file_are_the_same_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "b").write_bytes(b"abc")
    assert same_file(path, tmp_path / "link")
    assert same_file(path, tmp_path / "no such folder" / ".." / "a")  # as it is written
    assert not same_file(path, tmp_path / "b")
    assert not same_file(path, tmp_path / "missing")

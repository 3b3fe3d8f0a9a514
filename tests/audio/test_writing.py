import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import AudioWriter, probe, read
from qwen_audio_agent.audio.formats import SUFFIXES, Coding, container_for, usual_subtype
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.errors import AudioFileError


@pytest.mark.parametrize(
    ("name", "subtype", "container"),
    [
        ("a.wav", None, "WAV"),
        ("a.wav", "PCM_24", "WAV"),
        ("a.wav", "PCM_32", "WAV"),
        ("a.wav", "FLOAT", "WAV"),
        ("a.flac", None, "FLAC"),
        ("a.flac", "PCM_24", "FLAC"),
        ("a.ogg", None, "OGG"),
        ("a.opus", None, "OGG"),
        ("a.mp3", None, "MP3"),
        ("采访 one.AIFF", None, "AIFF"),
    ],
)
def test_sound_written_in_blocks_is_the_sound_read(
    tmp_path, rising_tone, name: str, subtype: str | None, container: str
):
    samples = rising_tone(2, 48_000, 2)
    with AudioWriter(tmp_path / name, 48_000, 2, subtype=subtype) as writer:
        for start in range(0, samples.shape[1], 7_001):
            writer.write(samples[:, start : start + 7_001])
    file = probe(tmp_path / name)
    assert (file.container, file.sample_rate, file.num_channels) == (container, 48_000, 2)
    assert file.subtype == subtype or subtype is None
    assert file.num_frames == samples.shape[1]
    difference = read(file).samples - samples
    # The noise in the sound is what a lossy codec leaves out.
    assert np.sqrt(np.mean(difference**2)) < 0.15 * np.sqrt(np.mean(samples**2))


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_minutes_in_one_block_do_not_crash_the_encoder(tmp_path, suffix: str):
    """libsndfile overruns its stack when Vorbis or Opus get a long block at once."""
    path = tmp_path / f"a{suffix}"
    with AudioWriter(path, 16_000, 1) as writer:
        writer.write(np.zeros((1, 16_000 * 120), np.float32))
    assert soundfile.info(path).frames == 16_000 * 120


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_16"), ("a.wav", "FLOAT"), ("a.aiff", "FLOAT"), ("a.flac", None)],
)
def test_equal_sound_makes_equal_bytes_at_any_time(
    tmp_path, rising_tone, name: str, subtype: str | None
):
    written = []
    for _ in range(2):
        with AudioWriter(tmp_path / name, 16_000, 1, subtype=subtype, tags={"title": "t"}) as file:
            file.write(rising_tone(0.2))
        content = (tmp_path / name).read_bytes()
        written.append(content)
        at = content.find(b"PEAK")
        assert at < 0 or content[at + 12 : at + 16] == bytes(4)
    assert written[0] == written[1]


def test_the_file_appears_only_when_it_is_complete(tmp_path, rising_tone):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    with AudioWriter(path, 16_000, 1) as writer:
        writer.write(rising_tone(1))
        assert path.read_bytes() == b"old"
    assert soundfile.info(path).frames == 16_000
    assert [item.name for item in tmp_path.iterdir()] == ["a.wav"]


def test_an_exception_leaves_what_was_there_and_nothing_else(tmp_path, rising_tone):
    path = tmp_path / "a.flac"
    path.write_bytes(b"old")
    writer = AudioWriter(path, 16_000, 1)

    def interrupted() -> None:
        with writer:
            writer.write(rising_tone(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.flac"]


def test_no_sound_is_no_file(tmp_path):
    with (
        pytest.raises(AudioFileError, match="there is no sound to write"),
        AudioWriter(tmp_path / "a.wav", 16_000, 1),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "mp3", "ogg", "m4a"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, suffix: str):
    if suffix == "m4a":
        pytest.importorskip("av")
    script = (
        "import pathlib, resource, sys\n"
        "import numpy as np\n"
        "from qwen_audio_agent.audio.files import AudioWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "with AudioWriter(pathlib.Path(sys.argv[1]), 48_000, 1) as writer:\n"
        "    for seed in range(20):\n"
        "        noise = np.random.default_rng(seed).uniform(-1, 1, (1, 20_000))\n"
        "        writer.write(noise)\n"
    )
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"old")
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "DiskError: " in result.stderr
    assert "cannot be written" in result.stderr
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "sample_rate", "num_channels", "message"),
    [
        ("a.opus", 44_100, 1, "48 kHz"),
        ("a.mp3", 96_000, 1, "8 to 48 kHz"),
        ("a.mp3", 44_100, 6, "6 channels"),
        ("a.flac", 44_100, 12, "12 channels"),
        ("missing/a.wav", 44_100, 1, "No such file or directory"),
        ("missing/../a.wav", 44_100, 1, "No such file or directory"),
        ("a.wav/b.wav", 44_100, 1, "Not a directory"),
    ],
)
def test_what_a_format_or_folder_does_not_take_is_refused_at_once(
    tmp_path, name: str, sample_rate: int, num_channels: int, message: str
):
    (tmp_path / "a.wav").write_bytes(b"old")
    with pytest.raises(AudioFileError, match=message) as caught:
        AudioWriter(tmp_path / name, sample_rate, num_channels).__enter__()
    assert "\n" not in str(caught.value)
    assert [item.name for item in tmp_path.iterdir()] == ["a.wav"]


def test_an_unknown_suffix_or_coding_is_refused(tmp_path):
    with pytest.raises(AudioFileError, match=r"one of \.wav"):
        AudioWriter(tmp_path / "a.xyz", 16_000, 1)
    with pytest.raises(AudioFileError, match="FLAC files do not hold FLOAT, but PCM_S8, PCM_16"):
        AudioWriter(tmp_path / "a.flac", 16_000, 1, subtype="FLOAT").__enter__()
    with pytest.raises(AudioFileError, match="XYZ files cannot be written"):
        AudioWriter(tmp_path / "a.flac", 16_000, 1, container="XYZ").__enter__()


def test_a_folder_or_a_device_is_not_replaced(tmp_path):
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    for name in ("folder.wav", "pipe.wav"):
        with pytest.raises(AudioFileError, match="is not a file"):
            AudioWriter(tmp_path / name, 16_000, 1).__enter__()
        with pytest.raises(AudioFileError, match="is not a file"):
            check_output(tmp_path / name)


def test_through_a_link_the_file_behind_it_is_written(tmp_path, rising_tone):
    (tmp_path / "real").mkdir()
    (tmp_path / "a.wav").symlink_to(tmp_path / "real" / "b.wav")
    with AudioWriter(tmp_path / "a.wav", 16_000, 1) as writer:
        writer.write(rising_tone(0.1))
    assert (tmp_path / "a.wav").is_symlink()
    assert probe(tmp_path / "real" / "b.wav").num_frames == 1600


def test_blocks_of_another_shape_or_with_no_sound_are_a_wrong_call(tmp_path):
    writer = AudioWriter(tmp_path / "a.wav", 16_000, 2)
    with pytest.raises(ValueError, match=r"\(2, frames\), not \(1, 5\)"), writer:
        writer.write(np.zeros((1, 5), np.float32))
    with pytest.raises(ValueError, match="finite"), writer:
        writer.write(np.full((2, 5), np.inf, np.float32))
    assert not list(tmp_path.iterdir())


def test_an_output_can_be_checked_before_the_work_without_a_trace(tmp_path):
    check_output(tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())
    for name, message in [("a.xyz", "end its name"), ("no/a.wav", "No such file"), ("", "name")]:
        with pytest.raises(AudioFileError, match=message):
            check_output(tmp_path / name)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_what_a_format_holds_can_be_asked_before_the_work_without_a_trace(tmp_path, suffix: str):
    path = tmp_path / f"a{suffix}"
    subtype = usual_subtype(path, container_for(path))
    coding = Coding(container_for(path), subtype, 48_000, 2)
    check_output(path, coding)
    if suffix in (".opus", ".mp3", ".m4a", ".mp4"):
        with pytest.raises(AudioFileError, match="5000 Hz"):
            check_output(path, replace(coding, sample_rate=5_000))
    if suffix in (".mp3", ".flac", ".m4a", ".mp4"):
        with pytest.raises(AudioFileError, match=r"12 channels|not 12"):
            check_output(path, replace(coding, num_channels=12))
    assert not list(tmp_path.iterdir())


def test_what_a_killed_writer_left_is_removed_by_the_next_but_not_what_is_in_use(
    tmp_path, rising_tone
):
    killed = (
        "import os, signal, sys, numpy; from pathlib import Path\n"
        "from qwen_audio_agent.audio.files import AudioWriter\n"
        "with AudioWriter(Path(sys.argv[1]), 8000, 1) as writer:\n"
        "    writer.write(numpy.zeros((1, 8000), 'float32'))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", killed, str(tmp_path / "killed.wav")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    tone = rising_tone(1, 8_000, 1)
    with AudioWriter(tmp_path / "a.wav", 8_000, 1) as outer:
        outer.write(tone)
        with AudioWriter(tmp_path / "b.wav", 8_000, 1) as inner:
            inner.write(tone)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"]

import subprocess
import sys

import numpy as np
import pytest

from qwen_audio_agent.audio.files import AudioWriter, open_reader, probe, read
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.errors import AudioFileError

av = pytest.importorskip("av", reason="needs the media extra (PyAV)")


def encode(path, samples, sample_rate: int, codec: str, sample_format: str):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sample_rate, layout="mono")
        stream.format = sample_format
        for start in range(0, samples.shape[1], 960):
            block = np.ascontiguousarray(samples[:, start : start + 960])
            frame = av.AudioFrame.from_ndarray(block, sample_format, "mono")
            frame.sample_rate, frame.pts = sample_rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def delay(heard, original) -> int:
    size = 1 << (heard.shape[1] + original.shape[1]).bit_length()
    spectrum = np.fft.rfft(heard[0], size) * np.conj(np.fft.rfft(original[0], size))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    return lag if lag < size // 2 else lag - size


@pytest.mark.parametrize("suffix", [".m4a", ".mp4"])
@pytest.mark.parametrize("sample_rate", [16_000, 44_100])
def test_an_m4a_round_trip_keeps_length_times_and_tags(
    tmp_path, rising_tone, suffix: str, sample_rate: int
):
    samples = rising_tone(3.21, sample_rate, 2)
    tags = {"title": "Hé 采访", "artist": "me", "tracknumber": "3"}
    path = tmp_path / f"a{suffix}"
    with AudioWriter(path, sample_rate, 2, tags=tags) as writer:
        for start in range(0, samples.shape[1], 5_000):
            writer.write(samples[:, start : start + 5_000])
    file = probe(path, tmp_path / "cache")
    assert (file.container, file.subtype, file.tags) == ("MP4", "AAC", tags)
    assert file.num_frames == samples.shape[1]
    heard = read(file).samples
    assert delay(heard, samples) == 0
    assert np.sqrt(np.mean((heard - samples) ** 2)) < 0.1


def test_webm_keeps_length_and_times(tmp_path, rising_tone):
    samples = rising_tone(2, 48_000)
    path = encode(tmp_path / "a.webm", samples, 48_000, "libopus", "flt")
    file = probe(path, tmp_path / "cache")
    assert (file.container, file.subtype, file.sample_rate) == ("MATROSKA", "OPUS", 48_000)
    assert file.num_frames == samples.shape[1]
    assert delay(read(file).samples, samples) == 0


def test_lossless_sound_in_an_m4a_keeps_its_integers(tmp_path, rising_tone):
    numbers = (rising_tone(2) * 2**15).astype(np.int16)
    file = probe(encode(tmp_path / "a.m4a", numbers, 16_000, "alac", "s16p"), tmp_path / "cache")
    assert file.dtype == np.int16
    with open_reader(file) as reader:
        assert np.array_equal(reader.read(Span(0, file.num_frames), file.dtype), numbers)


def test_a_playlist_that_names_other_files_is_no_recording(tmp_path, rising_tone):
    with AudioWriter(tmp_path / "secret.m4a", 16_000, 1) as writer:
        writer.write(rising_tone(1))
    for name, text in {
        "list.m4a": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.m4a\n#EXT-X-ENDLIST\n",
        "concat.mp4": "ffconcat version 1.0\nfile secret.m4a\n",
        "text.mp4": "This is not sound.\n" * 100,
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(AudioFileError, match="cannot be read as sound") as caught:
            probe(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_video_without_sound_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(AudioFileError, match="no audio track"):
        probe(tmp_path / "a.mp4")


def test_of_a_truncated_m4a_the_message_is_clear(tmp_path, rising_tone):
    path = tmp_path / "a.m4a"
    with AudioWriter(path, 16_000, 1) as writer:
        writer.write(rising_tone(3))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(AudioFileError, match=r"cannot be read as sound|holds no sound"):
        probe(path)


@pytest.mark.parametrize("name", ["a.m4a", "text.wav"])
def test_without_pyav_only_files_that_need_it_ask_for_it(tmp_path, rising_tone, name: str):
    with AudioWriter(tmp_path / "a.m4a", 16_000, 1) as writer:
        writer.write(rising_tone(1))
    (tmp_path / "text.wav").write_text("This is not sound.\n" * 100)
    script = (
        "import pathlib, sys\n"
        "sys.modules['av'] = None\n"  # what Python itself does for a module that is not there
        "from qwen_audio_agent.audio.files import probe\n"
        "probe(pathlib.Path(sys.argv[1]))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "AudioFileError: " in result.stderr
    assert ("pip install 'qwen-audio-agent[media]'" in result.stderr) == (name == "a.m4a")


def test_without_pyav_an_m4a_is_refused_by_its_own_name_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for refused in (check_output, lambda path: AudioWriter(path, 16_000, 1).__enter__()):
        with pytest.raises(AudioFileError, match=r"one\.m4a' needs PyAV"):
            refused(tmp_path / "one.m4a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("sample_rate", "num_channels"), [(1234, 1), (16_000, 7)])
def test_what_aac_does_not_hold_is_refused(tmp_path, sample_rate: int, num_channels: int):
    with pytest.raises(AudioFileError, match=r"1234 Hz|not 7"):
        AudioWriter(tmp_path / "a.m4a", sample_rate, num_channels).__enter__()
    assert not list(tmp_path.iterdir())

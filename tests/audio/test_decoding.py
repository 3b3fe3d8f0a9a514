import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import AudioWriter, decoded_once, open_reader, probe, read
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.audio.sound_stream import SoundStream
from qwen_audio_agent.errors import AudioFileError, DiskError


def delay(heard, original) -> int:
    """By how many frames `heard` comes later than `original`."""
    size = 1 << (heard.shape[1] + original.shape[1]).bit_length()
    spectrum = np.fft.rfft(heard[0], size) * np.conj(np.fft.rfft(original[0], size))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    return lag if lag < size // 2 else lag - size


@pytest.mark.parametrize(
    ("suffix", "sample_rate"),
    [(".mp3", 44_100), (".mp3", 16_000), (".mp3", 8_000), (".ogg", 44_100), (".opus", 48_000)],
)
def test_a_lossy_round_trip_keeps_length_and_times(
    tmp_path, rising_tone, suffix: str, sample_rate: int
):
    samples = rising_tone(5.123, sample_rate, 2)
    with AudioWriter(tmp_path / f"a{suffix}", sample_rate, 2) as writer:
        writer.write(samples)
    file = probe(tmp_path / f"a{suffix}", tmp_path / "cache")
    assert file.num_frames == samples.shape[1]
    assert file.dtype == np.float32
    assert delay(read(file).samples, samples) == 0


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus"])
def test_any_span_is_the_same_as_decoded_from_the_start(tmp_path, rising_tone, suffix: str):
    path = tmp_path / f"a{suffix}"
    with AudioWriter(path, 24_000, 1) as writer:
        writer.write(rising_tone(10, 24_000))
    with SoundStream(str(path)) as stream:
        decoded = stream.read(240_000, dtype="float32")
    with open_reader(probe(path, tmp_path / "cache")) as reader:
        for start in np.random.default_rng(0).integers(0, 238_000, 50).tolist():
            span = Span(start, start + 2_000)
            assert np.array_equal(reader.read(span)[0], decoded[start : start + 2_000])


def test_an_mp3_with_a_variable_bit_rate_and_no_header_is_read_to_its_end(rising_tone, write_mp3):
    """libsndfile alone believes the bit rate of the first frame, and stops there."""
    samples = rising_tone(20, 44_100)
    samples[:, : 5 * 44_100] *= 0.001
    path = write_mp3(samples, 44_100, header=False, bitrate_mode="VARIABLE", compression_level=0.5)
    assert abs(soundfile.info(path).frames - samples.shape[1]) > 44_100
    assert probe(path).num_frames == pytest.approx(samples.shape[1], abs=3 * 1152)


def test_of_a_truncated_mp3_what_is_left_is_read(tmp_path, rising_tone, write_mp3):
    samples = rising_tone(10, 44_100)
    path = write_mp3(samples, 44_100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    file = probe(path)
    assert samples.shape[1] / 4 < file.num_frames < samples.shape[1] * 3 / 4
    heard = read(file).samples
    assert heard.shape[1] == file.num_frames
    assert delay(heard, samples[:, : file.num_frames]) == 0


def test_the_copy_is_made_once_and_found_by_content(tmp_path, rising_tone, write_mp3):
    path = write_mp3(rising_tone(3, 44_100), 44_100)
    done: list[float] = []
    first = probe(path, tmp_path / "cache", done.append)
    assert done == sorted(done)
    assert done[-1] == 1.0
    done.clear()
    moved = path.rename(tmp_path / "moved.mp3")
    again = probe(moved, tmp_path / "cache", done.append)
    assert not done
    assert again.decoded == first.decoded
    assert again.path == moved
    assert [item.name for item in (tmp_path / "cache").iterdir()] == [first.decoded.name]


def test_a_streamed_flac_of_unknown_length_keeps_its_integers(tmp_path, rising_tone):
    path = tmp_path / "a.flac"
    soundfile.write(path, rising_tone(2)[0], 16_000, subtype="PCM_24")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of the number of frames, in the STREAMINFO block
    content[22:26] = bytes(4)
    (tmp_path / "streamed.flac").write_bytes(content)
    file = probe(tmp_path / "streamed.flac", tmp_path / "cache")
    assert file.num_frames == 32_000
    assert file.dtype == np.int32
    with open_reader(file) as reader:
        numbers = reader.read(Span(0, 32_000), file.dtype)
    assert np.array_equal(numbers[0], soundfile.read(path, dtype="int32")[0])


def test_a_cache_folder_that_cannot_be_made_is_named(tmp_path, rising_tone, write_mp3):
    path = write_mp3(rising_tone(1, 44_100), 44_100)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskError, match=r"file/cache' cannot be written: Not a directory"):
        probe(path, tmp_path / "file" / "cache")


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus", ".wav"])
def test_what_is_decoded_once_is_what_a_copy_holds(tmp_path, rising_tone, suffix: str):
    path = tmp_path / f"a{suffix}"
    with AudioWriter(path, 48_000, 2) as writer:
        writer.write(rising_tone(3, 48_000, 2))
    file, numbers = decoded_once(path)
    assert (file.sample_rate, file.num_channels, file.decoded) == (48_000, 2, None)
    copied = probe(path)
    with open_reader(copied) as reader:
        whole = reader.read(Span(0, copied.num_frames), copied.dtype)
    np.testing.assert_array_equal(np.concatenate(list(numbers), axis=1), whole)


def test_what_cannot_be_decoded_at_all_is_told(tmp_path):
    path = tmp_path / "a.ogg"
    path.write_bytes(b"OggS" + bytes(100))
    with pytest.raises(AudioFileError, match=r"a\.ogg"):
        decoded_once(path)

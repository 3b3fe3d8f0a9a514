import numpy as np
import soundfile

from qwen_audio_agent.audio.encoding import SoundFileSink
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.formats import Coding
from qwen_audio_agent.audio.tags.values import Tags


def numbers(count: int):
    return np.random.default_rng(0).integers(-(2**15), 2**15, (2, count)).astype(np.int16)


def test_a_wav_file_that_outgrows_its_32_bits_becomes_rf64(tmp_path):
    path, sound = tmp_path / "a.wav", numbers(50_000)
    path.touch()
    before = path.stat().st_ino
    sink = SoundFileSink(path, Coding("WAV", "PCM_16", 16_000, 2, Tags.of({"title": "t"})), 100_000)
    for start in range(0, 50_000, 10_000):
        sink.write(sound[:, start : start + 10_000])
    sink.close()
    assert path.read_bytes()[:4] == b"RF64"
    file = probe(path)
    assert (file.container, file.num_frames) == ("RF64", 50_000)
    assert np.array_equal(soundfile.read(path, dtype="int16")[0].T, sound)
    assert [item.name for item in tmp_path.iterdir()] == ["a.wav"]
    assert path.stat().st_ino == before, "who locked the file has it locked still"


def test_a_wav_file_that_just_fits_stays_a_wav_file(tmp_path):
    path = tmp_path / "a.wav"
    sink = SoundFileSink(path, Coding("WAV", "PCM_16", 16_000, 2), 100_000)
    sink.write(numbers(25_000))
    sink.close()
    assert path.read_bytes()[:4] == b"RIFF"

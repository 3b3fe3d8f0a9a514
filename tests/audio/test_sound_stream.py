import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import AudioWriter, probe
from qwen_audio_agent.audio.sound_stream import SoundStream


def read_in_blocks(file, frames: int):
    parts = []
    while len(part := file.read(frames, dtype="float32")):
        parts.append(part)
    return np.concatenate(parts)


@pytest.mark.parametrize("sample_rate", [8_000, 44_100])
def test_an_mp3_read_in_blocks_is_the_mp3_read_at_once(rising_tone, write_mp3, sample_rate: int):
    path = write_mp3(rising_tone(5, sample_rate), sample_rate, compression_level=0.99)
    with SoundStream(str(path)) as stream:
        whole = stream.read(5 * sample_rate, dtype="float32")
    with SoundStream(str(path)) as stream:
        assert np.array_equal(read_in_blocks(stream, 1000), whole)
    with soundfile.SoundFile(path) as file:
        # If soundfile does this right one day, SoundStream can go.
        assert not np.array_equal(read_in_blocks(file, 1000), whole)


def test_a_file_that_passes_through_many_times_does_not_collect_software_names(
    tmp_path, rising_tone
):
    path = tmp_path / "a.wav"
    tags = {"software": "Recorder"}
    for _ in range(3):
        with AudioWriter(path, 16_000, 1, tags=tags) as writer:
            writer.write(rising_tone(0.1))
        tags = dict(probe(path).tags)
    assert tags == {"software": "Recorder"}

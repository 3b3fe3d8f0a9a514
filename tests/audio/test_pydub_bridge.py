import numpy as np
import pytest

from qwen_audio_agent.audio.pydub_bridge import from_pydub, to_pydub

AudioSegment = pytest.importorskip("pydub").AudioSegment


@pytest.mark.parametrize("num_channels", [1, 2])
def test_every_16_bit_number_survives_there_and_back(num_channels: int):
    numbers = np.arange(-(2**15), 2**15, dtype=np.int16)
    segment = AudioSegment(
        data=numbers.tobytes(), sample_width=2, frame_rate=44_100, channels=num_channels
    )
    audio = from_pydub(segment)
    assert (audio.sample_rate, audio.num_channels) == (44_100, num_channels)
    assert audio.samples[0, 0] == -1
    assert to_pydub(audio) == segment


def test_channels_stay_apart():
    left, right = np.array([1, 2, 3], np.int16), np.array([-1, -2, -3], np.int16)
    segment = AudioSegment(
        data=np.stack([left, right], axis=1).tobytes(), sample_width=2, frame_rate=8_000, channels=2
    )
    assert (from_pydub(segment).samples * 2**15).tolist() == [[1, 2, 3], [-1, -2, -3]]


def test_32_bit_numbers_that_float32_holds_survive_there_and_back():
    numbers = (np.arange(-1000, 1000, dtype=np.int32)) << 20
    segment = AudioSegment(data=numbers.tobytes(), sample_width=4, frame_rate=8_000, channels=1)
    assert to_pydub(from_pydub(segment), bits=32).raw_data == segment.raw_data


def test_8_bit_numbers_are_scaled_like_all_others():
    segment = AudioSegment(data=b"\x80\x40", sample_width=1, frame_rate=8_000, channels=1)
    assert from_pydub(segment).samples.tolist() == [[-1, 0.5]]


def test_another_number_of_bits_is_a_wrong_call():
    audio = from_pydub(AudioSegment.silent(10))
    with pytest.raises(ValueError, match="16 or 32 bits, not 24"):
        to_pydub(audio, bits=24)

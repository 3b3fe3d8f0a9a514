import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.speech.noises import find_noises

RATE = 44100


def room(seconds, seed=0):
    return 0.0005 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def breath(seconds=0.3, level=0.02):
    noise = np.random.default_rng(1).standard_normal(round(seconds * RATE))
    shaped = sosfilt(butter(2, [1500, 5000], "band", fs=RATE, output="sos"), noise)
    return level * shaped * np.hanning(len(noise)) * 2


def smack(level=0.3):
    n = round(0.006 * RATE)
    return level * np.random.default_rng(2).standard_normal(n) * np.exp(-np.arange(n) / (n / 5))


def humming(seconds=0.3, hz=180, level=0.02):
    t = np.arange(round(seconds * RATE)) / RATE
    return level * sum(np.sin(2 * np.pi * hz * k * t) / k for k in (1, 2, 3)) * np.hanning(len(t))


def find(*pieces):
    """What is found in a gap of 2 s with (seconds, sound) laid over the room."""
    sound = room(2.0)
    for at, piece in pieces:
        first = round(at * RATE)
        sound[first : first + len(piece)] += piece
    audio = Audio(sound[None].astype(np.float32), RATE)
    return find_noises(
        audio.slice, [Span(0, audio.num_frames)], RATE, room_dbfs=-66.0, speech_dbfs=-20.0
    )


def test_a_breath_is_found_where_it_is():
    (noise,) = find((0.8, breath()))
    assert noise.kind == "breath"
    assert noise.start == pytest.approx(0.85, abs=0.06)
    assert noise.end == pytest.approx(1.05, abs=0.06)
    assert noise.confidence > 0.5


def test_a_smack_is_found_where_it_is():
    (noise,) = find((1.0, smack()))
    assert noise.kind == "mouth"
    assert noise.start <= 1.0
    assert noise.end == pytest.approx(1.006, abs=0.02)


def test_both_are_found_apart():
    assert [noise.kind for noise in find((0.4, breath()), (1.4, smack()))] == ["breath", "mouth"]


@pytest.mark.parametrize("pieces", [(), ((0.8, humming()),), ((0.8, breath(level=0.5)),)])
def test_room_voices_and_loud_noise_are_no_breath(pieces):
    assert find(*pieces) == []


def test_what_touches_the_border_of_the_gap_may_belong_to_a_word():
    assert find((0.0, breath()[round(0.1 * RATE) :])) == []

"""Hum is found where it is, and neither a voice nor music is taken for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qwen_audio_agent.audio.files import blocks, probe, read
from qwen_audio_agent.audio.hum import find_hum
from qwen_audio_agent.audio.samples import Audio

RATE = 16000
TIME = np.arange(30 * RATE) / RATE
MAINS = {"jfk": 60.0, "mm_acoustic": 60.0, "sonnet1": 60.0}
"""Recordings with hum: lines of 15 dB and more at 60, 120 (180) Hz all the time."""


def sound(samples: np.ndarray) -> Audio:
    noise = 0.0005 * np.random.default_rng(41).standard_normal(len(samples))
    return Audio((samples + noise)[None].astype(np.float32), RATE)


def tones(hz: float, numbers: tuple[int, ...] = (1, 2, 3, 5)) -> np.ndarray:
    return sum(np.sin(2 * np.pi * hz * k * TIME + k) / k for k in numbers)


def voiced(hz: np.ndarray) -> np.ndarray:
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * TIME), 0, None)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    return 0.1 * syllables * sum(np.sin(k * phase) / k for k in range(1, 15))


@pytest.mark.parametrize("hz", [49.93, 50.0, 60.05])
@pytest.mark.parametrize("level", [0.02, 0.0007])
def test_hum_is_found_with_its_frequency_and_level(hz: float, level: float) -> None:
    hum = find_hum([sound(level * tones(hz))])
    assert hum is not None
    assert hum.frequency_hz == pytest.approx(hz, abs=0.02)
    assert hum.num_harmonics == 5
    assert hum.level_db == pytest.approx(20 * np.log10(level * tones(hz).std()), abs=1)


def test_hum_under_a_voice_is_found(speech_data: Path) -> None:
    names = ("quilter", "shelley", "lj050")
    voices = [read(probe(speech_data / f"{name}.flac")).samples[0] for name in names]
    voice = np.concatenate(voices)[: len(TIME)]
    hum = find_hum([sound(voice + 0.004 * tones(50.02)[: len(voice)])])
    assert hum is not None
    assert hum.frequency_hz == pytest.approx(50.02, abs=0.03)


@pytest.mark.parametrize("hz", [100.0, 120.0])
@pytest.mark.parametrize("sway", [0.0, 4.0])
def test_a_low_voice_is_no_hum(hz: float, sway: float) -> None:
    assert find_hum([sound(voiced(hz + sway * np.sin(2 * np.pi * 0.4 * TIME)))]) is None


@pytest.mark.parametrize("hz", [48.9994, 51.9131, 58.2705, 61.7354, 55.0])
def test_a_bass_that_is_held_is_no_hum(hz: float) -> None:
    assert find_hum([sound(0.1 * tones(hz))]) is None


def test_a_melody_and_noise_are_no_hum() -> None:
    notes = np.random.default_rng(42).choice([98.0, 103.83, 110.0, 116.54, 123.47], 120)
    hz = np.repeat(notes, RATE // 4)[: len(TIME)]
    assert find_hum([sound(0.1 * np.sin(2 * np.pi * np.cumsum(hz) / RATE))]) is None
    assert find_hum([sound(np.zeros(len(TIME)))]) is None


def test_what_is_too_short_or_silent_has_none() -> None:
    assert find_hum([]) is None
    assert find_hum([Audio(np.zeros((2, 30 * RATE), np.float32), RATE)]) is None
    assert find_hum([sound(0.02 * tones(50.0)[: 5 * RATE])]) is None


def test_recordings_of_people(speech_data: Path) -> None:
    for path in sorted(speech_data.glob("*.flac")):
        hum = find_hum(blocks(probe(path)))
        wanted = MAINS.get(path.stem)
        assert (hum is None) == (wanted is None), path.stem
        assert hum is None or hum.frequency_hz == pytest.approx(wanted, abs=0.05)


def test_it_is_the_same_for_any_blocks(record_blocks: Callable[[Audio, int], list[Audio]]) -> None:
    audio = sound(0.01 * tones(50.03))
    assert find_hum(record_blocks(audio, 999)) == find_hum([audio])


@pytest.fixture
def record_blocks() -> Callable[[Audio, int], list[Audio]]:
    def cut(audio: Audio, size: int) -> list[Audio]:
        starts = range(0, audio.num_frames, size)
        return [Audio(audio.samples[:, at : at + size], audio.sample_rate) for at in starts]

    return cut

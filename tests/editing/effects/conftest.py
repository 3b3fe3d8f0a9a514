"""Running an effect over arrays, in blocks of a chosen length."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.effects import Effect

Run = Callable[..., Samples]


@pytest.fixture(scope="session")
def run() -> Run:
    """run(effect, samples, sample_rate, block_frames=4096) -> the output in one array."""

    def run(
        effect: Effect, samples: Samples, sample_rate: int, block_frames: int = 4096
    ) -> Samples:
        def open_blocks() -> Iterator[Samples]:
            for start in range(0, samples.shape[1], block_frames):
                yield samples[:, start : start + block_frames]

        blocks = effect.process(open_blocks, sample_rate, samples.shape[0])
        empty = np.zeros((samples.shape[0], 0), np.float32)
        return np.concatenate([empty, *blocks], axis=1)

    return run


@pytest.fixture(scope="session")
def voice() -> Callable[..., Samples]:
    """voice(sample_rate, seconds=3): two channels of a made voice with pauses."""

    def voice(sample_rate: int, seconds: float = 3.0) -> Samples:
        rng = np.random.default_rng(5)
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time)
        phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
        top = min(25, int(0.4 * sample_rate / 140))
        vowel = sum(np.sin(k * phase) / k for k in range(1, top))
        syllables = np.clip(np.sin(2 * np.pi * 2.3 * time), 0, None)
        hiss = rng.standard_normal(len(time)) * np.clip(-np.sin(2 * np.pi * 1.15 * time), 0, None)
        mono = 0.15 * syllables * vowel + 0.02 * hiss * (np.sin(2 * np.pi * 2.3 * time) < -0.7)
        return np.stack([mono, 0.5 * mono]).astype(np.float32)

    return voice

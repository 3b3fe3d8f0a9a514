"""Small sounds to read, write and measure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Samples = NDArray[Any]


@pytest.fixture
def rising_tone() -> Callable[..., Samples]:
    """A tone that glides upwards, in some noise: no two places sound alike."""

    def make(seconds: float, sample_rate: int = 16_000, num_channels: int = 1) -> Samples:
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        noise = np.random.default_rng(0).standard_normal((num_channels, len(time)))
        tone = 0.3 * np.sin(2 * np.pi * (200 + 100 * time) * time)
        return (tone + 0.03 * noise).astype(np.float32)

    return make


@pytest.fixture
def write_mp3(tmp_path: Path) -> Callable[..., Path]:
    """Write an mp3 file; without its first frame, which is a header, if asked for."""

    def write(samples: Samples, sample_rate: int, *, header: bool = True, **options: Any) -> Path:
        path = tmp_path / f"sound-{header}.mp3"
        with soundfile.SoundFile(
            path, "w", sample_rate, len(samples), format="MP3", **options
        ) as file:
            file.write(samples.T)
        if not header:
            content = path.read_bytes()
            sync = content[:2]
            at = max(content.find(b"Xing"), content.find(b"Info"))
            path.write_bytes(content[content.index(sync, at) :])
        return path

    return write

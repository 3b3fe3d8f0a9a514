"""Small recordings of noise, each frame unlike any other, so that a frame out of place shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import settings
from numpy.typing import NDArray

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.sources import Sources


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as the tests need it: as a programme, as sources, and as its own numbers."""

    path: Path
    edit_list: EditList
    sources: Sources
    numbers: NDArray[Any]


def numbers_of(path: Path) -> NDArray[Any]:
    """(frames, channels) in the numbers that the file holds."""
    dtype = {"PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32", "DOUBLE": "float64"}
    numbers: NDArray[Any] = soundfile.read(
        path, dtype=dtype.get(soundfile.info(path).subtype, "float32"), always_2d=True
    )[0]
    return numbers


@pytest.fixture
def read_numbers() -> Callable[[Path], NDArray[Any]]:
    """Reads a file in its own numbers, with soundfile alone."""
    return numbers_of


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Recording]:
    """Makes a recording of noise; all recordings of a test share their sources."""
    sources = Sources(tmp_path / "cache")

    def make(
        name: str = "a.wav",
        num_frames: int = 8000,
        *,
        sample_rate: int = 8000,
        num_channels: int = 1,
        subtype: str = "PCM_16",
    ) -> Recording:
        rng = np.random.default_rng(num_frames + sum(map(ord, name)))
        path = tmp_path / name
        noise = np.clip(rng.normal(0.0, 0.1, (num_frames, num_channels)), -1, 1)
        soundfile.write(path, noise, sample_rate, subtype=subtype)
        sources.add_file(name, probe(path))
        edit_list = EditList.from_file(name, sources.files[name])
        return Recording(path, edit_list, sources, numbers_of(path))

    return make


# How long an example takes says nothing here: other work may share the machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

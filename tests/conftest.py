"""Where the recordings that are not part of the repository come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The tests run side by side, so that threads of one sum would only wait for those of another. It is
# said here, before anything loads torch or numpy, and holds for the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("QWEN_AUDIO_AGENT_CACHE", None)  # what a test did not name it may not hear from


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"needs {variable}: the folder of {what}")
    folder = Path(value)
    assert folder.is_dir(), f"{variable}={value} is not a folder"
    return folder


@pytest.fixture(scope="session")
def speech_data() -> Path:
    """Recordings of people with their transcripts and word times (truth.json)."""
    return _folder("SPEECH_DATA", "recordings with truth")


@pytest.fixture(scope="session")
def golden_data() -> Path:
    """What the original Qwen-Audio code computed, and the recordings of its tutorial."""
    return _folder("GOLDEN_DATA", "golden data of Qwen-Audio")


@pytest.fixture(scope="session")
def interview() -> Path:
    """The recording that ships with the repository."""
    return Path(__file__).parent.parent / "examples" / "interview.flac"


@pytest.fixture(scope="session")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is kept what was heard, by all tests that ask for it and all processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return folder / "heard"

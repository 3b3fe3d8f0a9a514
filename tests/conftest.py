"""Where the recordings that are not part of the repository come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long forms of tests run when somebody asks for them: `-m slow`."""
    if "slow" not in config.option.markexpr:
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


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

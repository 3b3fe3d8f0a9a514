"""What the commands hear is kept for the whole run, as it is for a person at work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PLAIN = "[fillers]\npolicy = 'cut'\n[repeats]\npolicy = 'cut'\n"


@pytest.fixture(autouse=True)
def _workplace(heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN_AUDIO_AGENT_CACHE", str(heard))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def talk(interview: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(interview, tmp_path / "ep.flac"))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A recipe that leaves the sound of the whole alone, which is quicker."""
    path = tmp_path / "plain.toml"
    path.write_text(PLAIN, encoding="utf-8")
    return path

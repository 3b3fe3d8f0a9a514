"""What the commands hear is kept for the whole run, as it is for a person at work."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _workplace(heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN_AUDIO_AGENT_CACHE", str(heard))
    monkeypatch.chdir(tmp_path)

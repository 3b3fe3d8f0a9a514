"""Episodes that are made for a test."""

from __future__ import annotations

import pytest

from tests.cleanup.episodes import Made


@pytest.fixture
def made(tmp_path):
    """Begin an episode."""
    return lambda **how: Made(tmp_path, **how)

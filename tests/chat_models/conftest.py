"""A conversation about the two recordings that the evaluation of the agent uses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from qwen_audio_agent.chat_models.offline import OfflineChatModel

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from agent_scene import Scene


def _offline(hear):
    return OfflineChatModel(hear=hear)


@pytest.fixture
def chat() -> Scene:
    return Scene(_offline)


@pytest.fixture
def chat_without_tools() -> Scene:
    return Scene(_offline, tools=[])

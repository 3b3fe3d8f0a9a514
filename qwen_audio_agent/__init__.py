"""Edit speech recordings from plain language: hear, plan, cut, and listen again.

The names below load when they are first used, so that `import qwen_audio_agent` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Audio": "audio.samples",
    "AudioFile": "audio.files",
    "AudioWriter": "audio.writing",
    "EditList": "editing.edit_list",
    "Listener": "speech.hearing",
    "OfflineChatModel": "chat_models.offline",
    "Planner": "agent.planner",
    "QwenAudioAgentError": "errors",
    "Session": "agent.session",
    "Span": "audio.samples",
    "Transcript": "speech.words",
    "Word": "speech.words",
    "clean_up": "cleanup.episode",
    "clean_up_all": "cleanup.batch.running",
    "open_ear": "speech.ears",
    "probe": "audio.files",
    "replay": "agent.replay",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  (names load lazily)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]

"""What a LangChain program takes from here; names load when they are first used."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "ForeignChatModel": "chat_models.foreign",
    "JsonlTracer": "langchain.tracing",
    "open_chat_model": "chat_models",
    "with_sound": "chat_models.foreign_audio",
    "with_words": "chat_models.foreign_audio",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  (names load lazily)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"qwen_audio_agent.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]

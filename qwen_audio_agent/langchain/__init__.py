"""What a LangChain program takes from here; names load when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qwen_audio_agent.chat_models import open_chat_model
    from qwen_audio_agent.chat_models.foreign import ForeignChatModel
    from qwen_audio_agent.chat_models.foreign_audio import with_sound, with_words
    from qwen_audio_agent.chat_models.offline import OfflineChatModel
    from qwen_audio_agent.chat_models.qwen_audio import ChatQwenAudio
    from qwen_audio_agent.langchain.tracing import JsonlTracer

__all__ = [
    "ChatQwenAudio",
    "ForeignChatModel",
    "JsonlTracer",
    "OfflineChatModel",
    "open_chat_model",
    "with_sound",
    "with_words",
]

_HOMES = {
    "ChatQwenAudio": "chat_models.qwen_audio",
    "ForeignChatModel": "chat_models.foreign",
    "JsonlTracer": "langchain.tracing",
    "OfflineChatModel": "chat_models.offline",
    "open_chat_model": "chat_models",
    "with_sound": "chat_models.foreign_audio",
    "with_words": "chat_models.foreign_audio",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"qwen_audio_agent.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]

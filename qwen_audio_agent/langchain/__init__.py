"""What LangChain takes: the chat models. Each name is loaded when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qwen_audio_agent.chat_models.offline import OfflineChatModel
    from qwen_audio_agent.chat_models.qwen_audio import ChatQwenAudio

__all__ = ["ChatQwenAudio", "OfflineChatModel"]

_HOMES = {
    "ChatQwenAudio": "qwen_audio_agent.chat_models.qwen_audio",
    "OfflineChatModel": "qwen_audio_agent.chat_models.offline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

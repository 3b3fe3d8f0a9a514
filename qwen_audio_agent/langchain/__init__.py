"""For people who build with LangChain: chat models, tools and middleware that edit speech.

    toolkit = SpeechEditingToolkit.open("interview.wav", workspace="work/")
    agent = create_agent(model, tools=toolkit.get_tools(), middleware=editing_middleware(toolkit))
    agent.invoke({"messages": [{"role": "user", "content": 'Cut "middle classes"'}]})
    toolkit.render("clean.wav")

The names load when they are first used: the chat model of a network brings PyTorch, the middleware
needs `pip install 'qwen-audio-agent[langchain]'`, and all else only langchain-core.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "AudioTurns": "langchain.audio_turns",
    "ChatQwenAudio": "chat_models.qwen_audio",
    "ForeignChatModel": "chat_models.foreign",
    "JsonlTracer": "langchain.tracing",
    "OfflineChatModel": "chat_models.offline",
    "RetryInvalidCalls": "langchain.invalid_calls",
    "RunLimits": "langchain.limits",
    "ScriptedChatModel": "chat_models.scripted",
    "SpeechEditingToolkit": "langchain.toolkit",
    "ask_before": "langchain.approval",
    "editing_middleware": "langchain.recommended",
    "open_chat_model": "chat_models",
    "with_sound": "chat_models.foreign_audio",
    "with_words": "chat_models.foreign_audio",
}

_EXTRAS = {
    "langchain": "langchain",
    "langgraph": "langchain",
    "torch": "qwen",
    "transformers": "qwen",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  (names load lazily)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"qwen_audio_agent.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        raise ImportError(
            f"{name} needs the module {error.name!r}; "
            f"install it with: pip install 'qwen-audio-agent[{extra}]'"
        ) from error


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]

"""Chat models that ship with the agent: they hear recordings, answer, and ask for tool calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qwen_audio_agent.errors import UsageError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from qwen_audio_agent.speech.hearing import Hearable


def open_chat_model(name: str, hear: Callable[[str], Hearable] | None = None) -> BaseChatModel:
    """Open a chat model by its name.

    Args:
        name: "offline", or "scripted:FILE.json", which replays the AI messages of a JSON list.
        hear: gives the audio behind the `file_id` of an audio block.

    Raises:
        UsageError: no model has that name, or its script cannot be read.
    """
    if name == "offline":
        from qwen_audio_agent.chat_models.offline import OfflineChatModel

        return OfflineChatModel(hear=hear) if hear else OfflineChatModel()
    kind, _, path = name.partition(":")
    if kind == "scripted" and path:
        from qwen_audio_agent.chat_models.scripted import read_script

        return read_script(path)
    raise UsageError(f"there is no chat model {name!r}; there are: offline, scripted:FILE.json")

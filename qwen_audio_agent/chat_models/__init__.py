"""Chat models that ship with the agent: they hear recordings, answer, and ask for tool calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qwen_audio_agent.errors import UsageError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from qwen_audio_agent.speech.hearing import Hearable


_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+")
_SERVER: Final = re.compile(r"https?://.+")
_PROVIDER: Final = re.compile(r"[a-z][a-z0-9_]+:.+")


def open_chat_model(
    name: str,
    hear: Callable[[str], Hearable] | None = None,
    *,
    hears_sound: bool | None = None,
) -> BaseChatModel:
    """Open a chat model by its name.

    Args:
        name: "offline"; "scripted:FILE.json", which replays the AI messages of a JSON list; the
            folder or hub id of a checkpoint of Qwen-Audio or a successor; "PROVIDER:MODEL", a
            model of others through LangChain; or the URL of an OpenAI-compatible server.
        hear: gives the audio behind the `file_id` of an audio block.
        hears_sound: whether a model of others is sent sound, rather than words; None: if it is
            known to hear.

    Raises:
        UsageError: no model has that name, its script cannot be read, or a package or a key is
            missing.
        CheckpointError: the folder holds no such checkpoint, or not all of it.
        ChatModelError: a server cannot be reached.
    """
    if name == "offline":
        from qwen_audio_agent.chat_models.offline import OfflineChatModel

        return OfflineChatModel(hear=hear) if hear else OfflineChatModel()
    kind, _, path = name.partition(":")
    if kind == "scripted" and path:
        from qwen_audio_agent.chat_models.scripted import read_script

        return read_script(path)
    if Path(name).is_dir() or _HUB_ID.fullmatch(name):
        return _open_checkpoint(name, hear)
    if _SERVER.fullmatch(name):
        from qwen_audio_agent.chat_models.providers import open_server

        return open_server(name, hear, hears_sound=hears_sound)
    if _PROVIDER.fullmatch(name):
        from qwen_audio_agent.chat_models.providers import open_provider

        return open_provider(name, hear, hears_sound=hears_sound)
    raise UsageError(
        f"there is no chat model {name!r}; there are: offline, scripted:FILE.json, the folder or "
        "hub id of a Qwen-Audio checkpoint, PROVIDER:MODEL, and http://HOST/v1 of a server"
    )


def _open_checkpoint(name: str, hear: Callable[[str], Hearable] | None) -> BaseChatModel:
    """A network; an id that a person names here is fetched if it is not on this machine."""
    try:
        from qwen_audio_agent.chat_models.qwen_audio import ChatQwenAudio

        return ChatQwenAudio.load(name, hear=hear, local_files_only=False)
    except ImportError as error:
        raise UsageError(
            f"the model {name!r} needs the module {error.name!r}; "
            "install it with: pip install 'qwen-audio-agent[qwen]'"
        ) from error

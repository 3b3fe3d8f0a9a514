"""Opening chat models of others by name: "openai:gpt-audio", "http://127.0.0.1:8000/v1#name"."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from qwen_audio_agent.chat_models.foreign import ForeignChatModel
from qwen_audio_agent.errors import ChatModelError, UsageError
from qwen_audio_agent.speech.text import on_one_line

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from qwen_audio_agent.speech.hearing import Hearable

KEY_OF_SERVER: Final = "QWEN_AUDIO_AGENT_API_KEY"
"""Variable with the key of a server that wants one; no other key is ever sent to it."""

_KEYS: Final = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google_genai": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "openai": ("OPENAI_API_KEY",),
}
_HEARING: Final = re.compile("audio|omni|voxtral|ultravox", re.IGNORECASE)
_SECONDS_OF_PROVIDER: Final = 120.0
_TIMEOUT: Final = 600.0


def open_provider(
    name: str, hear: Callable[[str], Hearable] | None = None, *, hears_sound: bool | None = None
) -> ForeignChatModel:
    """Open a model of a provider, through LangChain's `init_chat_model`.

    Args:
        name: "provider:model", such as "openai:gpt-audio" or "ollama:qwen3".
        hear: gives the audio behind the `file_id` of an audio block.
        hears_sound: whether the model hears; None: as its profile or its name says.

    Raises:
        UsageError: there is no such provider, or its package or its key is missing.
    """
    provider, _, model_name = name.partition(":")
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        raise _missing(name, "langchain") from error
    variables = _KEYS.get(provider, ())
    lacks_key = bool(variables) and not any(map(os.environ.get, variables))
    try:
        model: BaseChatModel = init_chat_model(model_name, model_provider=provider)
    except ImportError as error:
        package = re.search(r"langchain-[a-z-]+", str(error))
        raise _missing(name, package[0] if package else f"langchain-{provider}") from error
    except Exception as error:  # every provider has errors of its own
        if lacks_key:
            raise _no_key(name, variables) from error
        raise UsageError(f"the model {name!r} cannot be opened: {_first(error)}") from error
    if lacks_key:  # some say so only when they are called
        raise _no_key(name, variables)
    hears = _hears(model, model_name) if hears_sound is None else hears_sound
    if hears and hasattr(model, "use_responses_api"):
        model.use_responses_api = False  # OpenAI's other interface drops sound without a word
    return ForeignChatModel(
        model=model, hear=hear, hears_sound=hears, name=name,
        max_audio_seconds=_SECONDS_OF_PROVIDER,
    )  # fmt: skip


def open_server(
    url: str, hear: Callable[[str], Hearable] | None = None, *, hears_sound: bool | None = None
) -> ForeignChatModel:
    """Open a model behind an OpenAI-compatible server, such as vLLM or llama.cpp.

    It is sent several sounds in one request; an old vLLM allows that with `--limit-mm-per-prompt`.

    Args:
        url: where it answers, with the model's name after a "#"; without one, the first it has.
        hear: as for `open_provider`.
        hears_sound: whether the model hears; None: as its name says.

    Raises:
        UsageError: langchain-openai is not installed.
        ChatModelError: the server does not say which models it has.
    """
    address, _, model_name = url.partition("#")
    try:
        from langchain_openai import ChatOpenAI
    except ImportError as error:
        raise _missing(url, "langchain-openai") from error
    key = os.environ.get(KEY_OF_SERVER) or "none"
    model_name = model_name or _first_model(address, key)
    model = ChatOpenAI(
        model=model_name, base_url=address, api_key=SecretStr(key), timeout=_TIMEOUT,
        max_retries=1, use_responses_api=False,
    )  # fmt: skip
    hears = _hears(model, model_name) if hears_sound is None else hears_sound
    name = f"{address}#{model_name}"
    return ForeignChatModel(model=model, hear=hear, hears_sound=hears, name=name)


def _first_model(address: str, key: str) -> str:
    from openai import OpenAI, OpenAIError

    try:
        with OpenAI(base_url=address, api_key=key, max_retries=0, timeout=10.0) as client:
            models = client.models.list().data
    except OpenAIError as error:
        raise ChatModelError(f"{address} does not say its models: {_first(error)}") from error
    if not models:
        raise ChatModelError(f"{address} has no model; start it with one")
    return str(models[0].id)


def _hears(model: BaseChatModel, model_name: str) -> bool:
    """Profiles do not know every model that hears; the names of those that do say so."""
    known = (model.profile or {}).get("audio_inputs")
    return bool(known) or bool(_HEARING.search(model_name))


def _missing(name: str, package: str) -> UsageError:
    wanted = "'qwen-audio-agent[langchain]'"
    packages = wanted if package == "langchain" else f"{wanted} {package}"
    return UsageError(
        f"the model {name!r} needs {package}; install it with: pip install {packages}"
    )


def _no_key(name: str, variables: tuple[str, ...]) -> UsageError:
    return UsageError(f"the model {name!r} needs a key in {' or '.join(variables)}")


def _first(error: Exception) -> str:
    return on_one_line(str(error))[:300] or type(error).__name__

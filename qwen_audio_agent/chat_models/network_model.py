"""A chat model's network, its settings, and what is told of both: for tracing, caches, agents."""

from __future__ import annotations

import os
from abc import ABC
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.model.constraint import has_llguidance
from qwen_audio_agent.model.engine import Engine
from qwen_audio_agent.model.generation import Sampling
from qwen_audio_agent.speech.hearing import Hearable

MODEL_VARIABLE: Final = "QWEN_AUDIO_AGENT_MODEL"
"""Of the environment: the checkpoint that is opened when none is named."""


class NetworkModel(BaseChatModel, ABC):
    """A chat model with a network; a subclass generates.

    Attributes:
        model: folder or hub id of the checkpoint, when there is no `engine`; then its name. If
            neither is given, the environment's QWEN_AUDIO_AGENT_MODEL.
        engine: the network; `ChatQwenAudio.load` opens one with more to choose.
        hear: gives the audio behind the `file_id` of an audio block, such as "audio-1".
        folder: audio blocks may name files inside it; None: none.
        max_audio_seconds: the most that is heard of one audio; the prompt says what was not.
        constrained: generate tool calls under a grammar; None: if llguidance is installed.
        temperature: as the following, in the place of what the checkpoint says; 0 is greedy.
        top_p: see `Sampling`.
        top_k: see `Sampling`.
        max_tokens: the longest reply.
        seed: of the draws.
        stop: strings that end a reply.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: str = ""
    engine: Any = Field(default=None, exclude=True, repr=False)
    hear: Callable[[str], Hearable] | None = Field(default=None, exclude=True, repr=False)
    folder: Path | None = None
    max_audio_seconds: float = 120.0
    constrained: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: list[str] | None = None
    _scope: tuple[Any, ...] = PrivateAttr(default=(None, None, ""))

    @model_validator(mode="before")
    @classmethod
    def _open(cls, given: Any) -> Any:
        """Opens the checkpoint that is named, unless there is an engine."""
        if not isinstance(given, dict):  # a model that is a field of something
            return given
        engine = given.get("engine")
        if engine is None:
            checkpoint = given.get("model") or os.environ.get(MODEL_VARIABLE)
            if not checkpoint:
                raise UsageError(
                    "name a checkpoint: ChatQwenAudio(model=FOLDER_OR_HUB_ID), "
                    f"or the environment's {MODEL_VARIABLE}"
                )
            from qwen_audio_agent.model.loading import load_engine

            engine = load_engine(checkpoint)
        return {**given, "engine": engine, "model": engine.name}

    @property
    def network(self) -> Engine:
        """The network, as what it is."""
        engine: Engine = self.engine
        return engine

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """All that a reply depends on beside the messages; the key of LangChain's cache."""
        settings = {
            name: getattr(self, name)
            for name in ("temperature", "top_p", "top_k", "max_tokens", "seed")
        }
        # LangChain puts the stop strings of the call at "stop".
        params = settings | {
            "default_stop": self.stop,
            "model_name": self.network.name,
            "max_audio_seconds": self.max_audio_seconds,
            "constrained": self._is_constrained,
        }
        return params | ({"sounds": self._sounds_scope()} if self.hear or self.folder else {})

    def _sounds_scope(self) -> str:
        """Names what a `file_id` and a file name mean now; another session's mean other sounds."""
        if not self._scope[2] or self._scope[:2] != (self.hear, self.folder):
            self._scope = (self.hear, self.folder, uuid4().hex)
        return str(self._scope[2])

    @property
    def _is_constrained(self) -> bool:
        return has_llguidance() if self.constrained is None else self.constrained

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        sampling = self._sampling(kwargs)
        params = LangSmithParams(
            ls_provider="qwen-audio-agent",
            ls_model_name=str(kwargs.get("model", self.network.name)),
            ls_model_type="chat",
            ls_temperature=sampling.temperature if sampling.do_sample else 0.0,
            ls_max_tokens=sampling.max_new_tokens,
        )
        if stops := stop or self.stop:
            params["ls_stop"] = stops
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        return ModelProfile(
            max_input_tokens=self.network.max_prompt_tokens,
            max_output_tokens=self._sampling({}).max_new_tokens,
            text_inputs=True,
            audio_inputs=True,
            image_inputs=False,
            text_outputs=True,
            tool_calling=True,
            tool_choice=True,
            tool_call_streaming=True,
            # An agent then binds its tools and the answer's schema at once, and reads the answer
            # strictly: only a grammar of both makes that safe.
            structured_output=self._is_constrained,
            temperature=True,
            open_weights=True,
        )

    def get_token_ids(self, text: str) -> list[int]:
        """Ids of a plain text."""
        return self.network.encode_text(text)

    def _refuse_other(self, model: str | None) -> None:
        """Refuse the name of another model: weights are not changed from call to call."""
        if model not in (None, self.network.name):
            raise UsageError(
                f"this is the model {self.network.name!r}; ChatQwenAudio(model=...) opens another"
            )

    def _sampling(self, kwargs: Mapping[str, Any]) -> Sampling:
        """The checkpoint's settings, then this model's, then those of the call."""
        given = {
            name: kwargs.get(name, getattr(self, name))
            for name in ("temperature", "top_p", "top_k", "seed")
        }
        given["max_new_tokens"] = kwargs.get("max_tokens", self.max_tokens)
        if given["temperature"] == 0:
            given |= {"temperature": None, "do_sample": False}
        return self.network.sampling.changed(**given)

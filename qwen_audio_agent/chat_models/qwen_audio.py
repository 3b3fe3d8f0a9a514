"""Qwen-Audio as a LangChain chat model: it hears the audio in messages, and asks for tools.

The network is an `Engine`: the native Qwen-Audio, or one of its successors. How tools are shown to
it and calls are read from its text is `calling`; with llguidance installed, its calls are generated
under a grammar, so that they always parse and always fit their schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr

from qwen_audio_agent.chat_models.calling import (
    CallFormat,
    Prompt,
    StopMatcher,
    gather,
    narrow,
    open_format,
)
from qwen_audio_agent.chat_models.conversation import read_conversation
from qwen_audio_agent.chat_models.heard_clips import ClipReader
from qwen_audio_agent.model.constraint import Constraint, has_llguidance
from qwen_audio_agent.model.engine import Engine, Generation, Turn
from qwen_audio_agent.model.generation import Sampling
from qwen_audio_agent.model.list_format import Part, Query
from qwen_audio_agent.speech.hearing import Hearable

if TYPE_CHECKING:
    from transformers import LogitsProcessor


class ChatQwenAudio(BaseChatModel):
    """A chat model that hears.

    Attributes:
        engine: the network; `ChatQwenAudio.load` opens one.
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

    engine: Any = Field(exclude=True, repr=False)
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
    _clips: tuple[Any, ClipReader] | None = PrivateAttr(default=None)

    @classmethod
    def load(cls, checkpoint: str | Path, **settings: Any) -> ChatQwenAudio:
        """Open a checkpoint.

        Args:
            checkpoint: a folder, or an id of the Hugging Face hub.
            **settings: attributes of this class, and what `load_engine` takes: `device_map`,
                `dtype`, `quantization`, `adapter`.

        Raises:
            CheckpointError: it is no checkpoint of a model that is supported, or not whole.
        """
        from qwen_audio_agent.model.loading import load_engine

        own = {name: settings.pop(name) for name in list(settings) if name in cls.model_fields}
        return cls(engine=load_engine(str(checkpoint), **settings), **own)

    @property
    def network(self) -> Engine:
        """The network, as what it is."""
        engine: Engine = self.engine
        return engine

    @property
    def _llm_type(self) -> str:
        return "qwen-audio"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.network.name, "max_audio_seconds": self.max_audio_seconds}

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
            audio_inputs=True,
            tool_calling=True,
            tool_choice=True,
            structured_output=False,
            text_outputs=True,
            image_inputs=False,
        )

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Allow tool calls.

        Args:
            tools: whatever LangChain takes for a tool.
            tool_choice: "auto", "any" or "required" (True), "none", or the name of a tool.
            **kwargs: passed on with every call.
        """
        if isinstance(tool_choice, dict):
            tool_choice = str(tool_choice.get("function", {}).get("name", "any"))
        if isinstance(tool_choice, bool):
            tool_choice = "any" if tool_choice else None
        formatted = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=formatted, tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        chunks = [chunk.message for chunk in self._stream(messages, stop, run_manager, **kwargs)]
        message = gather([chunk for chunk in chunks if isinstance(chunk, AIMessageChunk)])
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - the core tells it
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        form = open_format(self.network.call_format)
        prompt = form.render(messages, kwargs.get("tools") or (), kwargs.get("tool_choice"))
        processors = self._constraint(form, prompt, messages)
        generation = self.network.generate(self._turns(prompt), self._sampling(kwargs), processors)
        asked = stop or self.stop or ()
        given = [asked] if isinstance(asked, str) else asked
        stops = StopMatcher([*(form.stop if prompt.tools else ()), *given])
        reader = form.reader(prompt)
        with closing(generation):  # also where nobody reads on
            for piece in generation:
                for chunk in reader.feed(stops.feed(piece)):
                    yield ChatGenerationChunk(message=chunk)
                if stops.stopped or reader.done:
                    break
        is_whole = generation.finish_reason != "length"
        rest = [*reader.feed(stops.finish()), *reader.finish(is_whole=is_whole)]
        rest[-1] = self._last(rest[-1], generation)
        yield from (ChatGenerationChunk(message=chunk) for chunk in rest)

    def _constraint(
        self, form: CallFormat, prompt: Prompt, messages: Sequence[BaseMessage]
    ) -> list[LogitsProcessor]:
        """What lets only calls through that parse and fit the audios that there are.

        Their numbers and lengths stand in the grammar and not in the prompt, which so begins as it
        did before and need not be read again.
        """
        wanted = has_llguidance() if self.constrained is None else self.constrained
        if not wanted or not prompt.tools:
            return []
        audios = read_conversation(messages).audios
        lengths = {n: a.seconds or self._audio_seconds(a.block) for n, a in audios.items()}
        narrowed = replace(prompt, tools=tuple(narrow(prompt.tools, lengths)))
        grammar = form.grammar(narrowed)
        return [Constraint(self.network.guide(), grammar).processor()] if grammar else []

    def get_token_ids(self, text: str) -> list[int]:
        """Ids of a plain text."""
        return self.network.encode_text(text)

    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Places of the prompt that the messages make, audio counted."""
        form = open_format(self.network.call_format)
        prompt = form.render(messages, [convert_to_openai_tool(tool) for tool in tools or ()])
        return self.network.generate(self._turns(prompt), self.network.sampling).num_prompt_tokens

    def _turns(self, prompt: Prompt) -> list[Turn]:
        return [Turn(turn.role, Query(*self._parts(turn.parts))) for turn in prompt.turns]

    def _parts(self, parts: Sequence[str | Mapping[str, Any]]) -> list[Part]:
        found: list[Part] = []
        for part in parts:
            found += [part] if isinstance(part, str) else self._clip_reader().parts(part)
        return found

    def _audio_seconds(self, block: Mapping[str, Any]) -> float:
        return self._clip_reader().audio(block).duration

    def _clip_reader(self) -> ClipReader:
        limits = (self.max_audio_seconds, self.network.max_clip_seconds)
        settings = (self.hear, self.folder, "auto", *limits)
        if self._clips is None or self._clips[0] != settings:  # a copy may have others
            self._clips = settings, ClipReader(*settings)
        return self._clips[1]

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

    def _last(self, chunk: AIMessageChunk, generation: Generation) -> AIMessageChunk:
        """The last chunk, with what the reply has cost."""
        num_in, num_out = generation.num_prompt_tokens, len(generation.token_ids)
        metadata = chunk.response_metadata | {
            "model_name": self.network.name,
            "model_provider": "qwen-audio-agent",
            "finish_reason": generation.finish_reason or "stop",
        }
        usage = UsageMetadata(
            input_tokens=num_in,
            output_tokens=num_out,
            total_tokens=num_in + num_out,
            input_token_details=InputTokenDetails(audio=generation.num_audio_tokens),
        )
        return chunk.model_copy(update={"response_metadata": metadata, "usage_metadata": usage})

"""Qwen-Audio as a LangChain chat model: it hears the audio in messages, and asks for tools.

The network is an `Engine`: the native Qwen-Audio, or one of its successors. How tools are shown to
it and calls are read from its text is `calling`; with llguidance installed, its calls are generated
under a grammar, so that they always parse and always fit their schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from qwen_audio_agent.chat_models.calling import (
    CallFormat,
    Prompt,
    StopMatcher,
    ToolSchema,
    choice_name,
    gather,
    narrow,
    open_format,
)
from qwen_audio_agent.chat_models.calling.answer_schemas import answer_schema
from qwen_audio_agent.chat_models.conversation import read_conversation
from qwen_audio_agent.chat_models.heard_clips import ClipReader
from qwen_audio_agent.chat_models.network_model import NetworkModel
from qwen_audio_agent.chat_models.structured import Method, Schema, structured
from qwen_audio_agent.model.constraint import Constraint
from qwen_audio_agent.model.engine import Generation, Turn
from qwen_audio_agent.model.generation import Sampling
from qwen_audio_agent.model.list_format import Part, Query

if TYPE_CHECKING:
    from transformers import LogitsProcessor


class ChatQwenAudio(NetworkModel):
    """A chat model that hears.

    It is not serializable: LangChain loads only classes that it knows, and no weights. LangChain's
    cache may hold its replies; those of a model with `hear` or `folder` are for this one alone,
    because only it knows what sound a `file_id` or a file name means.
    """

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
    def _llm_type(self) -> str:
        return "qwen-audio"

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
            tool_choice: "auto", "any" or "required" (True), "none", the name of a tool, or how
                OpenAI or Anthropic write one of them as a dict.
            **kwargs: passed on with every call.

        Raises:
            UsageError: `tool_choice` is none of them.
        """
        formatted = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=formatted, tool_choice=choice_name(tool_choice), **kwargs)

    def with_structured_output(
        self,
        schema: Schema,
        *,
        method: Method = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,  # noqa: ARG002 - with a grammar, nothing is ever not strict
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Reply with values of a schema, see `structured`."""
        return structured(self, schema, method, include_raw=include_raw, settings=kwargs)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Tokens of the prompt that the messages and tools make, audio as it is heard."""
        formatted = [convert_to_openai_tool(tool) for tool in tools or ()]
        prompt = open_format(self.network.call_format).render(messages, formatted)
        return self._begin(prompt, self._sampling({})).num_prompt_tokens

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

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # By way of the stream, so that a task that is cancelled generates nothing more.
        chunks = [c.message async for c in self._astream(messages, stop, run_manager, **kwargs)]
        message = gather([chunk for chunk in chunks if isinstance(chunk, AIMessageChunk)])
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - the core tells it
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self._refuse_other(kwargs.get("model"))
        form = open_format(self.network.call_format)
        prompt = form.render(
            messages,
            kwargs.get("tools") or (),
            choice_name(kwargs.get("tool_choice")),
            answer_schema(kwargs.get("response_format")),
        )
        processors = self._constraint(form, prompt, messages)
        asked = stop or self.stop or ()
        given = [asked] if isinstance(asked, str) else asked
        stops = StopMatcher([*(form.stop if prompt.tools else ()), *given])
        reader = form.reader(prompt)
        # Closed whenever nobody listens any more, so that the network can be lent to others.
        with closing(self._begin(prompt, self._sampling(kwargs), processors)) as generation:
            for piece in generation:
                for chunk in reader.feed(stops.feed(piece)):
                    yield ChatGenerationChunk(message=chunk)
                if stops.stopped or reader.done:
                    break
        is_whole = generation.finish_reason != "length"
        rest = [*reader.feed(stops.finish()), *reader.finish(is_whole=is_whole)]
        rest[-1] = self._last(rest[-1], generation)
        yield from (ChatGenerationChunk(message=chunk) for chunk in rest)

    def _begin(
        self, prompt: Prompt, sampling: Sampling, processors: Sequence[LogitsProcessor] = ()
    ) -> Generation:
        turns = [Turn(turn.role, Query(*self._parts(turn.parts))) for turn in prompt.turns]
        return self.network.generate(turns, sampling, processors)

    def _constraint(
        self, form: CallFormat, prompt: Prompt, messages: Sequence[BaseMessage]
    ) -> list[LogitsProcessor]:
        """What lets only calls through that parse and fit the audios that there are.

        Their numbers and lengths stand in the grammar and not in the prompt, which so begins as it
        did before and need not be read again.
        """
        if not self._is_constrained:
            return []
        if prompt.tools:
            prompt = replace(prompt, tools=self._narrowed(prompt.tools, messages))
        grammar = form.grammar(prompt)
        return [Constraint(self.network.guide(), grammar).processor()] if grammar else []

    def _narrowed(
        self, tools: Sequence[ToolSchema], messages: Sequence[BaseMessage]
    ) -> tuple[ToolSchema, ...]:
        audios = read_conversation(messages).audios
        lengths = {n: a.seconds or self._audio_seconds(a.block) for n, a in audios.items()}
        return tuple(narrow(tools, lengths))

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

"""A chat model that says what it was told to say: for tests, demos and examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field, PrivateAttr

from qwen_audio_agent.errors import QwenAudioAgentError, UsageError


class ScriptedChatModel(BaseChatModel):
    """Replays messages in order, whatever it is sent.

    Attributes:
        messages: what it will say, one message for each call.
        requests: what it was sent, one list of messages for each call.
    """

    messages: list[AIMessage]
    requests: list[list[BaseMessage]] = Field(default_factory=list)
    _next: int = PrivateAttr(default=0)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self,
        tools: Sequence[Any],  # noqa: ARG002 - LangChain's signature
        *,
        tool_choice: str | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Itself: a script knows its tools already."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._say(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=as_chunk(self._say(messages)))

    def _say(self, messages: list[BaseMessage]) -> AIMessage:
        self.requests.append(list(messages))
        if self._next >= len(self.messages):
            raise QwenAudioAgentError(
                f"The script of {len(self.messages)} messages is at its end and was asked for one "
                "more; add the message that should come now."
            )
        message = self.messages[self._next]
        self._next += 1
        # A message graph replaces messages of the same id, so a copy must not keep it.
        return message.model_copy(update={"id": None}, deep=True)


def read_script(path: str | Path) -> ScriptedChatModel:
    """The model of a JSON file: a list of {"content": "...", "tool_calls": [{"name", "args"}]}.

    Raises:
        UsageError: the file cannot be read, or is no such list.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():
            # A device has no end, and a pipe may have nobody at its other one.
            raise UsageError(f"the script {path} is no file")
        entries = json.loads(Path(path).read_text("utf-8"))
        messages = [_message(entry, number) for number, entry in enumerate(entries)]
    except OSError as error:
        raise UsageError(f"the script {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(
            f'the script {path} is no JSON list of {{"content": "...", "tool_calls": '
            f'[{{"name": "cut", "args": {{...}}}}]}}: {error}'
        ) from error
    return ScriptedChatModel(messages=messages)


def _message(entry: dict[str, Any], number: int) -> AIMessage:
    calls = [
        {"name": call["name"], "args": call["args"], "id": f"script_{number}_{index}"}
        for index, call in enumerate(entry.get("tool_calls", []))
    ]
    return AIMessage(content=entry.get("content", ""), tool_calls=calls)


def as_chunk(message: AIMessage) -> AIMessageChunk:
    """A whole message as one chunk of a stream, with its tool calls."""
    return AIMessageChunk(
        content=message.content,
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        tool_call_chunks=[
            tool_call_chunk(
                name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index
            )
            for index, call in enumerate(message.tool_calls)
        ],
    )

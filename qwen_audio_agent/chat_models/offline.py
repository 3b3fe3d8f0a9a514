"""The embedded chat model: hears through an ear, plans through a grammar, and needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

from qwen_audio_agent.chat_models.answers import answer_to, report
from qwen_audio_agent.chat_models.audio_blocks import BlockListener
from qwen_audio_agent.chat_models.calling import StopMatcher, choice_name
from qwen_audio_agent.chat_models.calls import Call
from qwen_audio_agent.chat_models.conversation import Conversation, read_conversation
from qwen_audio_agent.chat_models.plan import Plan, check_plan, make_plan, next_call
from qwen_audio_agent.chat_models.scene import Scene
from qwen_audio_agent.chat_models.scripted import as_chunk
from qwen_audio_agent.errors import InstructionError, UsageError
from qwen_audio_agent.speech.hearing import Hearable

MODEL_NAME = "offline"


class OfflineChatModel(BaseChatModel):
    """Understands English instructions about recordings, answers, and asks for tool calls.

    It keeps nothing between calls: the messages say what was asked and what has been done. It asks
    only for tools that are bound, one call at a time, and for none unless it understands the whole
    instruction.

    Attributes:
        hear: gives the audio behind the `file_id` of an audio block, such as "audio-1".
        folder: audio blocks may name files inside it; None: none.
        ear: name of the ear for sound that comes inside the messages.
    """

    hear: Callable[[str], Hearable] | None = Field(default=None, exclude=True, repr=False)
    folder: Path | None = None
    ear: str = "auto"
    _blocks: BlockListener | None = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "qwen-audio-agent-offline"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": MODEL_NAME}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider="qwen-audio-agent",
            ls_model_name=str(kwargs.get("model", MODEL_NAME)),
            ls_model_type="chat",
            **({"ls_stop": stop} if stop else {}),
        )

    def _resolve_model_profile(self) -> ModelProfile | None:
        return ModelProfile(
            text_inputs=True,
            audio_inputs=True,
            image_inputs=False,
            text_outputs=True,
            tool_calling=True,
            tool_choice=False,
            structured_output=False,
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
            tools: whatever LangChain takes for a tool; it calls none but the agent's own.
            tool_choice: None or "auto"; "none" allows no calls.
            **kwargs: passed on with every call.

        Raises:
            UsageError: another choice: nothing makes it call where it would not.
        """
        choice = choice_name(tool_choice)
        if choice not in (None, "auto", "none"):
            raise UsageError(
                f"tool_choice is {choice!r}; the offline model calls a tool only where an "
                "instruction asks for an edit, so it may be auto or none"
            )
        formatted = [] if choice == "none" else [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=formatted, **kwargs)

    def get_num_tokens(self, text: str) -> int:
        """Words: it has no tokens."""
        return len(text.split())

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[Any] | None = None,  # noqa: ARG002 - it reads no descriptions of tools
    ) -> int:
        """Words of the messages' texts, as its usage counts them."""
        return sum(self.get_num_tokens(message.text) for message in messages)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._reply(messages, stop or [], kwargs)
        return ChatResult(generations=[ChatGeneration(message=reply)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        reply = self._reply(messages, stop or [], kwargs)
        yield ChatGenerationChunk(message=as_chunk(reply))

    def _reply(
        self, messages: list[BaseMessage], stop: list[str], kwargs: dict[str, Any]
    ) -> AIMessage:
        if kwargs.get("model", MODEL_NAME) != MODEL_NAME:
            raise UsageError(f"this is the model {MODEL_NAME!r}, and it has no other to be")
        tools = {tool["function"]["name"] for tool in kwargs.get("tools") or ()}
        talk = read_conversation(messages)
        scene = Scene(talk, partial(self._sound, talk))
        reply = _turn(scene, tools)
        stops = StopMatcher(stop)
        content = stops.feed(reply) + stops.finish() if isinstance(reply, str) else ""
        calls = [] if isinstance(reply, str) else [_as_tool_call(reply, scene.talk.num_calls)]
        num_words = self.get_num_tokens_from_messages(messages)
        num_said = len(content.split()) + sum(1 + len(call["args"]) for call in calls)
        return AIMessage(
            content=content,
            tool_calls=calls,
            response_metadata={
                "model_name": MODEL_NAME,
                "model_provider": "qwen-audio-agent",
                "finish_reason": "tool_calls" if calls else "stop",
            },
            # It has no tokens; words are the nearest that a reader of usage can add up.
            usage_metadata=UsageMetadata(
                input_tokens=num_words, output_tokens=num_said, total_tokens=num_words + num_said
            ),
        )

    def _sound(self, talk: Conversation, number: int) -> Hearable:
        """An audio of the conversation as it is heard."""
        block = talk.audios[number].block
        if self.hear is not None and block.get("file_id"):
            return self.hear(str(block["file_id"]))
        if self._blocks is None:
            self._blocks = BlockListener(self.folder, self.ear)
        return self._blocks.hear(block)


def _turn(scene: Scene, tools: set[str]) -> str | Call:
    """The next tool call of the instruction at hand, or the answer."""
    talk = scene.talk
    if not talk.instruction:
        return "What shall I do with the recording?"
    try:
        plan = make_plan(scene, tools)
        failed = next((done for done in talk.done if done.failed), None)
        if failed is not None:
            return _stopped(plan, scene, tools, failed.text or "a tool failed.")
        if not talk.done:
            check_plan(plan, scene, tools)
        call = next_call(plan, scene, tools)
    except InstructionError as error:
        if talk.done:
            return _stopped(None, scene, tools, str(error))
        return str(error)
    return _answer(plan, scene, tools) if call is None else call


def _answer(plan: Plan, scene: Scene, tools: set[str]) -> str:
    """What was done, and the answers to what was asked, each for the audio it was asked about."""
    called = dict(zip(map(id, plan.calls(tools)), scene.talk.done, strict=False))
    answers = []
    for step in plan.steps:
        done = called.get(id(step))
        number = int(done.arguments["audio"]) if done else scene.number(step.audio)
        try:
            answers.append(answer_to(step, scene, number))
        except InstructionError as error:
            answers.append(str(error))
    said = [report(plan.calls(tools), scene), *answers, *plan.instruction.notes]
    return "\n".join(text for text in said if text)


def _stopped(plan: Plan | None, scene: Scene, tools: set[str], why: str) -> str:
    """Why it stopped, and what had been done."""
    done = report(plan.calls(tools), scene) if plan else ""
    return f"I stopped: {why} {done or 'Nothing was edited.'}"


def _as_tool_call(call: Call, num_before: int) -> ToolCall:
    # The number of the call in the conversation is its id: the same messages give the same reply.
    return ToolCall(
        name=call.tool, args=call.arguments, id=f"call_{num_before + 1}", type="tool_call"
    )

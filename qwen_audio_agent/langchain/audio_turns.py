"""Middleware through which the model of an agent hears the recordings, and what its edits made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import takewhile
from typing import Any, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, AnyMessage, ToolCall, ToolMessage
from langchain_core.runnables.config import run_in_executor
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.types import Command

from qwen_audio_agent.agent import conversation
from qwen_audio_agent.agent.replies import with_own_ids
from qwen_audio_agent.agent.same_message import follow, on_newest
from qwen_audio_agent.chat_models.calling import narrow_plainly
from qwen_audio_agent.chat_models.foreign_audio import with_sound, with_words
from qwen_audio_agent.errors import ToolError
from qwen_audio_agent.langchain.in_order import InOrder
from qwen_audio_agent.langchain.toolkit import SpeechEditingToolkit

_Result = ToolMessage | Command[Any]


class AudioTurns(AgentMiddleware[Any, Any, Any]):
    """Brings audios to the model of `create_agent` as turns of the conversation.

        you     Audio 1: talk.wav, 14.87 s <audio-1>  Cut "middle classes"
        agent   cut(audio=1, words="middle classes")
        tool    Cut "middle classes" (2.34-3.27 s). This made Audio 2 ...
        audio   Audio 2: 13.94 s. heard again at the join: ... clean <audio-2>

    The state holds references only. The models of this package look the sound up by themselves;
    models of others that hear (`audio_inputs` in their profile) get the newest audios as WAV, and
    models that do not hear get the words with their times. Calls of one message are done in order,
    as the package's own `Planner` does them.

    Args:
        toolkit: has the audios.
        num_audios: how many audios a model of others is sent in one call; the older ones are named.
        max_seconds: the most that it is sent of one audio; of a longer one it gets what is around
            the new joins.
        hears_sound: whether a model of others hears; None: what its profile says.
        narrow_tools: tell a model of others in the schemas of the tools which audios there are and
            how long they are.
    """

    def __init__(
        self,
        toolkit: SpeechEditingToolkit,
        *,
        num_audios: int = 2,
        max_seconds: float = 30.0,
        hears_sound: bool | None = None,
        narrow_tools: bool = True,
    ) -> None:
        super().__init__()
        self._toolkit = toolkit
        self._session = toolkit.session
        self._num_audios = num_audios
        self._max_seconds = max_seconds
        self._hears_sound = hears_sound
        self._narrow_tools = narrow_tools
        self._names = {tool.name for tool in toolkit.get_tools()}
        self._in_order = InOrder()

    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """Add the audios that the conversation does not know yet."""
        turn = self._toolkit.audio_turn(state["messages"])
        return {"messages": turn} if turn else None

    async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Add the audios that the conversation does not know yet."""
        return self.before_model(state, runtime)

    def wrap_model_call(
        self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]
    ) -> ModelResponse:
        """Let the model hear."""
        return self._with_own_ids(request, handler(self._heard(request)))

    async def awrap_model_call(
        self, request: ModelRequest, handler: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Let the model hear; what takes a while is done in a thread."""
        heard = await run_in_executor(None, self._heard, request)
        return self._with_own_ids(request, await handler(heard))

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], _Result]
    ) -> _Result:
        """Do the calls of one message in order, each on what the earlier ones made."""
        message = self._message_of(request)
        if message is None:
            return handler(request)
        with self._in_order.turn(*_turn(request, message)):
            ready = self._on_newest(request, message)
            return ready if isinstance(ready, ToolMessage) else handler(ready)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[_Result]]
    ) -> _Result:
        """Do the calls of one message in order, each on what the earlier ones made."""
        message = self._message_of(request)
        if message is None:
            return await handler(request)
        async with self._in_order.aturn(*_turn(request, message)):
            ready = self._on_newest(request, message)
            return ready if isinstance(ready, ToolMessage) else await handler(ready)

    def _heard(self, request: ModelRequest) -> ModelRequest:
        """The request with what its model needs to hear."""
        model, session = request.model, self._session
        if "hear" in getattr(type(model), "model_fields", {}):  # a model of this package
            is_deaf = getattr(model, "hear", None) is None
            hearing = {"hear": self._toolkit.hear}
            return request.override(model=model.model_copy(update=hearing)) if is_deaf else request
        hears = self._hears_sound
        if hears is None:
            hears = bool((getattr(model, "profile", None) or {}).get("audio_inputs"))
        tell = with_sound if hears else with_words
        with session.working:
            messages = tell(
                request.messages,
                self._toolkit.hear,
                num_audios=self._num_audios,
                max_seconds=self._max_seconds,
            )
            tools = self._narrowed(request.tools) if self._narrow_tools else request.tools
        return request.override(messages=cast(list[AnyMessage], messages), tools=tools)

    def _narrowed(
        self, tools: Sequence[BaseTool | dict[str, Any]]
    ) -> list[BaseTool | dict[str, Any]]:
        """The tools, ours with only those audios and times that there are."""
        session = self._session
        lengths = {number: session.audio(number).duration for number in session.numbers}

        def narrowed(tool: BaseTool | dict[str, Any]) -> BaseTool | dict[str, Any]:
            if isinstance(tool, dict) or tool.name not in self._names:
                return tool
            (schema,) = narrow_plainly([convert_to_openai_tool(tool)], lengths)
            return tool.model_copy(update={"args_schema": schema["function"]["parameters"]})

        return [narrowed(tool) for tool in tools]

    def _with_own_ids(self, request: ModelRequest, response: ModelResponse) -> ModelResponse:
        """The response with call ids that nothing before has; see `replies.read_reply`.

        Beside a structured answer stands a result already, which names its call.
        """
        if len(response.result) != 1 or not isinstance(response.result[0], AIMessage):
            return response
        known = conversation.call_ids(request.messages)
        known |= {step.call_id for step in self._session.steps}
        return ModelResponse(
            [with_own_ids(response.result[0], known)], response.structured_response
        )

    def _message_of(self, request: ToolCallRequest) -> AIMessage | None:
        """The message that a call of our tools stands in."""
        call = request.tool_call
        if call["name"] not in self._names:
            return None
        replies = [m for m in _messages(request) if isinstance(m, AIMessage)]
        return next((m for m in reversed(replies) if call["id"] in _ids(m)), None)

    def _on_newest(
        self, request: ToolCallRequest, message: AIMessage
    ) -> ToolCallRequest | ToolMessage:
        """The call on what the calls before it have made, or why it cannot be done."""
        call = request.tool_call
        newest: dict[int, int] = {}
        for step in self._session.steps:
            if step.call_id == call["id"]:  # done before a restart
                break
            if step.call_id in _ids(message):
                follow(newest, step)
        try:
            arguments = on_newest(call["args"], newest)
        except ToolError as error:
            return conversation.refusal(call["id"] or "", call["name"], str(error))
        moved: ToolCall = {**call, "args": arguments}
        return request.override(tool_call=moved)


def _messages(request: ToolCallRequest) -> list[AnyMessage]:
    state = request.state
    messages: list[AnyMessage] = state.get("messages", []) if isinstance(state, dict) else []
    return messages


def _ids(message: AIMessage) -> list[str]:
    return [call["id"] or "" for call in message.tool_calls]


def _turn(request: ToolCallRequest, message: AIMessage) -> tuple[str, str, list[str]]:
    """The message, the call in it, and the calls before it that are still to be done."""
    call_id = request.tool_call["id"] or ""
    done = {m.tool_call_id for m in _messages(request) if isinstance(m, ToolMessage)}
    earlier = takewhile(lambda other: other != call_id, _ids(message))
    return message.id or "", call_id, [other for other in earlier if other not in done]

"""Middleware that ends a run after as many steps, or as much time, as the planner takes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain.agents.middleware.types import PrivateStateAttr, ToolCallRequest
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
)
from langgraph.channels.untracked_value import UntrackedValue
from langgraph.types import Command

from qwen_audio_agent.agent import conversation

_Result = ToolMessage | Command[Any]


class LimitedState(AgentState[Any]):
    """The state of a run that is limited.

    Attributes:
        began_at: by `time.monotonic`; kept in no checkpoint, so that a person may take all the time
            that an answer wants.
    """

    began_at: NotRequired[Annotated[float, UntrackedValue, PrivateStateAttr]]


class RunLimits(AgentMiddleware[Any, Any, Any]):
    """Ends the work on an instruction as `Planner` does, with a last message that says why.

    A reply of the model is as many steps as it has calls, and one without any. Of a reply that
    would go over the limit nothing is done. What was done before is kept.

    List it last, so that it sees a call when its turn has come, and a reply before anybody is asked
    about it.

    Args:
        max_steps: how many tool calls and answers one instruction may take; `create_agent` alone
            stops after thousands.
        max_seconds: time for one run, checked after each tool call; None = no limit.
    """

    state_schema = LimitedState

    def __init__(self, *, max_steps: int = 50, max_seconds: float | None = None) -> None:
        super().__init__()
        self._max_steps = max_steps
        self._max_seconds = max_seconds

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """End where nothing may follow any more."""
        if "began_at" not in state:
            return {"began_at": time.monotonic()}
        if _num_steps(state["messages"]) >= self._max_steps:
            return self._end(f"{self._max_steps} steps")
        if self._is_late(state):
            return self._end(f"{self._max_seconds:g} s")
        return None

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """End where nothing may follow any more."""
        return self.before_model(state, runtime)

    @hook_config(can_jump_to=["end"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """Take a reply back that asks for more than may follow."""
        messages: list[AnyMessage] = state["messages"]
        if not isinstance(messages[-1], AIMessage) or _num_steps(messages) <= self._max_steps:
            return None
        # Nobody would answer its calls, and no model takes calls without answers.
        return self._end(f"{self._max_steps} steps", RemoveMessage(id=messages[-1].id or ""))

    @hook_config(can_jump_to=["end"])
    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Take a reply back that asks for more than may follow."""
        return self.after_model(state, runtime)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], _Result]
    ) -> _Result:
        """Do no further call of a message when the time is over."""
        return self._refusal(request) or handler(request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[_Result]]
    ) -> _Result:
        """Do no further call of a message when the time is over."""
        return self._refusal(request) or await handler(request)

    def _refusal(self, request: ToolCallRequest) -> ToolMessage | None:
        state: Any = request.state if isinstance(request.state, dict) else {}
        call = request.tool_call
        replies = (m for m in reversed(state.get("messages", ())) if isinstance(m, AIMessage))
        calls = next((m.tool_calls for m in replies if call["id"] in _ids(m)), [])
        if not self._is_late(state) or not calls or calls[0]["id"] == call["id"]:
            return None
        text = f"Not done: the {self._max_seconds:g} s for this run are over."
        return conversation.refusal(call["id"] or "", call["name"], text)

    def _is_late(self, state: Any) -> bool:
        if self._max_seconds is None or "began_at" not in state:
            return False
        return bool(time.monotonic() - state["began_at"] > self._max_seconds)

    def _end(self, limit: str, *before: RemoveMessage) -> dict[str, Any]:
        why = f"Stopped: no answer after {limit}; what was done is kept."
        return {"messages": [*before, AIMessage(why)], "jump_to": "end"}


def _num_steps(messages: Sequence[AnyMessage]) -> int:
    """The steps since the person's last word."""
    count = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage) and message.name != conversation.AUDIO:
            break
        if isinstance(message, AIMessage):
            count += max(1, len(message.tool_calls) + len(message.invalid_tool_calls))
    return count


def _ids(message: AIMessage) -> list[str | None]:
    return [call["id"] for call in message.tool_calls]

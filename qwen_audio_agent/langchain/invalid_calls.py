"""Middleware that tells a model what was wrong with a tool call that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from qwen_audio_agent.agent import conversation
from qwen_audio_agent.agent.replies import with_own_ids


class RetryInvalidCalls(AgentMiddleware[Any, Any, Any]):
    """Answers broken tool calls, so that the model may try again; `create_agent` alone just ends.

    List it first: what it sends back to the model is then still counted by the limits.

    Args:
        max_retries: how many replies in a row may hold nothing but broken calls before the run ends
            with the reason.
    """

    def __init__(self, *, max_retries: int = 2) -> None:
        super().__init__()
        self._max_retries = max_retries

    @hook_config(can_jump_to=["model", "end"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002
        """Answer the broken calls of the last reply."""
        messages: list[AnyMessage] = state["messages"]
        reply = next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
        if reply is None or not reply.invalid_tool_calls:
            return None
        others = [message for message in messages if message is not reply]
        own = with_own_ids(reply, conversation.call_ids(others))
        answers = [conversation.unreadable(call) for call in own.invalid_tool_calls]
        update: dict[str, Any] = {"messages": [own, *answers]}
        if own.tool_calls:
            return update
        if _num_broken(messages) <= self._max_retries:
            return update | {"jump_to": "model"}
        why = f"Stopped: no tool call of the last replies could be read. {answers[-1].text}"
        return {"messages": [own, *answers, AIMessage(why)], "jump_to": "end"}

    @hook_config(can_jump_to=["model", "end"])
    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Answer the broken calls of the last reply."""
        return self.after_model(state, runtime)


def _num_broken(messages: Sequence[AnyMessage]) -> int:
    """How many of the last replies in a row hold nothing but broken calls."""
    count = 0
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            if message.tool_calls or not message.invalid_tool_calls:
                break
            count += 1
        elif isinstance(message, HumanMessage):
            break
    return count

"""Agents with all the middleware of the package, and what became of their calls."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from qwen_audio_agent.langchain import SpeechEditingToolkit, editing_middleware

THREAD: Any = {"configurable": {"thread_id": "1"}}


def editor(toolkit: SpeechEditingToolkit, model: Any, **how: Any) -> Any:
    middleware = editing_middleware(toolkit, **how)
    saver = InMemorySaver()
    return create_agent(model, toolkit.get_tools(), middleware=middleware, checkpointer=saver)


def broken(call_id: str | None = "b") -> AIMessage:
    call = {"name": "cut", "args": '{"audio": 1, "wor', "id": call_id, "error": "cut\noff"}
    return AIMessage("", invalid_tool_calls=[call])


def results(messages: list[Any]) -> list[tuple[str, str]]:
    return [(m.status, m.text) for m in messages if isinstance(m, ToolMessage)]

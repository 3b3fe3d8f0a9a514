"""The middleware that an editing agent should have, in the order in which it works together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware

from qwen_audio_agent.langchain.approval import ask_before
from qwen_audio_agent.langchain.audio_turns import AudioTurns
from qwen_audio_agent.langchain.invalid_calls import RetryInvalidCalls
from qwen_audio_agent.langchain.limits import RunLimits
from qwen_audio_agent.langchain.toolkit import SpeechEditingToolkit


def editing_middleware(
    toolkit: SpeechEditingToolkit,
    *,
    ask: Sequence[str] = (),
    max_steps: int = 50,
    max_seconds: float | None = None,
    max_retries: int = 2,
    **audio_turns: Any,
) -> list[AgentMiddleware[Any, Any, Any]]:
    """Audio turns, second tries for broken calls, limits, and questions to a person.

    Args:
        toolkit: has the audios.
        ask: names of tools that a person is asked about, see `ask_before`.
        max_steps: how many tool calls and answers one instruction may take, see `RunLimits`.
        max_seconds: time for one run; None = no limit.
        max_retries: see `RetryInvalidCalls`.
        **audio_turns: see `AudioTurns`.

    Raises:
        ToolError: `ask` names no tool.
    """
    return [
        RetryInvalidCalls(max_retries=max_retries),
        *([ask_before(toolkit, *ask)] if ask else []),
        AudioTurns(toolkit, **audio_turns),
        RunLimits(max_steps=max_steps, max_seconds=max_seconds),
    ]

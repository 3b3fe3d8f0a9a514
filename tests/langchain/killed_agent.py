"""Runs an agent in a folder until it kills itself at a given point.

The points: "asked", a person has been asked; "kept", the second edit is kept, its result not yet.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage
from langgraph.types import Command

from qwen_audio_agent.langchain import editing_middleware
from tests.langchain.file_saver import FileSaver
from tests.langchain.talks import asks, cut, open_talk, scripted, user

THREAD: Any = {"configurable": {"thread_id": "1"}}
TEXT = "alpha bravo charlie delta"
SCRIPT = [asks(cut("bravo")), asks(cut("charlie", 2), cut("alpha", 2)), AIMessage("Done.")]


class KilledAfter(AgentMiddleware):
    """Dies when the session has kept so many steps, before anybody hears of the last."""

    def __init__(self, num_steps: int) -> None:
        super().__init__()
        self.num_steps = num_steps
        self.session: Any = None

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        result = handler(request)
        if len(self.session.steps) >= self.num_steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def agent_in(folder: Path, script: list[AIMessage], *more: Any, ask: bool = False) -> Any:
    toolkit = open_talk(folder, TEXT)
    for middleware in more:
        middleware.session = toolkit.session
    agent = create_agent(
        scripted(*script),
        toolkit.get_tools(),
        middleware=[*more, *editing_middleware(toolkit, ask=["cut"] if ask else [])],
        checkpointer=FileSaver(folder / "checkpoints"),
    )
    return toolkit, agent


def main(folder: Path, point: str) -> None:
    more = [] if point == "asked" else [KilledAfter(2)]
    _, agent = agent_in(folder, SCRIPT, *more, ask=point == "asked")
    agent.invoke(user("Do it"), THREAD, durability="sync")
    if point == "asked":
        agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
        os.kill(os.getpid(), signal.SIGKILL)

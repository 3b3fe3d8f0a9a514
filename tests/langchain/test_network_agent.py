"""An agent whose model is a network of random weights, which a grammar lets write only calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from qwen_audio_agent.langchain import SpeechEditingToolkit, editing_middleware
from tests.langchain.talks import open_talk, user

TIMES = ("start", "end", "at")


@wrap_model_call
def must_call(request: Any, handler: Any) -> Any:
    """The weights know no editing; that they call at all is asked of them."""
    return handler(request.override(tool_choice="any"))


def check(messages: list[Any], toolkit: SpeechEditingToolkit) -> list[dict[str, Any]]:
    """Every call parses, and names an audio and times that there were; all of them."""
    names = {tool.name for tool in toolkit.get_tools()}
    known, calls = 0, []
    for message in messages:
        if isinstance(message, HumanMessage):
            known += sum("file_id" in block for block in message.content if "type" in block)
        if not isinstance(message, AIMessage):
            continue
        assert not message.invalid_tool_calls
        longest = max(toolkit.session.audio(n).duration for n in range(1, known + 1))
        for call in message.tool_calls:
            assert call["name"] in names
            assert 1 <= call["args"]["audio"] <= known
            assert 1 <= call["args"].get("other", 1) <= known
            assert all(0 <= call["args"].get(name, 0) <= longest + 0.005 for name in TIMES)
        calls += message.tool_calls
    answered = [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
    assert answered == [call["id"] for call in calls]
    return calls


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_a_network_edits_through_create_agent_and_writes_only_calls_that_fit(
    make, tmp_path: Path, how: str
) -> None:
    with open_talk(tmp_path, "alpha bravo um charlie 1.2 delta") as toolkit:
        chosen = ["gain", "tidy", "denoise"]  # that need no words, which it could not know
        tools = [tool for tool in toolkit.get_tools() if tool.name in chosen]
        model = make("tiny", temperature=1.0, top_p=1.0, max_tokens=3000, seed=7)
        middleware = [must_call, *editing_middleware(toolkit, max_steps=4)]
        agent = create_agent(model, tools, middleware=middleware)
        if how == "invoke":
            done = agent.invoke(user("Do it"))["messages"]
        else:
            *_, (_, state) = agent.stream(user("Do it"), stream_mode=["messages", "values"])
            done = state["messages"]
        calls = check(done, toolkit)
        assert len(calls) >= 3
        assert {call["name"] for call in calls} <= set(chosen)
        assert toolkit.session.steps
        usage = [m.usage_metadata for m in done if isinstance(m, AIMessage) and m.usage_metadata]
        assert all(used["input_token_details"]["audio"] > 0 for used in usage)
        assert done[-1].text == "Stopped: no answer after 4 steps; what was done is kept."


def test_a_network_may_call_every_tool(make, tmp_path: Path) -> None:
    """Whatever it writes is a call that a tool does, or refuses with what is allowed."""
    with open_talk(tmp_path, "alpha bravo charlie", "delta echo") as toolkit:
        model = make("tiny", temperature=1.0, top_p=1.0, max_tokens=6000, seed=3)
        middleware = [must_call, *editing_middleware(toolkit, max_steps=6)]
        agent = create_agent(model, toolkit.get_tools(), middleware=middleware)
        done = agent.invoke(user("Do it"))["messages"]
        assert check(done, toolkit)
        refused = [m.text for m in done if isinstance(m, ToolMessage) and m.status == "error"]
        assert not any("Traceback" in text or str(tmp_path) in text for text in refused)

"""Agents that go wrong, are stopped, ask a person, and work side by side."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_tool_call
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command

from qwen_audio_agent import QwenAudioAgentError
from qwen_audio_agent.langchain import RetryInvalidCalls, editing_middleware
from tests.langchain.agents import THREAD, broken, editor, results
from tests.langchain.talks import asks, cut, heard, open_talk, scripted, user


def test_a_broken_call_is_answered_and_tried_again(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(broken(), broken(None), asks(cut("bravo")), AIMessage("Done."))
        done = editor(toolkit, model).invoke(user("Do it"), THREAD)["messages"]
        why = "This is no tool call that can be read: cut off."
        assert results(done)[:2] == [("error", why)] * 2
        assert results(done)[2][0] == "success"
        ids = [m.tool_call_id for m in done if isinstance(m, ToolMessage)]
        assert len(set(ids)) == 3
        assert heard(toolkit, 2) == "alpha charlie"


def test_broken_calls_beside_good_ones_are_answered_too(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        both = asks(cut("bravo"))
        both.invalid_tool_calls = broken().invalid_tool_calls
        model = scripted(both, AIMessage("Done."))
        done = editor(toolkit, model).invoke(user("Do it"), THREAD)["messages"]
        assert sorted(status for status, _ in results(done)) == ["error", "success"]


async def test_broken_calls_end_with_the_reason(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha") as toolkit:
        model = scripted(*[broken()] * 5)
        middleware = [RetryInvalidCalls(max_retries=2)]
        agent = create_agent(model, toolkit.get_tools(), middleware=middleware)
        done = (await agent.ainvoke(user("Do it")))["messages"]
        assert len(model.requests) == 3
        assert done[-1].text == (
            "Stopped: no tool call of the last replies could be read. "
            "This is no tool call that can be read: cut off."
        )


def test_retries_count_against_the_limit(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha") as toolkit:
        model = scripted(*[broken()] * 9)
        agent = editor(toolkit, model, max_steps=3, max_retries=20)
        done = agent.invoke(user("Do it"), THREAD)["messages"]
        assert len(model.requests) == 3
        assert done[-1].text == "Stopped: no answer after 3 steps; what was done is kept."


def test_a_model_that_never_answers_is_stopped(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(*[asks(("listen", {"audio": 1})) for _ in range(9)])
        done = editor(toolkit, model, max_steps=4).invoke(user("Do it"), THREAD)["messages"]
        assert len(model.requests) == 4
        assert done[-1].text == "Stopped: no answer after 4 steps; what was done is kept."
        # The reply that asks for too much is taken back, and the next instruction begins anew.
        many = scripted(asks(*[("listen", {"audio": 1})] * 5), asks(cut("bravo")), AIMessage("C."))
        agent = editor(toolkit, many, max_steps=4)
        done = agent.invoke(user("Do it"), THREAD)["messages"]
        assert results(done) == []
        assert [message.type for message in done] == ["human", "ai"]
        done = agent.invoke(user("Only bravo"), THREAD)["messages"]
        assert done[-1].text == "C."
        assert heard(toolkit, 2) == "alpha charlie"


async def test_when_the_time_is_over_what_was_begun_is_ended(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        for run in ("in threads", "in an event loop"):
            calls = asks(("listen", {"audio": 1}), cut("bravo"), ("fly", {"audio": 1}))
            agent = editor(toolkit, scripted(calls), max_seconds=0)
            if run == "in threads":
                done = agent.invoke(user("Do it"), THREAD)["messages"]
            else:
                done = (await agent.ainvoke(user("Do it"), THREAD))["messages"]
            assert [status for status, _ in results(done)] == ["success", "error", "error"]
            assert results(done)[1][1] == "Not done: the 0 s for this run are over."
            assert done[-1].text == "Stopped: no answer after 0 s; what was done is kept."
        assert toolkit.session.latest == 1


def test_a_person_may_take_their_time(tmp_path: Path) -> None:
    """The clock of a run does not go on while a person is asked, nor in another process."""
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(asks(cut("bravo")), AIMessage("Done."))
        agent = editor(toolkit, model, ask=["cut"], max_seconds=300)
        agent.invoke(user("Do it"), THREAD)
        assert "began_at" not in agent.get_state(THREAD).values
        done = agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
        assert done["messages"][-1].text == "Done."
        assert "began_at" not in done


def test_a_person_is_asked_with_the_words_and_seconds(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(asks(cut("bravo"), ("listen", {"audio": 1})), AIMessage("Done."))
        agent = editor(toolkit, model, ask=["cut"])
        asked = agent.invoke(user("Do it"), THREAD)
        (question,) = asked["__interrupt__"][0].value["action_requests"]
        assert question["description"] == (
            'Cut "bravo" (0.65-0.96 s). 1.65 s become 1.34 s. At 0.65-0.96 s is heard "bravo".'
        )
        assert toolkit.session.latest == 1
        done = agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
        assert done["messages"][-1].text == "Done."
        assert heard(toolkit, 2) == "alpha charlie"


def test_a_person_may_change_or_reject_a_call(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(asks(cut("bravo"), cut("alpha")), asks(cut("nothing")), AIMessage("Done."))
        agent = editor(toolkit, model, ask=["cut"])
        agent.invoke(user("Do it"), THREAD)
        edited = {"name": "cut", "args": {"audio": 1, "words": "charlie"}}
        decisions = [
            {"type": "reject", "message": "It is needed."},
            {"type": "edit", "edited_action": edited},
        ]
        again = agent.invoke(Command(resume={"decisions": decisions}), THREAD)
        assert heard(toolkit, 2) == "alpha bravo"
        assert "It is needed." in results(again["messages"])[0][1]
        (question,) = again["__interrupt__"][0].value["action_requests"]
        assert question["description"].startswith('cut cannot be done: "nothing" is not heard')
        done = agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
        assert results(done["messages"])[-1][0] == "error"
        assert toolkit.session.latest == 2


def test_only_tools_can_be_asked_about(tmp_path: Path) -> None:
    with (
        open_talk(tmp_path, "alpha") as toolkit,
        pytest.raises(QwenAudioAgentError, match="no tool 'export'"),
    ):
        editing_middleware(toolkit, ask=["export"])


async def test_agents_work_side_by_side(tmp_path: Path) -> None:
    words = ["alpha", "bravo", "charlie", "delta", "echo"]

    async def edit(name: str, gone: list[str]) -> str:
        with open_talk(tmp_path / name, " ".join(words)) as toolkit:
            asked = [asks(cut(word, number)) for number, word in enumerate(gone, start=1)]
            agent = editor(toolkit, scripted(*asked, AIMessage("Done.")))
            await agent.ainvoke(user("Do it"), THREAD)
            return heard(toolkit, toolkit.result)

    said = await asyncio.gather(
        edit("a", ["alpha", "bravo", "charlie"]),
        edit("b", ["echo", "delta", "charlie"]),
        edit("c", ["bravo", "delta"]),
    )
    assert said == ["delta echo", "alpha bravo", "alpha charlie echo"]


def test_a_call_that_never_begins_is_not_waited_for(tmp_path: Path) -> None:
    @wrap_tool_call
    def answer_alpha(request: Any, handler: Any) -> Any:
        if request.tool_call["args"]["words"] == "alpha":
            return ToolMessage("Not today.", tool_call_id=request.tool_call["id"])
        return handler(request)

    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(asks(cut("alpha"), cut("bravo")), AIMessage("Done."))
        middleware = [answer_alpha, *editing_middleware(toolkit)]
        create_agent(model, toolkit.get_tools(), middleware=middleware).invoke(user("Do it"))
        assert heard(toolkit, toolkit.result) == "alpha charlie"


async def test_agents_may_share_a_session(tmp_path: Path) -> None:
    words = ["alpha", "bravo", "charlie", "delta"]
    with open_talk(tmp_path, " ".join(words)) as toolkit:
        agents = [editor(toolkit, scripted(asks(cut(w)), AIMessage("Done."))) for w in words]
        await asyncio.gather(*[agent.ainvoke(user("Do it"), THREAD) for agent in agents])
        assert [step.given for step in toolkit.session.steps] == [1] * 4
        assert {step.arguments["words"] for step in toolkit.session.steps} == set(words)

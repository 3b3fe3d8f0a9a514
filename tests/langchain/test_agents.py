"""Agents that go wrong, are stopped, ask a person, work side by side, and do as planners do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_tool_call
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from qwen_audio_agent import Planner, QwenAudioAgentError
from qwen_audio_agent.langchain import (
    OfflineChatModel,
    RetryInvalidCalls,
    SpeechEditingToolkit,
    editing_middleware,
)
from tests.langchain.talks import asks, cut, heard, open_talk, scripted, user

THREAD = {"configurable": {"thread_id": "1"}}


def editor(toolkit: SpeechEditingToolkit, model: Any, **how: Any) -> Any:
    middleware = editing_middleware(toolkit, **how)
    saver = InMemorySaver()
    return create_agent(model, toolkit.get_tools(), middleware=middleware, checkpointer=saver)


def broken(call_id: str | None = "b") -> AIMessage:
    call = {"name": "cut", "args": '{"audio": 1, "wor', "id": call_id, "error": "cut\noff"}
    return AIMessage("", invalid_tool_calls=[call])


def results(messages: list[Any]) -> list[tuple[str, str]]:
    return [(m.status, m.text) for m in messages if isinstance(m, ToolMessage)]


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
        assert "limit" in done[-1].text


def test_a_model_that_never_answers_is_stopped(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(*[asks(("listen", {"audio": 1})) for _ in range(9)])
        done = editor(toolkit, model, max_steps=4).invoke(user("Do it"), THREAD)["messages"]
        assert len(model.requests) == 4
        assert "limit" in done[-1].text
        many = scripted(asks(*[("listen", {"audio": 1})] * 9), AIMessage("Done."))
        done = editor(toolkit, many, max_steps=4).invoke(user("Do it"), THREAD)["messages"]
        assert [status for status, _ in results(done)].count("success") == 4


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


SCRIPTS: dict[str, Callable[[], list[AIMessage]]] = {
    "one after the other": lambda: [asks(cut("bravo")), asks(cut("um", 2)), AIMessage("Done.")],
    "at once": lambda: [
        asks(cut("bravo"), cut("um"), ("silence", {"audio": 1, "words": "alpha"})),
        AIMessage("Done."),
    ],
    "with mistakes": lambda: [
        asks(cut("zulu")),
        broken(),
        asks(cut("bravo"), ("cut", {"audio": 1, "start": 0.1, "end": 0.2})),
        asks(("fly", {"audio": 1})),
        asks(("undo", {"audio": 2})),
        AIMessage("Done."),
    ],
    "all tools": lambda: [
        asks(("tidy", {"audio": 1}), ("gain", {"audio": 1, "db": -6})),
        asks(("move", {"audio": 3, "words": "alpha", "after": "delta"}), ("denoise", {"audio": 2})),
        asks(("insert", {"audio": 4, "other": 1, "words": "bravo"}), ("listen", {"audio": 5})),
        AIMessage("Done."),
    ],
    "without an end": lambda: [asks(cut(w)) for w in ["alpha", "bravo", "charlie", "delta", "um"]],
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_agent_and_planner_make_the_same_edits(tmp_path: Path, script: str) -> None:
    text = "alpha bravo um charlie 1.2 delta"
    limit = 3 if script == "without an end" else 20
    with open_talk(tmp_path / "a", text) as ours, open_talk(tmp_path / "b", text) as theirs:
        planner = Planner(ours.session, scripted(*SCRIPTS[script]()), max_steps=limit)
        stopped = pytest.raises(QwenAudioAgentError, match="no answer after 3 steps")
        with stopped if limit == 3 else nullcontext():
            list(planner.run("Do it"))
        agent = editor(theirs, scripted(*SCRIPTS[script]()), max_steps=limit)
        done = agent.invoke(user("Do it"), THREAD)["messages"]
        statuses = [status for status, _ in results(ours.session.messages)]
        assert sorted(status for status, _ in results(done)) == sorted(statuses)
        for one, other in zip(ours.session.steps, theirs.session.steps, strict=True):
            assert {**one.to_json(), "call_id": ""} == {**other.to_json(), "call_id": ""}
        for number in ours.session.numbers:
            made = [toolkit.session.entry(number).edit_list.id for toolkit in (ours, theirs)]
            assert made[0] == made[1]
        ours.render(tmp_path / "a.wav")
        theirs.render(tmp_path / "b.wav")
        assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_the_offline_model_plans_the_same_in_both(tmp_path: Path) -> None:
    text = "alpha bravo charlie delta"
    with open_talk(tmp_path / "a", text) as ours, open_talk(tmp_path / "b", text) as theirs:
        order = 'Cut "bravo" and make it 3 dB louder'
        *_, answer = Planner(ours.session, OfflineChatModel(hear=ours.hear)).run(order)
        done = editor(theirs, OfflineChatModel()).invoke(user(order), THREAD)["messages"]
        assert done[-1].text == answer.text
        assert len(theirs.session.steps) == 2
        kept = [message for message in ours.session.messages if isinstance(message, HumanMessage)]
        told = [message for message in done if isinstance(message, HumanMessage)]
        assert [m.content for m in told] == [m.content for m in kept]


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

"""Whatever a model replies: a tool refuses it, or does it; the session goes on and opens again."""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ToolMessage

from qwen_audio_agent.agent.events import Answer, Refused
from qwen_audio_agent.agent.langchain_tools import make_tools
from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.agent.steps import finish, perform
from qwen_audio_agent.agent.tools import TOOLS
from qwen_audio_agent.chat_models.scripted import ScriptedChatModel
from qwen_audio_agent.errors import LimitReached, ToolError

HUGE = 10**5000


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def call(name: str = "gain", id: str | None = "1", **arguments: Any) -> dict[str, Any]:  # noqa: A002
    return {"name": name, "args": arguments, "id": id}


def run(session: Session, *replies: AIMessage, **limits: Any) -> list[Any]:
    model = ScriptedChatModel(messages=[*replies, AIMessage("Done.")])
    return list(Planner(session, model, **limits).run("Do it"))


def opened_again(session: Session) -> Session:
    session.close()
    with Session.open(session.folder, ear=session.ear, num_workers=1) as again:
        assert again.messages == session.messages
        return again


@pytest.mark.parametrize(
    "arguments",
    [
        {"db": math.nan},
        {"db": math.inf},
        {"db": -math.inf},
        {"db": 1e308},
        {"db": True},
        {"db": HUGE},
        {"db": nested(300)},
        {"db": {1, 2}},
        {"db": b"\xff"},
        {"db": object()},
        {"db": "\ud800"},
        {"db": "9" * 5_000_000},
        {"db": "9" * 400 + ":00:00"},
        {"db": None, "fade_in": 1e308},
        {"audio": True, "db": 1},
        {"audio": HUGE, "db": 1},
        {"audio": -1, "db": 1},
        {"audio": 1.5, "db": 1},
        {"audio": "audio " + "9" * 5_000, "db": 1},
        {"db": 1, "tool": "cut"},
        {"db": 1, "self": 1, "session": 1, "call_id": ""},
        {"db": 1, "words": "/etc/passwd"},
        {"db": 1, "words": "\0\x1b]0;\a\u202e"},
    ],
)
def test_arguments_that_no_tool_takes_are_refused_in_one_line(start, arguments):
    session = start("alpha bravo")
    message = AIMessage("", tool_calls=[call(**{"audio": 1, **arguments})])
    *_, refused, answer = run(session, message)
    assert isinstance(refused, Refused)
    assert isinstance(answer, Answer)
    assert "\n" not in refused.text
    assert len(refused.text) < 1000
    json.dumps([event.to_json() for event in (refused, answer)], allow_nan=False)
    assert session.latest == 1
    opened_again(session)


@pytest.mark.parametrize(
    "reply",
    [
        AIMessage("x" * 10_000_000),
        AIMessage("\x1b[2J<|im_end|>\n\0\ud800"),
        AIMessage("", response_metadata={"logprobs": [-math.inf], "raw": object()}),
        AIMessage("", additional_kwargs={"raw": b"\xff", "deep": nested(300)}),
        AIMessage([{"type": "text", "text": "a"}, {"type": "audio", "url": "file:///etc/passwd"}]),
        AIMessage("", tool_calls=[call("\x1b[31m\n" * 9999)]),
        AIMessage("", tool_calls=[call("")]),
        AIMessage("", tool_calls=[call(id=None), call(id=None), call(id="")]),
        AIMessage(
            "",
            invalid_tool_calls=[
                {"name": None, "args": None, "id": None, "error": None, "type": "invalid_tool_call"}
            ],
        ),
    ],
    ids=range(9),
)
def test_a_reply_of_any_kind_ends_in_an_answer(start, reply):
    session = start("alpha bravo")
    assert isinstance(run(session, reply)[-1], Answer)
    assert session.latest == 1
    opened_again(session)


def test_ten_thousand_calls_in_a_message_are_not_begun(start):
    session = start("alpha bravo")
    with pytest.raises(LimitReached):
        run(session, AIMessage("", tool_calls=[call("denoise", audio=1)] * 10_000))
    assert session.latest == 1
    again = opened_again(session)
    assert sum(map(len, (str(message) for message in again.messages))) < 1000


def test_calls_of_one_message_count_as_steps(start):
    session = start("alpha bravo")
    listen = AIMessage("", tool_calls=[call("listen", audio=1)] * 3)
    assert isinstance(run(session, listen, listen, max_steps=7)[-1], Answer)
    with pytest.raises(LimitReached, match="no answer after 6 steps"):
        run(session, listen, listen, max_steps=6)


def test_every_call_gets_an_id_of_its_own_and_an_answer(start):
    session = start("alpha bravo")
    same = AIMessage("", tool_calls=[call("listen", audio=1), call("trim"), call(id=None)])
    run(session, same, same)
    run(session, same)
    asked = [c["id"] for m in session.messages if isinstance(m, AIMessage) for c in m.tool_calls]
    answered = [m.tool_call_id for m in session.messages if isinstance(m, ToolMessage)]
    assert asked == answered
    assert max(Counter(asked).values()) == 1
    assert asked[:2] == ["1", "1_2"]


NUMBERS = st.floats(-1, 6) | st.floats() | st.integers() | st.sampled_from(["1 s", "0:01", "-3 dB"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20) | st.sampled_from([10**4000, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FITTING = {
    **dict.fromkeys(["audio", "other"], st.sampled_from([1, 2, "Audio 2"])),
    **dict.fromkeys(
        ["words", "to_words", "before", "after", "other_words"],
        st.sampled_from(["alpha", "bravo", "charlie", "delta", "um", "", "\0"]),
    ),
    "which": st.sampled_from(["only", "first", "second", "last", "every"]),
    "part": st.sampled_from(["it", "before", "after"]),
    "fill": st.sampled_from(["room", "bleep", "digital"]),
    "what": st.sampled_from(["fillers", "pauses"]),
    "name": st.sampled_from(["normalize", "highpass", "compress", "deess", "declick", "tempo"]),
}


@st.composite
def tool_calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A tool with arguments that mostly fit: what never fits is refused before it does harm."""
    tool = draw(st.sampled_from(sorted(TOOLS)))
    names = list(TOOLS[tool].arguments.model_fields)
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    if draw(st.integers(0, 9)):
        chosen += [name for name in ("audio", "other", "words") if name in names]
    arguments = {}
    for name in chosen:
        fits = draw(st.integers(0, 7)) > 0
        arguments[name] = draw(FITTING.get(name, NUMBERS) if fits else ANYTHING)
    if not draw(st.integers(0, 19)):
        arguments[draw(st.text(max_size=9))] = draw(ANYTHING)
    return tool, arguments


def check_tools(session: Session, num: int) -> None:
    in_langchain = {tool.name: tool for tool in make_tools(session)}

    @settings(
        max_examples=num, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(tool_calls())
    def check(asked: tuple[str, dict[str, Any]]) -> None:
        tool, arguments = asked
        with contextlib.suppress(ToolError):
            finish(perform(session, tool, arguments))
        request = {"type": "tool_call", "id": "1", "name": tool, "args": arguments}
        result = in_langchain[tool].invoke(request)
        assert "\n" not in result.text
        assert len(result.text) < 2000

    check()
    opened_again(session)


def test_every_tool_takes_or_refuses_any_arguments(start):
    check_tools(start("alpha bravo um charlie 1.0 alpha", "delta"), 60)


@pytest.mark.slow
def test_every_tool_takes_or_refuses_very_many_arguments(start):
    check_tools(start("alpha bravo um charlie 1.0 alpha", "delta"), 1500)

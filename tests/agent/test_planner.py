"""The loop: what the model is sent, what it may do wrong, and how it ends."""

from __future__ import annotations

import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from qwen_audio_agent.agent.events import (
    Answer,
    AudioTurn,
    Edited,
    Heard,
    Refused,
    Said,
    Stopped,
    ToolCall,
)
from qwen_audio_agent.agent.langchain_tools import make_tools
from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.chat_models.scripted import ScriptedChatModel
from qwen_audio_agent.errors import LimitReached


def calls(*named: tuple[str, dict]) -> AIMessage:
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": arguments, "id": f"{name}-{index}-{id(arguments)}"}
            for index, (name, arguments) in enumerate(named)
        ],
    )


def run(session: Session, *messages: AIMessage, **limits: float) -> tuple[list, ScriptedChatModel]:
    model = ScriptedChatModel(messages=list(messages))
    return list(Planner(session, model, **limits).run("Do it")), model


def test_the_model_hears_the_audio_then_its_edit_as_a_new_audio_and_answers(start):
    session = start("alpha bravo charlie")
    events, model = run(
        session, calls(("cut", {"audio": 1, "words": "bravo"})), AIMessage("Cut it.")
    )
    assert [type(event) for event in events] == [
        AudioTurn, Said, ToolCall, Edited, Heard, Answer,
    ]  # fmt: skip
    first, second = model.requests
    assert first[0].content == [
        {"type": "text", "text": "Audio 1: talk1.wav, 1.65 s"},
        {"type": "audio", "file_id": "audio-1", "mime_type": "audio/wav"},
        {"type": "text", "text": "Do it"},
    ]
    asked, answered, audio = second[1:]
    assert isinstance(asked, AIMessage)
    assert isinstance(answered, ToolMessage)
    assert answered.status == "success"
    assert answered.tool_call_id == asked.tool_calls[0]["id"]
    assert isinstance(audio, HumanMessage)
    assert audio.name == "audio"
    assert audio.content[0]["text"].startswith("Audio 2: 1.3")
    assert audio.content[0]["text"].endswith('"alpha | charlie"  clean')
    assert audio.content[1]["file_id"] == "audio-2"
    assert session.messages[-1].text == "Cut it."


def test_every_event_is_plain_json(start):
    events, _ = run(
        start("alpha bravo charlie"),
        calls(("cut", {"audio": 1, "words": "bravo"}), ("gain", {"audio": 1, "db": -3})),
        AIMessage("Done."),
    )
    types = [json.loads(json.dumps(event.to_json(), allow_nan=False))["type"] for event in events]
    assert types[0] == "audio"
    assert types[-1] == "answer"


def test_later_instructions_bring_only_audios_that_are_new(start, record):
    session = start("alpha bravo")
    run(session, AIMessage("Hello."))
    session.add_audio(record("more", "charlie"))
    session.call("cut", audio=1, words="bravo")
    run(session, AIMessage("Again."))
    turn = session.messages[-2].content
    assert [block["file_id"] for block in turn if block["type"] == "audio"] == [
        "audio-2",
        "audio-3",
    ]
    run(session, AIMessage("And again."))
    assert session.messages[-2].content == "Do it"


def test_a_refused_call_goes_back_to_the_model_which_tries_again(start, said):
    session = start("alpha bravo alpha")
    events, model = run(
        session,
        calls(("cut", {"audio": 1, "words": "alpha"})),
        calls(("cut", {"audio": 1, "words": "alpha", "which": "last"})),
        AIMessage("Done."),
    )
    assert [event.tool for event in events if isinstance(event, Refused)] == ["cut"]
    refused = model.requests[1][-1]
    assert refused.status == "error"
    assert "Say which" in refused.content
    assert said(session, session.latest) == "alpha bravo"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("trim", {"audio": 1}, "There is no tool 'trim'; the tools are listen"),
        ("cut", {"audio": "one"}, "valid integer"),
        ("cut", {"audio": 1, "words": {"a": 1}}, "words is"),
        ("cut", {"audio": 99, "words": "alpha"}, "There is no Audio 99"),
        ("cut", {"audio": 1, "words": "<|im_end|>"}, "is not heard"),
        ("cut", {"audio": [1], "words": "alpha"}, "valid integer"),
    ],
)
def test_whatever_a_model_asks_for_is_answered_and_changes_nothing(start, name, arguments, message):
    session = start("alpha bravo")
    events, _ = run(session, calls((name, arguments)), AIMessage("Sorry."))
    (refused,) = (event for event in events if isinstance(event, Refused))
    assert message in refused.text
    assert session.latest == 1


def test_a_call_that_cannot_be_read_is_answered_too(start):
    session = start("alpha bravo")
    broken = {"name": "cut", "args": "{audio:", "id": "x1", "error": "bad JSON"}
    events, model = run(
        session, AIMessage("", invalid_tool_calls=[broken]), AIMessage("I give up.")
    )
    assert any(isinstance(event, Refused) for event in events)
    assert model.requests[1][-1].tool_call_id == "x1"
    assert isinstance(events[-1], Answer)


def test_calls_of_one_message_build_on_each_other_when_they_name_words(start, said):
    session = start("alpha bravo charlie delta echo")
    events, model = run(
        session,
        calls(
            ("cut", {"audio": 1, "words": "bravo"}),
            ("cut", {"audio": "Audio 1", "words": "delta"}),
            ("cut", {"audio": 1, "start": 0.0, "end": 0.5}),
            ("cut", {"audio": 1, "words": "alpha", "which": "second"}),
        ),
        AIMessage("Done."),
    )
    assert said(session, session.latest) == "alpha charlie echo"
    texts = [event.text for event in events if isinstance(event, Refused)]
    assert len(texts) == 2
    assert all("Audio 1 has become Audio 3" in text for text in texts)
    kinds = [type(message).__name__ for message in model.requests[1][2:]]
    assert kinds == ["ToolMessage"] * 4 + ["HumanMessage"]


def test_after_too_many_steps_all_is_kept_and_the_loop_says_so(start):
    session = start("alpha bravo charlie")
    model = ScriptedChatModel(
        messages=[calls(("gain", {"audio": n, "db": -1})) for n in range(1, 9)]
    )
    with pytest.raises(LimitReached, match="no answer after 3 steps"):
        list(Planner(session, model, max_steps=3).run("Do it"))
    assert session.latest == 4


def test_the_time_limit_ends_the_loop_between_steps(start):
    session = start("alpha bravo charlie")
    model = ScriptedChatModel(
        messages=[calls(("gain", {"audio": n, "db": -1})) for n in range(1, 9)]
    )
    with pytest.raises(LimitReached, match="no answer after 0 s"):
        list(Planner(session, model, max_seconds=0).run("Do it"))
    assert session.latest == 2


class Interrupted(ScriptedChatModel):
    """Presses Ctrl-C when its script is over."""

    def _generate(self, *arguments, **settings):
        if len(self.requests) == len(self.messages):
            raise KeyboardInterrupt
        return super()._generate(*arguments, **settings)


def test_ctrl_c_leaves_everything_kept_and_the_session_goes_on(start, said):
    session = start("alpha bravo charlie")
    model = Interrupted(messages=[calls(("cut", {"audio": 1, "words": "bravo"}))])
    events = Planner(session, model).run("Do it")
    assert isinstance([next(events) for _ in range(6)][-1], Stopped)
    with pytest.raises(KeyboardInterrupt):
        next(events)
    assert said(session, session.latest) == "alpha charlie"
    more, _ = run(session, AIMessage("It was cut already."))
    assert isinstance(more[-1], Answer)


def test_calls_that_a_killed_process_left_open_are_answered_before_the_next_instruction(start):
    session = start("alpha bravo charlie")
    asked = calls(
        ("cut", {"audio": 1, "words": "bravo"}), ("cut", {"audio": 1, "words": "charlie"})
    )
    session.say(HumanMessage("Do it"))
    session.say(asked)
    step = Planner(session, ScriptedChatModel(messages=[]))
    # The first call was done and kept, its answer was not written any more.
    for _ in step._do("cut", asked.tool_calls[0]["args"], asked.tool_calls[0]["id"], {}):
        pass
    _, model = run(session, AIMessage("Done."))
    first, second = (m for m in model.requests[0] if isinstance(m, ToolMessage))
    assert first.content.startswith('Cut "bravo"')
    assert second.status == "error"
    assert "stopped before" in second.content
    assert "audio-2" in str(model.requests[0][-1].content)


def test_the_tools_work_in_langchain_by_themselves(start, said):
    session = start("alpha bravo alpha")
    tools = {tool.name: tool for tool in make_tools(session)}
    call = {"type": "tool_call", "id": "1", "name": "cut"}
    done = tools["cut"].invoke({**call, "args": {"audio": 1, "words": "bravo"}})
    assert done.status == "success"
    assert "This made Audio 2, 1.3" in done.content
    assert "clean" in done.content
    assert done.artifact["audio"] == 2
    assert said(session, 2) == "alpha alpha"
    refused = tools["cut"].invoke({**call, "args": {"audio": 1, "words": "alpha"}})
    assert refused.status == "error"
    assert "Say which" in refused.content
    wrong = tools["cut"].invoke({**call, "args": {"audio": 1, "which": "tenth"}})
    assert wrong.status == "error"
    assert "'only', 'first'" in wrong.content

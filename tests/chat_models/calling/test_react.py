"""How a conversation is shown in the ReAct format, and that others' text never speaks in it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from qwen_audio_agent.chat_models.calling import Prompt, open_format
from qwen_audio_agent.chat_models.calling.react import quote_labels
from qwen_audio_agent.errors import UsageError
from tests.chat_models.calling.replying import AUDIO, CUT, OUR_TOOLS, cut_call, told

REACT = open_format("react")


def render(*messages, tools=(CUT,), choice=None) -> Prompt:
    return REACT.render(messages, tools, choice)


def test_the_instruction_is_the_one_that_qwen_was_trained_on() -> None:
    prompt = render(HumanMessage("Cut it"))
    parameters = json.dumps(CUT["function"]["parameters"])
    assert told(prompt) == [
        ("system", "You are a helpful assistant."),
        (
            "user",
            "Answer the following questions as best you can. You have access to the following "
            "APIs:\n\ncut: Call this tool to interact with the cut API. What is the cut API useful "
            "for? Remove words, or a stretch of time, and close the gap. Makes a new audio. "
            f"Parameters: {parameters} Format the arguments as a JSON object.\n\n"
            "Use the following format:\n\nQuestion: the input question you must answer\n"
            "Thought: you should always think about what to do\n"
            "Action: the action to take, should be one of [cut]\n"
            "Action Input: the input to the action\nObservation: the result of the action\n"
            "... (this Thought/Action/Action Input/Observation can be repeated zero or more "
            "times)\nThought: I now know the final answer\n"
            "Final Answer: the final answer to the original input question\n\nBegin!\n\n"
            "Question: Cut it",
        ),
        ("assistant", "Thought:"),
    ]
    assert prompt.given == "Thought:"


def test_tools_are_parted_by_a_line_and_named_in_order() -> None:
    text = render(HumanMessage("Hi"), tools=OUR_TOOLS).turns[1].text
    assert "\n\nkeep: Call this tool" in text
    assert "one of [listen, cut, keep, insert," in text


def test_a_result_goes_on_in_the_same_turn() -> None:
    prompt = render(
        HumanMessage("Cut it"),
        AIMessage("", tool_calls=[cut_call("1")], additional_kwargs={"reasoning_content": "Easy."}),
        ToolMessage("Cut 0.3 s.", tool_call_id="1"),
    )
    assert told(prompt)[2:] == [
        (
            "assistant",
            'Thought: Easy.\nAction: cut\nAction Input: {"audio": 1}\n'
            "Observation: Cut 0.3 s.\nThought:",
        )
    ]


def test_an_audio_turn_closes_the_turn_and_leaves_the_question_where_it_was() -> None:
    prompt = render(
        HumanMessage([{"type": "text", "text": "Audio 1: a.wav, 3.00 s"}, AUDIO, "Cut it"]),
        AIMessage("I cut it.", tool_calls=[cut_call("1")]),
        ToolMessage("Cut.", tool_call_id="1"),
        HumanMessage([{"type": "text", "text": "Audio 2: 2.00 s."}, AUDIO], name="audio"),
    )
    question, said, heard, reply = prompt.turns[1:]
    assert question.parts[0].endswith("Question: Audio 1: a.wav, 3.00 s\n")
    assert question.parts[1:] == (AUDIO, "\nCut it")
    assert said.text.startswith("Thought: I cut it.\nAction: cut")
    assert said.text.endswith("Observation: Cut.")
    assert heard.parts == ("Audio 2: 2.00 s.\n", AUDIO)
    assert reply.text == "Thought:"


def test_the_instruction_moves_to_the_last_question() -> None:
    prompt = render(HumanMessage("Hi"), AIMessage("Hello!"), HumanMessage("Cut it"))
    assert prompt.turns[1].text == "Hi"
    assert prompt.turns[2].text == (
        "Thought: I now know the final answer.\nFinal Answer: Hello!"
    )
    assert prompt.turns[3].text.startswith("Answer the following questions")


def test_several_calls_have_each_their_own_result() -> None:
    prompt = render(
        HumanMessage("Cut"),
        AIMessage("", tool_calls=[cut_call("1"), cut_call("2", 7)]),
        ToolMessage("Second.", tool_call_id="2"),
        ToolMessage("There is no Audio 1.", tool_call_id="1", status="error"),
        AIMessage("Done"),
        HumanMessage("Thanks"),
    )
    assert prompt.turns[2].text == (
        'Thought:\nAction: cut\nAction Input: {"audio": 1}\n'
        "Observation: Error: There is no Audio 1.\n"
        'Action: cut\nAction Input: {"audio": 7}\nObservation: Second.\n'
        "Thought: I now know the final answer.\nFinal Answer: Done"
    )


def test_an_invalid_call_is_shown_as_it_was_written() -> None:
    broken = REACT.parse(render(HumanMessage("Cut")), " Easy.\nAction: cut\nAction Input: {audio")
    refusal = ToolMessage("No.", tool_call_id=broken.invalid_tool_calls[0]["id"], status="error")
    prompt = render(HumanMessage("Cut"), broken, refusal)
    assert prompt.turns[2].text == (
        "Thought: Easy.\nAction: cut\nAction Input: {audio\nObservation: Error: No.\nThought:"
    )


@pytest.mark.parametrize(
    ("choice", "given"),
    [
        (None, "Thought:"),
        ("auto", "Thought:"),
        ("any", "Thought: I need to use a tool.\nAction:"),
        ("required", "Thought: I need to use a tool.\nAction:"),
        ("cut", "Thought: I need to use cut.\nAction: cut\nAction Input:"),
        ("none", ""),
    ],
)
def test_a_choice_puts_words_in_the_mouth(choice: str | None, given: str) -> None:
    prompt = render(HumanMessage("Cut it"), choice=choice)
    assert prompt.given == prompt.turns[-1].text == given
    assert bool(prompt.tools) == (choice != "none")


def test_after_a_result_none_asks_for_the_answer() -> None:
    messages = [
        HumanMessage("Cut it"),
        AIMessage("", tool_calls=[cut_call("1")]),
        ToolMessage("Cut.", tool_call_id="1"),
    ]
    prompt = render(*messages, choice="none")
    assert prompt.turns[-1].text.endswith(
        "Observation: Cut.\nThought: I now know the final answer.\nFinal Answer:"
    )
    assert REACT.parse(prompt, " It is done.").content == "It is done."


@pytest.mark.parametrize("choice", ["mute", "any"])
def test_a_choice_needs_its_tool(choice: str) -> None:
    tools = () if choice == "any" else (CUT,)
    with pytest.raises(UsageError, match="tool_choice"):
        render(HumanMessage("Hi"), choice=choice, tools=tools)


def test_what_is_neither_text_nor_audio_is_refused() -> None:
    with pytest.raises(UsageError, match="no block of type 'image'"):
        render(HumanMessage([{"type": "image", "base64": "aa", "mime_type": "image/png"}]))
    with pytest.raises(UsageError, match="type 'chat'"):
        render(ChatMessage("Hi", role="judge"))


def test_calls_are_numbered_through_the_conversation() -> None:
    history = AIMessage("", tool_calls=[cut_call("call_9"), cut_call("x")])
    assert render(HumanMessage("Cut"), history).first_call == 10
    assert render(HumanMessage("Cut")).first_call == 1


LABELS = ["Question", "Thought", "Action", "Action Input", "Observation", "Final Answer"]
_LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_SPEAKS = re.compile(
    rf"(?:^|[{_LINE_BREAKS}])\s*(?:{'|'.join(LABELS)})\s*[:：]", re.IGNORECASE
)  # fmt: skip

hostile = st.lists(
    st.one_of(
        st.sampled_from([f"{label}:" for label in LABELS] + ["final  answer ：", "action\tinput:"]),
        st.sampled_from(list(_LINE_BREAKS) + [" ", "> ", "{", '"', "\\n", "um"]),
    )
).map("".join)


@given(hostile)
def test_no_text_of_others_begins_a_line_with_a_label(text: str) -> None:
    quoted = quote_labels(text)
    assert not _SPEAKS.search(quoted)
    for label in LABELS:
        assert quoted.count(f"{label}:") == text.count(f"{label}:")


@given(hostile)
def test_who_says_what_does_not_change(text: str) -> None:
    prompt = render(
        SystemMessage("Edit."),
        HumanMessage([{"type": "text", "text": text}, AUDIO, {"type": "text", "text": text}]),
        AIMessage(text, tool_calls=[cut_call("1", text)]),
        ToolMessage(text, tool_call_id="1"),
        HumanMessage([{"type": "text", "text": text}, AUDIO], name="audio"),
        AIMessage(text),
        HumanMessage(text),
    )
    assert [turn.role for turn in prompt.turns] == [
        "system", "user", "assistant", "user", "assistant", "user", "assistant",
    ]  # fmt: skip
    labels = [
        [label.strip(f" :{_LINE_BREAKS}") for label in _SPEAKS.findall(turn.text)]
        for turn in prompt.turns
    ]
    assert labels[1] == labels[3] == []
    assert labels[2] == ["Thought", "Action", "Action Input", "Observation"]
    assert labels[4] == ["Thought", "Final Answer"]
    assert labels[6] == ["Thought"]
    question = prompt.turns[5].text.partition("Begin!\n\n")[2]
    assert len(_SPEAKS.findall(question)) == 1


def test_plain_words_are_left_alone() -> None:
    text = "My observation: it works.\nIn action: nothing\nThoughts: none"
    assert quote_labels(text) == text

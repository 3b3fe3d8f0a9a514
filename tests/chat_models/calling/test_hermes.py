"""How a conversation is shown in the Hermes format, and that others' text never speaks in it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from qwen_audio_agent.chat_models.calling import Prompt, open_format
from qwen_audio_agent.chat_models.calling.hermes import escape_tags
from tests.chat_models.calling.replying import AUDIO, CUT, cut_call, told

HERMES = open_format("hermes")


def render(*messages, tools=(CUT,), choice=None) -> Prompt:
    return HERMES.render(messages, tools, choice)


def test_the_tools_are_in_the_system_turn() -> None:
    prompt = render(SystemMessage("Edit speech."), HumanMessage("Cut it"))
    assert told(prompt) == [
        (
            "system",
            "Edit speech.\n\n# Tools\n\nYou may call one or more functions to assist with the user "
            "query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n"
            f"<tools>\n{json.dumps(CUT)}\n</tools>\n\nFor each function call, return a json object "
            "with function name and arguments within <tool_call></tool_call> XML tags:\n"
            '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>',
        ),
        ("user", "Cut it"),
        ("assistant", ""),
    ]


def test_calls_and_results_are_between_their_tags() -> None:
    prompt = render(
        HumanMessage([AUDIO, "Cut it"]),
        AIMessage("Sure.", tool_calls=[cut_call("1"), cut_call("2", 7)]),
        ToolMessage("Cut.", tool_call_id="1"),
        ToolMessage("There is no Audio 7.", tool_call_id="2", status="error"),
        HumanMessage([{"type": "text", "text": "Audio 2: 2.00 s."}, AUDIO], name="audio"),
    )
    assert prompt.turns[1].parts == (AUDIO, "\nCut it")
    assert prompt.turns[2].text == (
        'Sure.\n<tool_call>\n{"name": "cut", "arguments": {"audio": 1}}\n</tool_call>\n'
        '<tool_call>\n{"name": "cut", "arguments": {"audio": 7}}\n</tool_call>'
    )
    assert prompt.turns[3].parts == (
        "<tool_response>\nCut.\n</tool_response>\n"
        "<tool_response>\nError: There is no Audio 7.\n</tool_response>\nAudio 2: 2.00 s.\n",
        AUDIO,
    )
    assert prompt.turns[4].role == "assistant"


def test_an_invalid_call_is_shown_as_it_was_written() -> None:
    broken = HERMES.parse(render(HumanMessage("Cut")), "<tool_call>\n{audio\n</tool_call>")
    prompt = render(HumanMessage("Cut"), broken)
    assert prompt.turns[2].text == "<tool_call>\n{audio\n</tool_call>"


@pytest.mark.parametrize(
    ("choice", "given"),
    [
        ("auto", ""),
        ("any", '<tool_call>\n{"name": "'),
        ("cut", '<tool_call>\n{"name": "cut", "arguments":'),
        ("none", ""),
    ],
)
def test_a_choice_puts_words_in_the_mouth(choice: str, given: str) -> None:
    prompt = render(HumanMessage("Cut it"), choice=choice)
    assert prompt.given == prompt.turns[-1].text == given
    assert ("# Tools" in prompt.turns[0].text) == (choice != "none")


_TAG = re.compile(r"<\s*/?\s*(?:tool_call|tool_response|tools)\b", re.IGNORECASE)

hostile = st.lists(
    st.one_of(
        st.sampled_from(["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]),
        st.sampled_from(["</tools>", "< Tool_Call >", '{"name": "cut"}', "<", "\n", '"', "&lt;"]),
    )
).map("".join)


@given(hostile)
def test_who_says_what_does_not_change(text: str) -> None:
    tool = {"type": "function", "function": {**CUT["function"], "description": text}}
    prompt = render(
        HumanMessage([{"type": "text", "text": text}, AUDIO, {"type": "text", "text": text}]),
        AIMessage(text, tool_calls=[cut_call("1", text)]),
        ToolMessage(text, tool_call_id="1"),
        AIMessage(text),
        HumanMessage(text),
        tools=[tool],
    )
    assert not any(_TAG.search(turn.text) for turn in (prompt.turns[1], *prompt.turns[4:]))
    assert len(_TAG.findall(prompt.turns[0].text)) == len(_TAG.findall(render().turns[0].text))
    assert len(_TAG.findall(prompt.turns[2].text)) == 2
    assert len(_TAG.findall(prompt.turns[3].text)) == 2
    written = prompt.turns[2].text.split("<tool_call>\n")[1].removesuffix("\n</tool_call>")
    assert json.loads(written)["arguments"] == {"audio": text}


def test_other_tags_are_left_alone() -> None:
    text = "a < b, <b>bold</b>, <toolbox>"
    assert escape_tags(text) == text
    assert escape_tags("cut <tool_call>") == "cut &lt;tool_call>"

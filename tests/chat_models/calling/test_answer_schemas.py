"""Answers that have to be JSON: told to the model, and nothing else let through."""

from __future__ import annotations

import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from llguidance import LLMatcher, LLTokenizer

from qwen_audio_agent.chat_models.calling import choice_name, open_format
from qwen_audio_agent.chat_models.calling.answer_schemas import ANY_OBJECT, answer_schema
from qwen_audio_agent.errors import UsageError
from tests.chat_models.calling.replying import CUT, cut_call, told

POINT = {"title": "Point", "type": "object", "properties": {"x": {"type": "integer"}}}
QUESTION = [SystemMessage("Be kind."), HumanMessage("Where?")]


def _takes(grammar: str, text: str) -> bool:
    """Whether all of a text is a sentence of a grammar, of bytes."""
    matcher = LLMatcher(LLTokenizer("byte"), grammar, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    return matcher.consume_tokens(list(text.encode())) and matcher.is_accepting()


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_the_model_is_told_the_schema_after_the_system_s_words(form: str) -> None:
    (_, system), *_ = told(open_format(form).render(QUESTION, answer=POINT))
    assert system.startswith("Be kind.\n\nWrite the final answer as one JSON object")
    assert json.dumps(POINT) in system
    (_, system), *_ = told(open_format(form).render(QUESTION, answer=ANY_OBJECT))
    assert system.endswith("no markdown.")


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_without_tools_the_reply_is_the_json(form: str) -> None:
    prompt = open_format(form).render(QUESTION, answer=POINT)
    grammar = open_format(form).grammar(prompt)
    assert _takes(grammar, '{"x": 3}')
    assert not _takes(grammar, '{"x": "3"}')
    assert not _takes(grammar, 'Here: {"x": 3}')


def test_an_answer_s_text_may_be_long_and_has_an_end() -> None:
    schema = {"type": "object", "properties": {"summary": {"type": "string"}}}
    prompt = open_format("hermes").render(QUESTION, answer=schema)
    grammar = open_format("hermes").grammar(prompt)
    assert _takes(grammar, json.dumps({"summary": "word " * 500}))
    assert not _takes(grammar, json.dumps({"summary": "word " * 900}))


def test_with_tools_there_may_be_calls_or_the_json() -> None:
    react, hermes = open_format("react"), open_format("hermes")
    grammar = react.grammar(react.render(QUESTION, [CUT], answer=POINT))
    assert _takes(grammar, ' Hm.\nFinal Answer: {"x": 3}')
    assert not _takes(grammar, " Hm.\nFinal Answer: at 3")
    assert _takes(grammar, ' Hm.\nAction: cut\nAction Input: {"audio": 1}')
    grammar = hermes.grammar(hermes.render(QUESTION, [CUT], answer=POINT))
    assert _takes(grammar, '{"x": 3}')
    assert not _takes(grammar, "at 3")
    assert _takes(grammar, '<tool_call>\n{"name": "cut", "arguments": {"audio": 1}}\n</tool_call>')


def test_after_a_result_without_tools_the_json_goes_on_from_its_label() -> None:
    react = open_format("react")
    result = [AIMessage("", tool_calls=[cut_call("1")]), ToolMessage("Cut.", tool_call_id="1")]
    prompt = react.render([*QUESTION, *result], answer=POINT)
    assert prompt.given.endswith("Final Answer:")
    assert _takes(react.grammar(prompt), ' {"x": 3}')


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_any_object_has_lists_and_objects_in_it(form: str) -> None:
    prompt = open_format(form).render(QUESTION, answer=ANY_OBJECT)
    grammar = open_format(form).grammar(prompt)
    assert _takes(grammar, '{"a": 1, "b": [true, {"c": null}], "d": {"e": ["f"]}}')
    assert not _takes(grammar, "[1]")


def test_formats_of_openai_are_read_and_others_refused() -> None:
    assert answer_schema(None) is answer_schema({"type": "text"}) is None
    assert answer_schema({"type": "json_object"}) is ANY_OBJECT
    asked = {"type": "json_schema", "json_schema": {"name": "Point", "schema": POINT}}
    assert answer_schema(asked) == POINT
    for other in ({"type": "json_schema"}, {"type": "xml"}, {}, "json"):
        with pytest.raises(UsageError, match="response_format may be"):
            answer_schema(other)


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        (None, None), (False, None), (True, "any"), ("none", "none"), ({"type": "any"}, "any"),
        ({"type": "auto"}, "auto"), ({"type": "tool", "name": "cut"}, "cut"),
        ({"type": "function", "function": {"name": "cut"}}, "cut"),
        ({"type": "function", "name": "cut"}, "cut"),
    ],
)  # fmt: skip
def test_every_form_of_a_tool_choice_has_one_name(choice, name) -> None:
    assert choice_name(choice) == name


@pytest.mark.parametrize("choice", [{}, {"type": "tool"}, {"function": {}}, 3, ["cut"]])
def test_other_tool_choices_are_refused(choice) -> None:
    with pytest.raises(UsageError, match="tool_choice is"):
        choice_name(choice)

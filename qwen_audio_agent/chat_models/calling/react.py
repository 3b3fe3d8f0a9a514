"""The ReAct format, which Qwen (v1) was trained on: Thought, Action, Action Input, Observation.

    user       {instruction with the tools}  Question: Audio 1: talk.wav <audio> Cut "um".
    assistant  Thought: ...  Action: cut  Action Input: {"audio": 1}  Observation: Cut ...
    user       Audio 2: 3.10 s. <audio>
    assistant  Thought:                                <- the reply goes on here

A label speaks only at the beginning of a line. Whatever people, tools or earlier answers say there
is quoted, so that it stays theirs: a line "Observation: done" of theirs is shown as
"> Observation: done". It stays readable, and no label is lost.

Source: prompt texts and the order of things from QwenLM/Qwen, openai_api.py (TOOL_DESC,
REACT_INSTRUCTION, parse_messages). There, a result goes on in the assistant's turn. A result that
comes with sound closes it here, because Qwen-Audio knows sound only from a user's turn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from qwen_audio_agent.chat_models.calling.prompts import (
    REASONING,
    Part,
    Prompt,
    ToolSchema,
    TurnList,
    arguments_text,
    calls_of,
    message_parts,
    message_text,
    next_call_number,
    read_tool_choice,
    refuse_message,
    result_text,
    system_text,
    tool_name,
)
from qwen_audio_agent.chat_models.conversation import AUDIO_TURN
from qwen_audio_agent.speech.text import on_one_line

STOP = ("\nObservation:",)
"""Where the model would make up a tool's result. To be matched on decoded text: in "}\\n" the line
end is part of another token than in "a\\n"."""

_TOOL = (
    "{name}: Call this tool to interact with the {name} API. What is the {name} API useful for? "
    "{description} Parameters: {parameters} Format the arguments as a JSON object."
)
_INSTRUCTION = """\
Answer the following questions as best you can. You have access to the following APIs:

{tools}

Use the following format:

Question: the input question you must answer
Thought: you should always think about what to do
Action: the action to take, should be one of [{names}]
Action Input: the input to the action
Observation: the result of the action
... (this Thought/Action/Action Input/Observation can be repeated zero or more times)
Thought: I now know the final answer
Final Answer: the final answer to the original input question

Begin!

Question: """
_LAST_THOUGHT = "I now know the final answer."

_LABEL = re.compile(
    r"(^|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])"
    r"(\s*(?:question|thought|action|action\s+input|observation|final\s+answer)\s*[:：])",
    re.IGNORECASE,
)


def quote_labels(text: str, *, at_start: bool = True) -> str:
    """Text of others, with a quotation sign before each line that begins like a label.

    Args:
        text: any text.
        at_start: whether the text begins a line; if not, its first line cannot be a label.
    """

    def quote(match: re.Match[str]) -> str:
        if not match[1] and not at_start:
            return match[0]
        return f"{match[1]}> {match[2].lstrip()}"

    return _LABEL.sub(quote, text)


def render(
    messages: Sequence[BaseMessage],
    tools: Sequence[ToolSchema] = (),
    tool_choice: str | None = None,
) -> Prompt:
    """Show a conversation to a model that calls tools in the ReAct format.

    Args:
        messages: the conversation, the oldest first.
        tools: which may be called.
        tool_choice: None or "auto", "any" or "required", "none", or a tool's name.

    Raises:
        UsageError: a message or the choice has no place in it.
    """
    choice = read_tool_choice(tool_choice, tools)
    usable = () if choice == "none" else tuple(tools)
    answers = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
    asked = {call["id"] for m in messages if isinstance(m, AIMessage) for call in calls_of(m)}
    instructed = _last_question(messages)
    turns = TurnList()
    turns.say("system", system_text(messages))
    for index, message in enumerate(messages):
        match message:
            case SystemMessage():
                continue
            case HumanMessage():
                turns.say("user", *_question(message, usable if index == instructed else ()))
            case AIMessage():
                turns.say("assistant", _said(message, answers, with_tools=bool(usable)))
            case ToolMessage() if message.tool_call_id in asked:
                continue
            case ToolMessage():
                turns.say("assistant", _observation(message))
            case _:
                raise refuse_message(message)
    given = _given(
        choice, after_result=isinstance(messages[-1], ToolMessage) if messages else False
    )
    return Prompt(turns.close(given), given, usable, choice, next_call_number(messages))


def _given(choice: str, *, after_result: bool) -> str:
    """The beginning of the reply; the space after it belongs to the token of the next word."""
    match choice:
        case "none":
            return f"Thought: {_LAST_THOUGHT}\nFinal Answer:" if after_result else ""
        case "auto":
            return "Thought:"
        case "any":
            return "Thought: I need to use a tool.\nAction:"
        case name:
            return f"Thought: I need to use {name}.\nAction: {name}\nAction Input:"


def _last_question(messages: Sequence[BaseMessage]) -> int:
    """Index of the message that the instruction goes to: the last that asks something."""
    human = [i for i, message in enumerate(messages) if isinstance(message, HumanMessage)]
    asking = [i for i in human if messages[i].name != AUDIO_TURN]
    return (asking or human or [-1])[-1]


def _question(message: HumanMessage, tools: Sequence[ToolSchema]) -> list[Part]:
    parts: list[Part] = []
    if tools:
        described = "\n\n".join(_described(tool) for tool in tools)
        names = ", ".join(on_one_line(tool_name(tool)) for tool in tools)
        parts.append(_INSTRUCTION.format(tools=described, names=names))
    for number, part in enumerate(message_parts(message)):
        if number:
            parts.append("\n")
        at_start = bool(number) or not tools
        parts.append(quote_labels(part, at_start=at_start) if isinstance(part, str) else part)
    return parts


def _described(tool: ToolSchema) -> str:
    function = tool["function"]
    return _TOOL.format(
        name=on_one_line(tool_name(tool)),
        description=on_one_line(str(function.get("description", ""))),
        parameters=json.dumps(function.get("parameters", {}), ensure_ascii=False),
    )


def _said(message: AIMessage, answers: dict[str, ToolMessage], *, with_tools: bool) -> str:
    """What the model said, its calls each with what came of it."""
    calls = calls_of(message)
    text = quote_labels(message_text(message).strip(), at_start=False)
    thought = quote_labels(str(message.additional_kwargs.get(REASONING) or ""), at_start=False)
    lines = []
    if calls:
        lines.append(f"Thought: {thought or text}".rstrip())
    elif with_tools:
        lines.append(f"Thought: {thought or _LAST_THOUGHT}\nFinal Answer: {text}")
    else:
        lines.append(quote_labels(text))
    for call in calls:
        written = quote_labels(arguments_text(call), at_start=False)
        lines.append(f"Action: {on_one_line(call['name'] or '')}\nAction Input: {written}")
        if answer := answers.get(call["id"] or ""):
            lines.append(_observation(answer))
    return "\n".join(lines)


def _observation(answer: ToolMessage) -> str:
    return f"Observation: {quote_labels(result_text(answer), at_start=False)}"

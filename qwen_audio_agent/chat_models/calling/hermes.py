r"""The Hermes format, which Qwen2 and later were trained on: calls as JSON between tags.

    system     You are a helpful assistant.  # Tools ... <tools> ... </tools> ...
    user       Cut "um". <audio>
    assistant  <tool_call> {"name": "cut", "arguments": {"audio": 1}} </tool_call>
    user       <tool_response> Cut ... </tool_response>  Audio 2: 3.10 s. <audio>
    assistant                                          <- the reply goes on here

Whatever people, tools or earlier answers say has the "<" of the format's tags written as "&lt;",
as in any markup; inside JSON it is written as "\u003c", which reads as the same string.

Source: QwenLM/Qwen-Agent, nous_fncall_prompt.py (FN_CALL_TEMPLATE and the order of things).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from qwen_audio_agent.chat_models.calling.prompts import (
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
)

STOP = ("<tool_response>",)
"""Where the model would make up a tool's result."""

_TOOLS = """\
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""

_TAG = re.compile(r"<(?=\s*/?\s*(?:tool_call|tool_response|tools)\b)", re.IGNORECASE)


def escape_tags(text: str) -> str:
    """Text of others, whose tags of this format are no tags."""
    return _TAG.sub("&lt;", text)


def _json(value: object) -> str:
    return _TAG.sub(r"\\u003c", json.dumps(value, ensure_ascii=False))


def render(
    messages: Sequence[BaseMessage],
    tools: Sequence[ToolSchema] = (),
    tool_choice: str | None = None,
) -> Prompt:
    """Show a conversation to a model that calls tools in the Hermes format.

    Args:
        messages: the conversation, the oldest first.
        tools: which may be called.
        tool_choice: None or "auto", "any" or "required", "none", or a tool's name.

    Raises:
        UsageError: a message or the choice has no place in it.
    """
    choice = read_tool_choice(tool_choice, tools)
    usable = () if choice == "none" else tuple(tools)
    turns = TurnList()
    turns.say("system", system_text(messages))
    if usable:
        described = "\n".join(_json(tool) for tool in usable)
        turns.say("system", _TOOLS.format(tools=described), joint="\n\n")
    for message in messages:
        match message:
            case SystemMessage():
                continue
            case HumanMessage():
                for part in message_parts(message):
                    turns.say("user", escape_tags(part) if isinstance(part, str) else part)
            case AIMessage():
                text = escape_tags(message_text(message).strip())
                blocks = ([text] if text else []) + [_call(call) for call in calls_of(message)]
                turns.say("assistant", "\n".join(blocks))
            case ToolMessage():
                answer = escape_tags(result_text(message))
                turns.say("user", f"<tool_response>\n{answer}\n</tool_response>")
            case _:
                raise refuse_message(message)
    given = _given(choice)
    return Prompt(turns.close(given), given, usable, choice, next_call_number(messages))


def _given(choice: str) -> str:
    """The beginning of the reply; it ends where a token of Qwen's vocabulary ends."""
    match choice:
        case "auto" | "none":
            return ""
        case "any":
            return '<tool_call>\n{"name": "'
        case name:
            return f'<tool_call>\n{{"name": {json.dumps(name)}, "arguments":'


def _call(call: ToolCall | InvalidToolCall) -> str:
    if isinstance(call["args"], dict):
        written = _json({"name": call["name"], "arguments": call["args"]})
    else:
        written = escape_tags(arguments_text(call))
    return f"<tool_call>\n{written}\n</tool_call>"

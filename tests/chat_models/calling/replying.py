"""Replies to one question about Audio 1, with two formats and a few tools."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from qwen_audio_agent.agent.langchain_tools import make_tools
from qwen_audio_agent.chat_models.calling import Prompt, open_format

OUR_TOOLS = [convert_to_openai_tool(tool) for tool in make_tools(None)]  # type: ignore[arg-type]

QUESTION = [HumanMessage("Cut it")]


def prompt_of(form: str, choice: str | None = None, tools: Any = None) -> Prompt:
    return open_format(form).render(QUESTION, OUR_TOOLS if tools is None else tools, choice)


def reply(form: str, text: str, choice: str | None = None, **options: Any) -> AIMessage:
    prompt = prompt_of(form, choice, options.pop("tools", None))
    return open_format(form).parse(prompt, text, **options)


def calls(message: AIMessage) -> list[tuple[str, Any]]:
    return [(call["name"], call["args"]) for call in message.tool_calls]


def repairs(message: AIMessage) -> list[str]:
    return message.response_metadata.get("repairs", [])


def problems(message: AIMessage) -> list[str]:
    assert len(message.invalid_tool_calls) == len(message.response_metadata.get("problems", {}))
    reasons = [str(call["error"]) for call in message.invalid_tool_calls]
    assert all("\n" not in reason for reason in reasons)
    return reasons


def hermes_call(body: str) -> str:
    return f"<tool_call>\n{body}\n</tool_call>"


def react_call(arguments: str, name: str = "cut") -> str:
    return f" I cut it.\nAction: {name}\nAction Input: {arguments}"


CUT = next(tool for tool in OUR_TOOLS if tool["function"]["name"] == "cut")

AUDIO = {"type": "audio", "file_id": "audio-1", "mime_type": "audio/wav"}


def cut_call(id: str, audio: Any = 1) -> dict[str, Any]:  # noqa: A002 - LangChain's name
    return {"name": "cut", "args": {"audio": audio}, "id": id, "type": "tool_call"}


def told(prompt: Prompt) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in prompt.turns]

"""Asking a person before an edit, with the words and seconds that it is about."""

from __future__ import annotations

from typing import Any

from langchain.agents.middleware import HumanInTheLoopMiddleware, InterruptOnConfig

from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.agent.tools import find_tool
from qwen_audio_agent.agent.wording import quoted
from qwen_audio_agent.errors import QwenAudioAgentError
from qwen_audio_agent.langchain.toolkit import SpeechEditingToolkit

_MAX_PLACES = 6


def ask_before(toolkit: SpeechEditingToolkit, *tools: str) -> HumanInTheLoopMiddleware:
    """Middleware that stops before calls of some tools until a person approves, edits or rejects.

        question   Cut "middle classes" (2.34-3.27 s). 14.87 s become 13.94 s.
                   At 2.34-3.27 s is heard "middle classes".

    The agent needs a checkpointer; it goes on with `Command(resume={"decisions": [...]})`.

    Args:
        toolkit: has the audios; the call is tried on them, and nothing is kept.
        *tools: names of tools, such as "cut".

    Raises:
        ToolError: there is no such tool.
    """
    names = [find_tool(name).name for name in tools]

    def question(tool_call: Any, state: Any, runtime: Any) -> str:  # noqa: ARG001 - LangChain's
        return describe_call(toolkit.session, tool_call["name"], tool_call["args"])

    config = InterruptOnConfig(
        allowed_decisions=["approve", "edit", "reject"], description=question
    )
    return HumanInTheLoopMiddleware(dict.fromkeys(names, config))


def describe_call(session: Session, name: str, arguments: dict[str, Any]) -> str:
    """What a tool call would do, for a person: its answer, the lengths, and what is heard there."""
    try:
        with session.working:
            tool = find_tool(name)
            wish = tool.arguments.read(dict(arguments))
            outcome = tool.run(session, wish)
            told = [outcome.text]
            if outcome.edit_list is not None:
                before = session.audio(wish.audio).duration
                told.append(f"{before:.2f} s become {outcome.edit_list.duration:.2f} s.")
            for place in outcome.places[:_MAX_PLACES]:
                words = session.audio(place.audio).words_between(place.start, place.end)
                said = quoted(" ".join(word.text for word in words)) if words else "no word"
                told.append(f"At {place.start:.2f}-{place.end:.2f} s is heard {said}.")
    except QwenAudioAgentError as error:
        return f"{name} cannot be done: {error}"
    return " ".join(told)

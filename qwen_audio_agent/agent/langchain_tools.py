"""The tools in LangChain's form, for any agent or chat model that takes `BaseTool`s."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import ValidationError

from qwen_audio_agent.agent.arguments import explain
from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.steps import finish, perform
from qwen_audio_agent.agent.tools import TOOLS, Tool
from qwen_audio_agent.errors import QwenAudioAgentError, SourceChangedError, ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

_log = logging.getLogger(__name__)
_MAX_PLACES: Final = 12


class SpeechTool(StructuredTool):
    """A tool whose function gets what the model wrote as it was written, and the id of its call."""

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        super()._to_args_and_kwargs(tool_input, tool_call_id)  # refuses what the schema refuses
        return (), {"given": tool_input, "call_id": tool_call_id or ""}


def make_tools(session: Session) -> list[BaseTool]:
    """All tools, working in a session: each call is a whole step, listened to and kept.

    A result's text is for the model; its artifact is plain data that names the new audio. What a
    tool refuses comes back as a failed result that says what is allowed. Calls from several threads
    are done one after the other, and a call that was done before is not done again: a graph that
    resumes repeats the call that it was in.
    """
    return [_in_langchain(session, tool) for tool in TOOLS.values()]


def _in_langchain(session: Session, tool: Tool) -> BaseTool:
    def run(given: Mapping[str, Any], call_id: str) -> tuple[str, dict[str, Any]]:
        try:
            with session.working:
                step = _kept(session, tool, given, call_id) or finish(
                    perform(session, tool.name, given, call_id)
                )
        except ToolError as error:
            raise ToolException(str(error)) from error
        except QwenAudioAgentError as error:
            _log.error("%s failed: %s", tool.name, error)
            raise ToolException(_for_a_model(error)) from error
        return step.result_text, clip_artifact(step)

    def teach(error: Any) -> str:
        wrong = isinstance(error, ValidationError)
        return explain(tool.arguments, error) if wrong else str(error)

    return SpeechTool(
        func=run,
        name=tool.name,
        description=tool.description,
        args_schema=tool.arguments,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=teach,
    )


def clip_artifact(step: Step) -> dict[str, Any]:
    """What a program wants of a result, as plain data under 1 kB."""
    if step.audio is None:
        places = [[round(p.start, 2), round(p.end, 2)] for p in step.places[:_MAX_PLACES]]
        return {"type": "places", "tool": step.tool, "audio": step.given, "places": places}
    verdicts = {verdict.kind for verdict in step.verdicts}
    return {
        "type": "clip",
        "tool": step.tool,
        "audio": step.audio,
        "file_id": f"audio-{step.audio}",
        "duration": round(step.duration or 0.0, 3),
        "verdict": ", ".join(sorted(verdicts - {"clean"})) or "".join(verdicts),
    }


def _kept(session: Session, tool: Tool, given: Mapping[str, Any], call_id: str) -> Step | None:
    """The step of a call that was done before. Audios never change: the same call makes the same.

    Ids alone do not say so, because small models count their calls from 1 in every conversation.
    """
    same = [step for step in session.steps if call_id and step.call_id == call_id]
    if not same:
        return None
    arguments = tool.arguments.read(dict(given)).model_dump(mode="json", exclude_unset=True)
    return next((s for s in same if (s.tool, s.arguments) == (tool.name, arguments)), None)


def _for_a_model(error: QwenAudioAgentError) -> str:
    """What went wrong with files, without their paths, which are for the person alone."""
    changed = isinstance(error, SourceChangedError)
    what = "A recording is gone or was changed" if changed else "The sound cannot be worked on"
    return f"{what} ({type(error).__name__}). Nothing was done. Stop, and say so to the person."

"""The tools in LangChain's form, for any agent or chat model that takes `BaseTool`s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import ValidationError

from qwen_audio_agent.agent.arguments import explain
from qwen_audio_agent.agent.tools import TOOLS, Tool
from qwen_audio_agent.errors import ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


def make_tools(session: Session) -> list[BaseTool]:
    """All tools, working in a session: each call is a whole step, listened to and kept.

    A result's text is for the model; its artifact is the step's JSON with the new audio's number.
    What a tool refuses comes back as a failed result that says what is allowed.
    """
    return [_in_langchain(session, tool) for tool in TOOLS.values()]


def _in_langchain(session: Session, tool: Tool) -> BaseTool:
    def run(**arguments: Any) -> tuple[str, dict[str, Any]]:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            step = session.call(tool.name, **given)
        except ToolError as error:
            raise ToolException(str(error)) from error
        return step.result_text, step.to_json()

    def teach(error: Any) -> str:
        wrong = isinstance(error, ValidationError)
        return explain(tool.arguments, error) if wrong else str(error)

    return StructuredTool.from_function(
        run,
        name=tool.name,
        description=tool.description,
        args_schema=tool.arguments,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=teach,
    )

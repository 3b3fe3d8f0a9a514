"""What a tool is: a name, its arguments, and one function from a session to an outcome."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qwen_audio_agent.agent.arguments import Arguments
from qwen_audio_agent.agent.outcome import Outcome

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing that the agent can do.

    Attributes:
        name: what a model calls it.
        arguments: pydantic class of its flat arguments; its docstring describes the tool.
        run: looks at the session and answers; changes nothing.
        changes_levels: whether levels before and after say how well it went.
    """

    name: str
    arguments: type[Arguments]
    run: Callable[[Session, Any], Outcome]
    changes_levels: bool = False

    @property
    def description(self) -> str:
        """One or two sentences for a model or a person."""
        return " ".join(inspect.cleandoc(self.arguments.__doc__ or "").split())

    def call(self, session: Session, arguments: object) -> Outcome:
        """Read what a model wrote, and run.

        Raises:
            ToolError: the arguments are wrong, or what they name is not there.
        """
        return self.run(session, self.arguments.read(arguments))

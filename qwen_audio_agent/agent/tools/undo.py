"""undo: go back to what an audio was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qwen_audio_agent.agent.arguments import Arguments
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.errors import ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


class Undo(Arguments):
    """Take the last edit of an audio back. Makes a new audio, which is what it was before."""


def undo(session: Session, wish: Undo) -> Outcome:
    """| A | C |  ->  | A | B | C |."""
    parent = session.entry(wish.audio).parent
    if parent is None:
        raise ToolError(f"Audio {wish.audio} is a recording as it came; there is nothing to undo.")
    text = f"Took the last edit back; it is Audio {parent} again."
    return Outcome(text, session.entry(parent).edit_list, earlier=parent)


UNDO = Tool("undo", Undo, undo)

"""What the agent can do: twelve tools, one file each, and their form for LangChain.

A tool is one typed function from a session and its arguments to an `Outcome`. It changes nothing:
the session keeps what it makes after it was listened to.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from qwen_audio_agent.agent.tools.cut import CUT
from qwen_audio_agent.agent.tools.denoise import DENOISE
from qwen_audio_agent.agent.tools.effect import EFFECT
from qwen_audio_agent.agent.tools.gain import GAIN
from qwen_audio_agent.agent.tools.insert import INSERT
from qwen_audio_agent.agent.tools.keep import KEEP
from qwen_audio_agent.agent.tools.listen import LISTEN
from qwen_audio_agent.agent.tools.move import MOVE
from qwen_audio_agent.agent.tools.replace import REPLACE
from qwen_audio_agent.agent.tools.silence import SILENCE
from qwen_audio_agent.agent.tools.tidy import TIDY
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.tools.undo import UNDO
from qwen_audio_agent.errors import ToolError

__all__ = ["TOOLS", "Tool", "find_tool"]

_ALL = (
    LISTEN, CUT, KEEP, INSERT, REPLACE, MOVE, SILENCE, TIDY, GAIN, DENOISE, EFFECT, UNDO
)  # fmt: skip

TOOLS: Mapping[str, Tool] = MappingProxyType({tool.name: tool for tool in _ALL})
"""Every tool by its name."""


def find_tool(name: str) -> Tool:
    """The tool of that name.

    Raises:
        ToolError: there is none; names those that there are.
    """
    if name not in TOOLS:
        raise ToolError(f"There is no tool {name[:40]!r}; the tools are {', '.join(TOOLS)}.")
    return TOOLS[name]

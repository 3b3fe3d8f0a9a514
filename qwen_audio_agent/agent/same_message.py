"""Several calls in one message: all of them were written before the first of them was done.

A call that names an audio which another call of its message has changed is done on the newest audio
made from it, as long as it names words: they can be found again. Times, and "the second", mean
something else by then, so such a call is refused with the number to use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwen_audio_agent.agent.arguments import read_audio
from qwen_audio_agent.agent.outcome import ROLES, Step
from qwen_audio_agent.errors import ToolError


def follow(newest: dict[int, int], step: Step) -> None:
    """Note what a step made: `newest` says of audios what became of them in this message."""
    if step.audio is None:
        return
    for old in [number for number in newest if newest[number] == step.given]:
        newest[old] = step.audio
    newest[step.given] = step.audio


def on_newest(arguments: Mapping[str, Any], newest: Mapping[int, int]) -> dict[str, Any]:
    """The arguments of a call, on the newest audios that were made in the same message.

    Raises:
        ToolError: they may mean another place now.
    """
    changed = dict(arguments)
    for role in ROLES:
        named = read_audio(changed.get(role))
        if not isinstance(named, int) or named not in newest:
            continue
        timed = [name for name in ("start", "end", "at") if changed.get(name) is not None]
        if changed.get("which", "only") not in ("only", "every"):
            timed.append("which")
        if timed:
            raise ToolError(
                f"Audio {named} has become Audio {newest[named]} by a call of the same message, so "
                f"{' and '.join(timed)} may mean another place now. "
                f"Look at Audio {newest[named]} and call again with its number."
            )
        changed[role] = newest[named]
    return changed

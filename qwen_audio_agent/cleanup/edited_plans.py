"""Plans that somebody edited, which no other plan may take the place of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from qwen_audio_agent.audio.whole_file import copy_whole
from qwen_audio_agent.cleanup.plan import Plan, read_plan
from qwen_audio_agent.errors import UsageError


def keep_edited(path: Path, plan: Plan) -> Path | None:
    """Copy an edited plan before another one takes its place, so that nothing in it is lost.

        a.plan.json  ->  a.plan.old.json, or a.plan.old-2.json if that is there

    Args:
        path: where the plan lies, if there is one.
        plan: what will be written there.

    Returns:
        The copy; None if there is nothing to lose.

    Raises:
        DiskError: it cannot be written.
    """
    if not would_be_lost(path, plan):
        return None
    kept = next(path for path in map(path.with_name, old_names(path.name)) if not path.exists())
    copy_whole(path, kept)
    return kept


def would_be_lost(path: Path, plan: Plan) -> bool:
    """Whether a plan lies there that somebody edited, and that does other than another plan."""
    if not path.is_file():
        return False
    try:
        there = read_plan(path)
    except UsageError:
        return True  # Whoever made a slip in it was editing it.
    return there.is_edited and not there.is_like(plan)


def old_names(name: str) -> Iterator[str]:
    """The names that an edited plan may be kept by, without end."""
    stem = name.removesuffix(".json")
    yield f"{stem}.old.json"
    yield from (f"{stem}.old-{number}.json" for number in count(2))

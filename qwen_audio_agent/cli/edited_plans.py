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
    if not path.is_file() or not _would_be_lost(path, plan):
        return None
    kept = next(name for name in _names(path) if not name.exists())
    copy_whole(path, kept)
    return kept


def _would_be_lost(path: Path, plan: Plan) -> bool:
    try:
        there = read_plan(path)
    except UsageError:
        return True  # Whoever made a slip in it was editing it.
    return there.is_edited and not there.is_like(plan)


def _names(path: Path) -> Iterator[Path]:
    stem = path.name.removesuffix(".json")
    yield path.with_name(f"{stem}.old.json")
    yield from (path.with_name(f"{stem}.old-{number}.json") for number in count(2))

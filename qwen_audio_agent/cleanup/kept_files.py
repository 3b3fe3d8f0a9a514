"""Files of people, which nothing that a clean-up writes beside its output may take the place of.

    show.html (somebody's)        show.old.html (somebody's), show.html (the page)

They are copied first: plans that somebody edited, pages and tables that this program did not write,
and subtitles that are not what it would write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path, PurePath
from typing import Final

from qwen_audio_agent.audio.hidden_file import disk_error
from qwen_audio_agent.audio.whole_file import copy_whole
from qwen_audio_agent.cleanup.plan import Plan, read_plan
from qwen_audio_agent.errors import UsageError

Kept = Callable[[Path], None]
"""Told of each copy of what was there."""

_MARKS: Final = (
    b'<meta name="generator" content="qwen-audio-agent">',
    b'"format": "qwen-audio-agent clean-up report, ',
    b'"format": "qwen-audio-agent batch summary, ',
)
"""What only files that this program wrote begin with."""
_TABLE: Final = b"input,output,status,"
_HEAD: Final = 1024


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
    return _copied(path) if is_edited(path, plan) else None


def keep_other(path: Path, new: str) -> Path | None:
    """Copy what somebody else wrote before `new` takes its place, under the names of `keep_edited`.

    Args:
        path: where it lies, if there is anything.
        new: what will be written there.

    Returns:
        The copy; None if there is nothing to lose.

    Raises:
        DiskError: it cannot be read, or its copy not be written.
    """
    return _copied(path) if is_other(path, new.encode("utf-8", "backslashreplace")) else None


def is_edited(path: Path, plan: Plan) -> bool:
    """Whether a plan lies there that somebody edited, and that does other than another plan."""
    if not path.is_file():
        return False
    try:
        there = read_plan(path)
    except UsageError:
        return True  # Whoever made a slip in it was editing it.
    return there.is_edited and not there.is_like(plan)


def is_other(path: Path, new: bytes) -> bool:
    """Whether a file lies there that is neither `new` nor an earlier one of its kind of ours.

    Raises:
        DiskError: it cannot be read, so that nobody knows what would be lost.
    """
    if not path.is_file():
        return False
    try:
        there = path.read_bytes()
    except OSError as error:
        raise disk_error(path, error) from None
    if there == new or any(mark in there[:_HEAD] and mark in new[:_HEAD] for mark in _MARKS):
        return False
    # To a table somebody may have added columns.
    return not (new.startswith(_TABLE) and there.partition(b"\n")[0] == new.partition(b"\n")[0])


def old_names(name: str) -> Iterator[str]:
    """The names that what was there may be kept by, without end."""
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    yield f"{stem}.old{suffix}"
    yield from (f"{stem}.old-{number}{suffix}" for number in count(2))


def _copied(path: Path) -> Path:
    kept = next(path for path in map(path.with_name, old_names(path.name)) if not path.exists())
    copy_whole(path, kept)
    return kept

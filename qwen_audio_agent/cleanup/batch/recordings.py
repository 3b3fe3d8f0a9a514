"""Finding the recordings of a batch: files, folders, patterns, here or where fsspec reaches."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from qwen_audio_agent.audio import media
from qwen_audio_agent.audio.formats import SUFFIXES
from qwen_audio_agent.cleanup.batch.places import filesystem, is_url
from qwen_audio_agent.errors import UsageError

SOUND_SUFFIXES: Final = media.SUFFIXES | SUFFIXES
"""How the names of files end that folders and patterns are searched for."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was asked for.

    Attributes:
        given: its name as a person would write it.
        place: the absolute path of it, or its URL.
        base: the folder from which names are kept: that of the file, or of the pattern.
        size: in bytes; 0 where that cannot be seen.
        was_searched: whether it was found by a folder or a pattern, and not named itself.
    """

    given: str
    place: str
    base: str
    size: int
    was_searched: bool


def find_recordings(given: str) -> Iterator[Recording]:
    """The recordings that one argument stands for: a file, a folder, or a pattern with * ? [ **.

    A folder stands for the recordings in it, FOLDER/** for those in its folders too. What exists
    is never taken for a pattern, and files and folders that begin with a dot are not searched for.

    Raises:
        UsageError: a pattern that fits no recordings, or a place that cannot be reached.
    """
    if not given or "\0" in given:
        raise UsageError("the name of a recording is not empty, and holds no null character")
    if is_url(given):
        yield from _found_there(given)
    else:
        yield from _found_here(given)


def _found_here(given: str) -> Iterator[Recording]:
    path = Path(given)
    if os.path.lexists(path) and not (path.is_dir() and not is_sound(path.name)):
        yield _here(path, path.parent, was_searched=False)
        return
    if path.is_dir():
        base, pattern = path, "*"
    elif not glob.has_magic(given):
        yield _here(path, path.parent, was_searched=False)
        return
    else:
        base, pattern = _split(path)
    found = [
        item
        for item in sorted(base.glob(pattern))
        if is_sound(item.name)
        and not any(name.startswith(".") for name in item.relative_to(base).parts)
    ]
    if not found and not path.is_dir():
        raise _no_recordings(given)
    for item in found:
        yield _here(item, base, was_searched=True)


def _split(path: Path) -> tuple[Path, str]:
    """The folder that a pattern begins in, and the rest of it."""
    number = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
    rest = list(path.parts[number:])
    if ".." in rest:
        raise UsageError(f"{str(path)!r}: a pattern has no .. behind its first * or ?")
    if rest[-1] == "**":
        rest.append("*")
    return Path(*path.parts[:number]), "/".join(rest)


def _here(path: Path, base: Path, *, was_searched: bool) -> Recording:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    absolute = os.path.abspath(path)  # noqa: PTH100 - a link keeps its own name
    return Recording(str(path), absolute, os.path.abspath(base), size, was_searched)  # noqa: PTH100


def _found_there(given: str) -> Iterator[Recording]:
    fs, path = filesystem(given)
    try:
        if glob.has_magic(path) and not fs.exists(path):
            parts = path.split("/")
            number = next(i for i, part in enumerate(parts) if glob.has_magic(part))
            base = "/".join(parts[:number])
            items = fs.glob(path + "/*" if parts[-1] == "**" else path, detail=True)
        elif fs.isdir(path) and not is_sound(path):
            base, items = path, {i["name"]: i for i in fs.ls(path, detail=True)}
        else:
            base = str(PurePosixPath(path).parent)
            items = {path: fs.info(path) if fs.exists(path) else {}}
    except OSError as error:
        raise UsageError(f"{given!r} cannot be searched: {error.strerror or error}") from None
    was_searched = path not in items
    if not items:
        raise _no_recordings(given)
    for name in sorted(items):
        if not was_searched or (is_sound(name) and not PurePosixPath(name).name.startswith(".")):
            url, size = fs.unstrip_protocol(name), items[name].get("size") or 0
            yield Recording(url, url, fs.unstrip_protocol(base), size, was_searched)


def is_sound(name: str) -> bool:
    """Whether a file of this name is likely to be a recording."""
    return PurePosixPath(name).suffix.lower() in SOUND_SUFFIXES


def _no_recordings(given: str) -> UsageError:
    return UsageError(f"{given!r} stands for no recordings: give files, a folder or a pattern")

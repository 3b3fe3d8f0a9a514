"""Recordings that an instruction names, such as `Insert jingle.wav before "hello"`.

A name is looked up only in folders that the caller allows; it never leads out of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

SUFFIXES = "wav|w64|rf64|flac|ogg|oga|opus|mp3|aif|aiff|au|caf|m4a|aac|mp4|webm|mkv|mov|wma"

_NAMED = re.compile(
    rf"""["'“‘`](?P<quoted>[^"'“”‘’`]{{1,255}}\.(?:{SUFFIXES}))["'”’`]"""
    rf"""|(?<![\w./\\-])(?P<bare>[\w./\\-]{{1,255}}\.(?:{SUFFIXES}))(?![\w-])""",
    re.IGNORECASE,
)


def names_in(instruction: str) -> Iterator[str]:
    """The file names that stand in the sentence, in order, each once."""
    seen = set()
    for found in _NAMED.finditer(instruction):
        name = found["quoted"] or found["bare"]
        if name not in seen:
            seen.add(name)
            yield name


def find_mentioned(instruction: str, folders: Sequence[Path]) -> list[Path]:
    """The regular files that an instruction names, inside the allowed folders.

    Args:
        instruction: what a person typed.
        folders: where to look, in order; a name that leads out of a folder (absolute, with .., or
            through a link) is not looked at there.

    Returns:
        Paths that exist, in the order of the sentence. A name that is nowhere is left out: the
        planner then answers that it does not know it.
    """
    paths = []
    for name in names_in(instruction):
        for folder in folders:
            root = folder.resolve()
            try:
                path = (root / name).resolve()
                if path.is_relative_to(root) and path.is_file():
                    paths.append(path)
                    break
            except (OSError, ValueError, RuntimeError):  # a name of no file, or a link to itself
                continue
    return paths

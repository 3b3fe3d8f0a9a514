"""The files of a checkpoint as downloads leave them: missing, half there, or a pointer instead."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from qwen_audio_agent.errors import CheckpointError

PARTIAL: Final = ("*.incomplete", "*.aria2", "*.part", "*.crdownload")
"""What hub clients, aria2, wget-likes and browsers call a download that is under way."""

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a file cannot be read.

    Attributes:
        kind: what happened to it.
        text: the same for people, to stand behind the name of the file.
    """

    kind: Literal["missing", "unfinished", "pointer", "truncated", "unreadable"]
    text: str


def flaw_of(path: Path) -> Flaw | None:
    """What is wrong with a file, whatever it should hold; None if it is there."""
    if not path.exists():  # nor does what a link of a hub's cache points to
        return Flaw("missing", "is missing: is the download complete?")
    if path.with_name(f"{path.name}.aria2").exists():  # its full size says nothing
        return Flaw("unfinished", "is still being downloaded: let aria2 finish it")
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
    except OSError as error:
        return Flaw("unreadable", f"cannot be read: {error.strerror}")
    if not start:
        return Flaw("truncated", "is empty: is the download complete?")
    if start == _LFS_POINTER:
        return Flaw("pointer", "is a Git-LFS pointer and not the file itself: run `git lfs pull`")
    return None


def read_json(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds.

    Raises:
        CheckpointError: it is not there, or is no JSON, or no object.
    """
    if flaw := flaw_of(path):
        raise CheckpointError(f"{path.name} {flaw.text}")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        line = f" from line {error.lineno} on" if isinstance(error, json.JSONDecodeError) else ""
        raise CheckpointError(f"{path.name} is no JSON{line}: is the download complete?") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path.name} holds no JSON object")
    return value


def partial_downloads(folder: Path) -> list[str]:
    """Names of files in a folder, or in the hub client's own one in it, that are half there."""
    places = (folder, folder / ".cache" / "huggingface" / "download")
    return sorted({path.name for place in places for what in PARTIAL for path in place.glob(what)})


def shown(name: str) -> str:
    """A name out of a file of others, fit to stand in one line."""
    name = name if len(name) <= 100 else f"{name[:97]}..."
    return name if name.isprintable() else ascii(name)

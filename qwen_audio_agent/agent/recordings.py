"""The recordings of a session: where they are, and whether they are still what they were."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from qwen_audio_agent.audio.files import content_hash
from qwen_audio_agent.errors import AudioFileError, SessionError, SourceChangedError


@dataclass(frozen=True, slots=True)
class Recording:
    """A source of a session.

    Attributes:
        id: what clips call it; decided by its content.
        name: of the file that was added.
        path: where it is now.
        home: where it was when it was added; that file is never written, whoever stands in for it.
        sha256: of the file when it was added.
    """

    id: str
    name: str
    path: Path
    home: Path
    sha256: str

    def check(self) -> None:
        """See that it holds the sound that it held when it was added.

        Raises:
            SourceChangedError: it does not, or is gone.
        """
        if not self.path.exists():
            raise _gone(self.path)
        try:
            found = content_hash(self.path)
        except AudioFileError as error:
            raise _changed(self.path) from error
        if found != self.sha256:
            raise _changed(self.path)


def find_recording(
    data: Mapping[str, Any],
    folder: Path,
    first: Path | None,
    known: Mapping[str, Recording] = MappingProxyType({}),
) -> Recording:
    """Find the file of a journal's recording: copies lie in the folder, the first anywhere.

    Args:
        data: of the journal.
        folder: of the session.
        first: where the first recording is now, if somebody says so; else it is where it was, or
            beside the folder that was moved along with it.
        known: the recordings before this one, by id; the same sound is not looked for again.

    Raises:
        SourceChangedError: it is gone.
        SessionError: it is not where a session keeps it.
        TypeError, KeyError: the journal says something else.
    """
    for name in ("id", "name", "path", "sha256"):
        if not isinstance(data[name], str):
            raise TypeError(f"{name} of a recording cannot be {repr(data[name])[:40]}")
    stored = Path(data["path"])
    home = Path(str(data.get("home", folder / stored)))
    if data["id"] in known:
        return replace(known[data["id"]], name=data["name"], home=home)
    # The folder may have come from somebody else: it shall not reach for other files.
    is_safe = not known if stored.is_absolute() else ".." not in stored.parts
    if not is_safe:
        raise SessionError(f"{folder} names {stored}, which is outside of it: it is not safe")
    choices = [folder / stored]
    if stored.is_absolute():
        choices = [first] if first else [stored, folder.parent / stored.name]
    for path in choices:
        with contextlib.suppress(OSError):  # a name that no file can have
            if path.is_file():
                return Recording(data["id"], data["name"], path, home, data["sha256"])
    raise _gone(stored)


def _gone(path: Path) -> SourceChangedError:
    return SourceChangedError(f"{path} is gone: put it back, or begin a new session")


def _changed(path: Path) -> SourceChangedError:
    return SourceChangedError(
        f"{path} is not the recording that it was when this session began: "
        "put the old file back, or begin a new session with this one"
    )

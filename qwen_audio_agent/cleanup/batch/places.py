"""Where recordings come from and outputs go: paths of this machine, and what fsspec reaches.

Something that is put under a name appears whole or not at all. On this machine, and on a filesystem
that can rename, it is hidden until it is whole; a store of objects takes an object whole anyway.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import Any, Final

from qwen_audio_agent.audio.files import content_hash
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.hidden_file import clear_remnants, disk_error
from qwen_audio_agent.audio.whole_file import copy_whole
from qwen_audio_agent.cleanup.kept_files import old_names
from qwen_audio_agent.editing.subtitle_files import subtitle_names
from qwen_audio_agent.errors import AudioFileError, DiskError, UsageError

_HIDDEN: Final = ".qwen-audio-agent-"
_BLOCK: Final = 1 << 20
# A put is whole there, and a rename is a copy and a deletion.
_OBJECT_STORES: Final = frozenset(
    ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "r2")
)


def is_url(place: str) -> bool:
    """Whether a place is for fsspec, as s3://bucket/a.mp3 is, and not a path of this machine."""
    return "://" in place


def filesystem(url: str) -> tuple[Any, str]:
    """The filesystem of a URL, and the path on it.

    Raises:
        UsageError: fsspec is not installed, or cannot reach it; says what to install.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise UsageError(
            f"{url} needs fsspec: pip install 'qwen-audio-agent[ray]', or name files here"
        ) from None
    try:
        fs, path = url_to_fs(url)
    except Exception as error:  # noqa: BLE001 - each filesystem has errors of its own
        raise UsageError(f"{url} cannot be reached: {_said(error)}") from None
    return fs, str(path)


def join(folder: str, name: str) -> str:
    """The place of a name with "/" below a folder."""
    if is_url(folder):
        return f"{folder.rstrip('/')}/{name}"
    return str(Path(folder, *PurePosixPath(name).parts))


def fetched(place: str, folder: Path) -> Path:
    """A file that can be read here: the place itself, or a copy of it in `folder`.

    Raises:
        AudioFileError: it cannot be had.
    """
    if not is_url(place):
        return Path(place)
    fs, path = filesystem(place)
    copy = folder / PurePosixPath(path).name
    try:
        fs.get_file(path, str(copy))
    except Exception as error:  # noqa: BLE001 - each filesystem has errors of its own
        raise AudioFileError(f"{shown(Path(place))} cannot be read: {_said(error)}") from None
    return copy


def fetch_beside(place: str, copy: Path, suffixes: Collection[str]) -> None:
    """Copy the subtitles of a fetched recording, of these suffixes, beside its copy."""
    if not is_url(place):
        return
    fs, path = filesystem(place)
    folder = PurePosixPath(path).parent
    names: list[str] = []
    with contextlib.suppress(Exception):  # whatever it is, there are no such subtitles then
        names = [PurePosixPath(item).name for item in fs.ls(str(folder), detail=False)]
    for name in subtitle_names(copy.name, names):
        if PurePosixPath(name).suffix.lower() in suffixes:
            with contextlib.suppress(Exception):
                fs.get_file(str(folder / name), str(copy.with_name(name)))


def deliver(source: Path, place: str) -> None:
    """Put a file of this machine at a place, whole; the folders on the way are made.

    Raises:
        DiskError: it cannot be written there.
    """
    if is_url(place):
        _upload(source, place)
        return
    target = Path(place)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(target, error) from None
    if target.is_dir():
        raise DiskError(f"{shown(target)} cannot be written: it is a folder")
    copy_whole(source, target)


def exists(place: str) -> bool:
    """Whether anything is at a place.

    Raises:
        AudioFileError: its filesystem does not say.
    """
    if not is_url(place):
        return os.path.lexists(place)
    fs, path = filesystem(place)
    try:
        return bool(fs.exists(path))
    except Exception as error:  # noqa: BLE001 - each filesystem has errors of its own
        raise AudioFileError(f"{shown(Path(place))} cannot be read: {_said(error)}") from None


def keep_at(place: str, is_lost: Callable[[Path], bool], folder: Path) -> str | None:
    """Copy what is at a place, if it would be lost, to a free one beside it; the name of that.

    Args:
        place: where something is put next.
        is_lost: asked about what is there now.
        folder: for what is fetched to be looked at.

    Raises:
        AudioFileError: it cannot be read.
        DiskError: it cannot be copied.
    """
    if not exists(place):
        return None
    folder.mkdir(exist_ok=True)
    there = fetched(place, folder)
    if not is_lost(there):
        return None
    start, name = place[: -len(there.name)], there.name
    kept = next(old for old in old_names(name) if not exists(start + old))
    deliver(there, start + kept)
    return kept


def sha256_at(place: str) -> str | None:
    """SHA-256 of what is at a place, as hexadecimal digits; None if nothing can be read there."""
    if not is_url(place):
        try:
            return content_hash(Path(place))
        except AudioFileError:
            return None
    fs, path = filesystem(place)
    digest = hashlib.sha256()
    try:
        with fs.open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except Exception:  # noqa: BLE001 - each filesystem has errors of its own
        return None
    return digest.hexdigest()


def identity(place: str) -> str:
    """What two names of the same file have in common, links included."""
    if is_url(place):
        fs, path = filesystem(place)
        if "file" not in _protocols(fs):
            return str(fs.unstrip_protocol(path))
        place = path
    return os.path.realpath(place)


def clear_hidden(folder: str) -> None:
    """Remove what killed processes left half written in a folder, if anything can be seen there."""
    if not is_url(folder):
        clear_remnants(Path(folder))
        return
    fs, path = filesystem(folder)
    with contextlib.suppress(Exception):
        for item in fs.ls(path, detail=False):
            if PurePosixPath(item).name.startswith(_HIDDEN):
                fs.rm_file(item)


def _upload(source: Path, url: str) -> None:
    fs, path = filesystem(url)
    parent = str(PurePosixPath(path).parent)
    hidden = f"{parent}/{_HIDDEN}{secrets.token_hex(8)}.part"
    try:
        if _OBJECT_STORES.intersection(_protocols(fs)):
            fs.put_file(str(source), path)
            return
        fs.makedirs(parent, exist_ok=True)
        try:
            fs.put_file(str(source), hidden)
            fs.mv(hidden, path)
        finally:
            with contextlib.suppress(Exception):
                if fs.exists(hidden):
                    fs.rm_file(hidden)
    except Exception as error:  # noqa: BLE001 - each filesystem has errors of its own
        raise DiskError(f"{shown(Path(url))} cannot be written: {_said(error)}") from None


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _said(error: Exception) -> str:
    """What a filesystem says, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        text = "there is no such file"
    return " ".join(str(text).split())[:300]

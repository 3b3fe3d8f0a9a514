"""The jobs of a batch: each recording with the name of its output; clashes are refused first."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from qwen_audio_agent.audio.files import content_hash
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.cleanup.batch.places import identity, is_url, join
from qwen_audio_agent.cleanup.batch.recordings import Recording, find_recordings, is_sound
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.cache import key_of


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to be cleaned up.

    Attributes:
        given: the recording as a person would name it.
        input: its absolute path, or its URL.
        output: the name of the new file below the output folder, with "/" between folders.
        size: of the recording in bytes; 0 where that cannot be seen.
        subtitles: what the names of its subtitles begin with; empty for the output's, without its
            suffix.
    """

    given: str
    input: str
    output: str
    size: int
    subtitles: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all jobs of a batch have in common; plain data, to be sent to other processes.

    Attributes:
        folder: the output folder: an absolute path, or a URL.
        recipe: the recipe as plain data.
        recipe_sha256: see `recipe_hash`.
        ear: the name of who listens, as `speech.ears.open_ear` takes it.
        heard_folder: where it is kept what was heard.
        hearing_workers: processes that listen to one recording.
    """

    folder: str
    recipe: dict[str, object]
    recipe_sha256: str
    ear: str
    heard_folder: str
    hearing_workers: int


def plan_jobs(
    inputs: Iterable[str], folder: str, suffix: str, earlier_outputs: Iterable[str]
) -> tuple[Job, ...]:
    """The jobs, in the order of their names.

    Names are kept below the folder that all recordings have in common.

    Args:
        inputs: files, folders and patterns, see `recordings.find_recordings`.
        folder: the output folder; what lies there from earlier is taken for no recording.
        suffix: such as ".flac", of all outputs; "" keeps that of each recording.
        earlier_outputs: names below the output folder that were written before.

    Raises:
        UsageError: no recordings, two outputs of one name, or one that would be written over a
            recording or outside of the output folder.
    """
    by_place = {r.place: r for given in inputs for r in find_recordings(given)}
    earlier = {join(folder, name) for name in earlier_outputs}
    recordings = [r for r in by_place.values() if not _is_output(r, folder, earlier)]
    if not recordings:
        raise UsageError("there are no recordings, but those in the output folder itself")
    bases = _common_bases(recordings)
    jobs = [
        Job(r.given, r.place, _output_name(r, bases[_root(r.place)], suffix), r.size)
        for r in recordings
    ]
    jobs.sort(key=lambda job: job.output)
    _refuse_clashes(jobs)
    _refuse_writing_over(jobs, folder)
    return tuple(_with_own_subtitles(jobs, folder))


def recipe_hash(recipe: Recipe) -> str:
    """SHA-256 of what a recipe says and of the sounds that it names, as hexadecimal digits.

    Raises:
        AudioFileError: one of its sounds cannot be read.
    """
    sounds = [content_hash(Path(path)) for path in recipe.music.files.values()]
    return key_of(recipe.to_json(), sounds)


def sendable(recipe: Recipe) -> dict[str, object]:
    """A recipe as plain data, with its sounds found from every working folder."""
    return recipe.with_music_beside(Path()).to_json()


def _is_output(recording: Recording, folder: str, earlier: set[str]) -> bool:
    if recording.place in earlier:
        return True
    is_below = _is_inside(folder, recording.base) and folder.rstrip("/") != recording.base
    return recording.was_searched and is_below and _is_inside(recording.place, folder)


def _is_inside(place: str, folder: str) -> bool:
    separator = "/" if is_url(folder) else os.sep
    return place == folder or place.startswith(folder.rstrip(separator) + separator)


def _root(place: str) -> str:
    """What places must share to have folders in common: the filesystem."""
    return place.partition("://")[0] + "://" if is_url(place) else Path(place).anchor


def _common_bases(recordings: Sequence[Recording]) -> dict[str, str]:
    """The deepest folder that the bases of all recordings of a filesystem lie in."""
    parts: dict[str, list[str]] = {}
    for recording in recordings:
        root = _root(recording.place)
        own = recording.base.removeprefix(root).replace(os.sep, "/").split("/")
        shared = parts.setdefault(root, own)
        parts[root] = [a for a, b in _while_equal(shared, own)]
    return {root: root + "/".join(shared) for root, shared in parts.items()}


def _while_equal(a: Sequence[str], b: Sequence[str]) -> list[tuple[str, str]]:
    number = 0
    while number < min(len(a), len(b)) and a[number] == b[number]:
        number += 1
    return list(zip(a[:number], b[:number], strict=True))


def _output_name(recording: Recording, base: str, suffix: str) -> str:
    name = recording.place.replace(os.sep, "/").removeprefix(base.replace(os.sep, "/")).lstrip("/")
    path = PurePosixPath(name)
    if suffix:
        stem = path.with_suffix("") if is_sound(path.name) else path
        path = stem.with_name(stem.name + suffix)
    if not path.name or ".." in path.parts:
        raise UsageError(f"{recording.given!r} has a name that leads out of its folder")
    return str(path)


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    """Refuse outputs of one name, also where a filesystem does not tell letters apart."""
    seen: dict[str, Job] = {}
    for job in jobs:
        other = seen.setdefault(_key(job.output), job)
        if other is not job:
            raise UsageError(
                f"{other.given!r} and {job.given!r} would both become {job.output!r}: "
                "rename one, or clean them up into two folders"
            )


def _refuse_writing_over(jobs: Sequence[Job], folder: str) -> None:
    recordings = {identity(job.input): job.given for job in jobs}
    inside = identity(folder)
    for job in jobs:
        output = identity(join(folder, job.output))
        if output in recordings:
            raise UsageError(
                f"{job.output!r} in the output folder is the recording {recordings[output]!r}: "
                "recordings are never written; choose another folder, or another format"
            )
        if not is_url(folder) and not _is_inside(output, inside):
            raise UsageError(
                f"{shown(Path(join(folder, job.output)))} is a link out of the output folder: "
                "remove it"
            )


def _with_own_subtitles(jobs: Sequence[Job], folder: str) -> Iterator[Job]:
    """Jobs whose subtitles are no other's, and none of a recording's.

    a.wav, a.mp3  ->  out/a.wav, out/a.wav.srt, out/a.mp3, out/a.mp3.srt
    """
    recordings = [identity(job.input) for job in jobs]
    taken = Counter(_key(name) for path in recordings for name in (path, _stem(path)))
    stems = [_key(_stem(identity(join(folder, job.output)))) for job in jobs]
    taken.update(stems)
    for job, stem in zip(jobs, stems, strict=True):
        own = PurePosixPath(job.output).name if taken[stem] > 1 else ""
        yield replace(job, subtitles=own)


def _stem(place: str) -> str:
    return place.removesuffix(PurePosixPath(place).suffix)


def _key(name: str) -> str:
    """What names have in common that a filesystem may not tell apart."""
    return unicodedata.normalize("NFC", name).casefold()


def smallest_last(jobs: Sequence[Job]) -> list[int]:
    """The numbers of jobs in the order in which to begin them, so that none is left for the end."""
    return sorted(range(len(jobs)), key=lambda i: -jobs[i].size)

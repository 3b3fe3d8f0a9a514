"""What a session is: it follows from the lines of its journal, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from langchain_core.messages import BaseMessage, messages_from_dict

from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.recordings import Recording, find_recording
from qwen_audio_agent.agent.storage import Record
from qwen_audio_agent.audio.files import AudioFile, probe
from qwen_audio_agent.editing.edit_list import BLEEP, SILENCE, EditList
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import AudioFileError, SessionError, SourceChangedError

FORMAT: Final = 1
"""Version of the journal; a program reads its own."""

# What comes of a line that no session has written.
_UNREADABLE: Final = (
    AttributeError,
    LookupError,
    OSError,
    OverflowError,
    SessionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An audio of a session: its edit list, its name, the number of what it was made from."""

    edit_list: EditList
    name: str
    parent: int | None = None


class State:
    """What the lines of a journal add up to.

    Args:
        folder: of the session.
        first: where its first recording is now, if somebody says so.
        progress: told how much of a long decoding or rendering is done, 0 to 1.

    Attributes:
        sources: the recordings and edit lists that edit lists refer to.
        entries: Audio 1, Audio 2, ...
        recordings: the sources by id, in the order in which they were added.
        homes: the files that were added, which are never written.
        steps: those that made a new audio.
        messages: the conversation.
    """

    def __init__(
        self, folder: Path, first: Path | None, progress: Callable[[float], None] | None
    ) -> None:
        self._folder = folder
        self._first = first
        self._progress = progress
        self.sources = Sources(folder / "cache", progress, self.check_sources)
        self.entries: list[Entry] = []
        self.recordings: dict[str, Recording] = {}
        self.homes: list[Path] = []
        self.steps: list[Step] = []
        self.messages: list[BaseMessage] = []

    def restore(self, records: Sequence[Record]) -> None:
        """Take in the lines of a journal, which may hold anything.

        Raises:
            SessionError: a line cannot be read, or does not follow from those before it.
            SourceChangedError: a recording is gone, or is no sound any more.
        """
        where = self._folder / "journal.jsonl"
        self._check_header(records[0], where)
        for number, record in enumerate(records[1:], start=2):
            try:
                take = self.read(record)
            except SourceChangedError:
                raise
            except _UNREADABLE as error:
                reason = f"it lacks {error}" if isinstance(error, KeyError) else error
                raise SessionError(
                    f"line {number} of {where} cannot be read: {' '.join(str(reason).split())}; "
                    "put the file back from a copy, or delete it and all behind it"
                ) from error
            take()

    def read(self, record: Record) -> Callable[[], None]:
        """What one line says, checked, to be taken in by calling what is returned.

        A line is read before it is written, so that only what can be read gets into a journal, and
        taken in afterwards, which is a moment in which nothing can go wrong.

        Raises:
            Exception: it says nothing; see `_UNREADABLE`.
        """
        match record["type"]:
            case "audio":
                recording = find_recording(
                    record["recording"], self._folder, self._first, self.recordings
                )
                file = self._probe_kept(recording)
                edit_list = self._read_list(record["edit_list"], recording.id)
                return partial(self._add_audio, recording, file, Entry(edit_list, recording.name))
            case "step":
                step = Step.from_json(record["step"])
                latest, parent = len(self.entries), record["parent"]
                there = range(1, latest + 1)
                if step.audio != latest + 1:
                    raise SessionError(f"it makes Audio {step.audio} after Audio {latest}")
                if step.given not in there or parent not in (None, *there):
                    raise SessionError(f"it works on Audio {step.given}, which is not there")
                name = f"Audio {step.given} after {step.tool}"
                entry = Entry(self._read_list(record["edit_list"]), name, parent)
                return partial(self._add_step, step, entry)
            case "message":
                return partial(self.messages.extend, messages_from_dict([record["message"]]))
            case unknown:
                raise SessionError(f"it is of the unknown type {unknown!r}")

    def probe(self, path: Path) -> AudioFile:
        """Probe a recording; what must be decoded for it is decoded once for the session."""
        return probe(path, self._folder / "cache", self._progress)

    def check_sources(self) -> None:
        """See that every recording still holds the sound that it held when it was added.

        Raises:
            SourceChangedError: one does not.
        """
        for recording in list(self.recordings.values()):
            recording.check()

    def _check_header(self, record: Record, where: Path) -> None:
        if record.get("type") != "session" or "format" not in record:
            raise SessionError(f"{where} is no journal of a session; put it back from a copy")
        if record["format"] != FORMAT:
            raise SessionError(
                f"{self._folder} has session format {record['format']!r}; this program "
                f"reads format {FORMAT}: use the version of the program that made it"
            )

    def _probe_kept(self, recording: Recording) -> AudioFile:
        try:
            return self.probe(recording.path)
        except AudioFileError:
            recording.check()
            raise

    def _read_list(self, data: object, *more: str) -> EditList:
        """An edit list whose sources are there, or among `more`."""
        edit_list = EditList.from_json(data)
        known = {SILENCE, BLEEP, *self.sources.files, *self.sources.lists, *more}
        for source in edit_list.sources:
            if source not in known:
                raise SessionError(f"it is made of {source[:40]!r}, which is not there")
        _ = edit_list.id  # computed once, now rather than between writing and taking in
        return edit_list

    def _add_audio(self, recording: Recording, file: AudioFile, entry: Entry) -> None:
        self.recordings.setdefault(recording.id, recording)
        self.homes.append(recording.home)
        self.sources.add_file(recording.id, file)
        self.sources.add_list(entry.edit_list)
        self.entries.append(entry)

    def _add_step(self, step: Step, entry: Entry) -> None:
        self.sources.add_list(entry.edit_list)
        self.entries.append(entry)
        self.steps.append(step)


def header() -> Record:
    """The first line of a new journal."""
    return {
        "type": "session",
        "format": FORMAT,
        "program": version("qwen-audio-agent"),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }

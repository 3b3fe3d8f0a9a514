"""A session: one conversation about recordings, kept in a folder from which everything can be made
again.

FOLDER/journal.jsonl    sources, messages and steps, one JSON object per line, only ever appended
FOLDER/sources/         copies of all recordings but the first, which is found by path and hash
FOLDER/cache/           decoded and derived sound, what was heard; may go when nobody works here
FOLDER/lock             held while a process works in the folder
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Any, Self, TypedDict, Unpack

from langchain_core.messages import BaseMessage, message_to_dict

from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.places import Listened
from qwen_audio_agent.agent.recordings import Recording
from qwen_audio_agent.agent.state import Entry, State, header
from qwen_audio_agent.agent.steps import finish, perform
from qwen_audio_agent.agent.storage import (
    Journal,
    Lock,
    Record,
    make_folder,
    refuse_links,
    taken,
)
from qwen_audio_agent.audio.files import AudioFile, content_hash, same_file
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.hidden_file import clear_remnants, disk_error
from qwen_audio_agent.audio.whole_file import copy_whole
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import (
    AudioFileError,
    DiskError,
    EditError,
    SessionError,
    ToolError,
)
from qwen_audio_agent.speech.cache import named_cache_folder
from qwen_audio_agent.speech.ears import Ear, open_ear
from qwen_audio_agent.speech.hearing import Listener


class Hearing(TypedDict, total=False):
    """How a session listens.

    Attributes:
        ear: who listens; the best one at hand by default.
        hearing_cache: where hearings are kept, by content; by default in the folder that
            QWEN_AUDIO_AGENT_CACHE names, and without it in the session's own cache.
        progress: called with 0..1 while something long is heard, decoded or made.
        num_workers: processes for long recordings; one per core by default.
    """

    ear: Ear | None
    hearing_cache: Path | None
    progress: Callable[[float], None] | None
    num_workers: int | None


class Session:
    """The sources, the conversation and every edit of one job; the only thing here that grows.

    Make one with `create` or `open`, and use it in a `with` statement or `close` it. What was
    appended is on the disk at once: a process that is killed leaves a folder that opens again.

    Attributes:
        folder: where it is kept.
        listener: who listens.
        working: held by a thread for a whole step, where several share the session.
    """

    def __init__(
        self, folder: Path, hearing: Hearing, first: Path | None = None, *, is_new: bool = False
    ) -> None:
        refuse_links(folder)
        self.folder = folder
        self.listener = _listener(folder, hearing)
        self.working = RLock()
        self._state = State(folder, first, hearing.get("progress"))
        self._audios: dict[str, HeardAudio] = {}
        self._growing = RLock()
        with ExitStack() as stack:
            stack.callback(Lock(folder / "lock").release)
            for place in (folder, folder / "cache", folder / "sources"):
                clear_remnants(place)
            journal = folder / "journal.jsonl"
            if is_new and journal.exists():  # made by another process in the meantime
                raise taken(folder)
            self._journal = Journal(journal, header() if is_new else None)
            stack.callback(self._journal.close)
            self._state.restore(self._journal.records)
            self._open_files = stack.pop_all()

    @classmethod
    def create(
        cls, folder: str | Path, files: Iterable[str | Path] = (), **hearing: Unpack[Hearing]
    ) -> Self:
        """Begin a session in a new or empty folder, with `files` as Audio 1, Audio 2 ...

        Raises:
            SessionError: the folder holds something already.
            AudioFileError: a file cannot be read as sound.
            DiskError: the folder cannot be written.
        """
        folder = Path(folder)
        is_made = make_folder(folder)
        try:
            session = cls(folder, hearing, is_new=True)
            try:
                for path in files:
                    session.add_audio(path)
            except BaseException:
                session.close()
                raise
        except (AudioFileError, DiskError):
            if is_made:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        return session

    @classmethod
    def open(
        cls, folder: str | Path, first: str | Path | None = None, **hearing: Unpack[Hearing]
    ) -> Self:
        """Go on with a session.

        Args:
            folder: where it is kept.
            first: where its first recording is now, if that is not where it was.
            **hearing: how it listens; see `Hearing`.

        Raises:
            SessionError: no session there, in use by another process, damaged, or of another
            format.
            SourceChangedError: one of its recordings is gone, or is no sound any more.
        """
        folder = Path(folder)
        if not (folder / "journal.jsonl").is_file():
            raise SessionError(f"{folder} holds no session: name a folder that one was made in")
        return cls(folder, hearing, Path(first) if first else None)

    def close(self) -> None:
        """Give the folder back to other processes."""
        self._open_files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def sources(self) -> Sources:
        """The recordings and edit lists that edit lists refer to."""
        return self._state.sources

    @property
    def numbers(self) -> range:
        """The numbers of all audios, from 1."""
        return range(1, len(self._state.entries) + 1)

    @property
    def latest(self) -> int:
        """Number of the newest audio; 0 when there is none."""
        return len(self._state.entries)

    @property
    def ear(self) -> Ear:
        """Who listens."""
        return self.listener.ear

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step that made a new audio, in order."""
        return tuple(self._state.steps)

    @property
    def messages(self) -> list[BaseMessage]:
        """The conversation, as the model gets it."""
        return list(self._state.messages)

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The sources, in the order in which they were added."""
        return tuple(self._state.recordings.values())

    def entry(self, number: int) -> Entry:
        """What Audio `number` is made of.

        Raises:
            ToolError: there is no such audio.
        """
        if number not in self.numbers:
            have = "no audio yet" if not self._state.entries else f"Audio 1 to Audio {self.latest}"
            raise ToolError(f"There is no Audio {number}; there is {have}.")
        return self._state.entries[number - 1]

    def name(self, number: int) -> str:
        """File name of a recording, or "Audio 1 after cut"."""
        return self.entry(number).name

    def audio(self, number: int) -> HeardAudio:
        """Audio `number`, to be heard and read.

        Raises:
            ToolError: there is no such audio.
        """
        return self.as_audio(self.entry(number).edit_list)

    def listened(self, number: int) -> Listened:
        """Audio `number` with its number, for the tools."""
        return Listened(number, self.audio(number))

    def as_audio(self, edit_list: EditList) -> HeardAudio:
        """An edit list as an audio that can be heard, whether it is kept yet or not."""
        self.sources.add_list(edit_list)
        if edit_list.id not in self._audios:
            self._audios[edit_list.id] = HeardAudio(edit_list, self.sources, self.listener)
        return self._audios[edit_list.id]

    def hear(self, file_id: str) -> HeardAudio:
        """The audio behind the `file_id` of a message's audio block, such as "audio-2".

        Raises:
            ToolError: there is no such audio.
        """
        name, _, number = file_id.partition("-")
        if name != "audio" or not number.isdecimal():
            raise ToolError(f"{file_id[:40]!r} is no audio of this session; audio-1 is the first")
        return self.audio(int(number))

    def add_audio(self, path: str | Path) -> int:
        """Add a recording as a new audio and return its number.

        The first is referred to where it lies; later ones are copied into the folder.

        Raises:
            AudioFileError: it cannot be read as sound.
            DiskError: the folder cannot be written.
        """
        path = Path(path)
        sha256 = content_hash(path)
        file = self._state.probe(path)
        name = f"s{sha256[:16]}"
        with self._growing:
            stored = path.absolute()
            if self._state.recordings and name not in self._state.recordings:
                stored = self._copy(path, f"{name}{path.suffix.lower()}")
            if {content_hash(path), content_hash(stored)} != {sha256}:
                raise AudioFileError(f"{path} changed while it was opened; wait and open it again")
            if stored.is_relative_to(self.folder):
                stored = stored.relative_to(self.folder)
            recording = {"id": name, "name": path.name, "path": str(stored), "sha256": sha256}
            recording["home"] = str(path.absolute())
            edit_list = EditList.from_file(name, file).to_json()
            self._write({"type": "audio", "recording": recording, "edit_list": edit_list})
            return self.latest

    def call(self, tool: str, **arguments: Any) -> Step:
        """Do one step by hand: the tool, listening again, repair; the step is kept.

            session.call("cut", audio=1, words="middle classes").audio  ->  2

        Raises:
            ToolError: the tool refuses its arguments.
            SourceChangedError: a recording is not what it was.
            DiskError: the folder cannot be written; the step is not kept.
        """
        with self.working:
            return finish(perform(self, tool, arguments))

    def undo(self) -> Step:
        """Take the newest edit back: the audio that it was made from becomes the newest again.

        Raises:
            ToolError: there is nothing to undo.
        """
        return self.call("undo", audio=self.latest)

    def keep(self, step: Step, edit_list: EditList, parent: int | None) -> Step:
        """Make an edit list the newest audio; returns the step with its number and length."""
        with self._growing:
            step = replace(step, audio=self.latest + 1, duration=edit_list.duration)
            made = {"edit_list": edit_list.to_json(), "parent": parent}
            self._write({"type": "step", "step": step.to_json()} | made)
        return step

    def say(self, message: BaseMessage) -> None:
        """Add a message to the conversation."""
        self._write({"type": "message", "message": message_to_dict(message)})

    def render(
        self, number: int, path: str | Path, *, progress: Callable[[float], None] | None = None
    ) -> AudioFile:
        """Write Audio `number` to a file in the format of the first recording, or what the suffix
        says.

        Raises:
            SourceChangedError: a recording is not what it was.
            EditError: `path` is a recording of this session.
            AudioFileError: it cannot be written there.
            DiskError: the disk is full, or takes nothing.
        """
        edit_list, path = self.entry(number).edit_list, Path(path)
        if any(same_file(path, home) for home in self._state.homes):
            raise EditError(f"{shown(path)} is a source of this session: choose another name")
        with self.on_same_sources():
            return render(edit_list, self.sources, path, progress=progress)

    def check_sources(self) -> None:
        """See that every recording still holds the sound that it held when it was added.

        Raises:
            SourceChangedError: one does not.
        """
        self._state.check_sources()

    @contextmanager
    def on_same_sources(self) -> Iterator[None]:
        """For work on the recordings: check them before, and where one cannot be read.

        Raises:
            SourceChangedError: a recording is not what it was.
        """
        self.check_sources()
        try:
            yield
        except AudioFileError:
            self.check_sources()
            raise

    def _copy(self, path: Path, name: str) -> Path:
        copy = self.folder / "sources" / name
        try:
            copy.parent.mkdir(exist_ok=True)
            copy_whole(path, copy)
        except OSError as error:
            raise disk_error(copy, error) from None
        return copy

    def _write(self, record: Record) -> None:
        with self._growing:
            take, num_before = self._state.read(record), len(self._journal.records)
            try:
                self._journal.append(record)
            finally:
                if len(self._journal.records) > num_before:
                    take()


def _listener(folder: Path, hearing: Hearing) -> Listener:
    own = folder / "cache" / "hearing"
    cache_folder = hearing.get("hearing_cache") or named_cache_folder() or own
    ear = hearing.get("ear") or open_ear()
    return Listener(ear, cache_folder, hearing.get("progress"), hearing.get("num_workers"))

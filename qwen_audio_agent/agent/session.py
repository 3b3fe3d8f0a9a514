"""A session: one conversation about recordings, kept in a folder from which everything can be made
again.

FOLDER/journal.jsonl    sources, messages and steps, one JSON object per line, only ever appended
FOLDER/sources/         copies of all recordings but the first, which is found by path and hash
FOLDER/cache/           decoded and derived sound, what was heard; may go when nobody works here
FOLDER/lock             held while a process works in the folder
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict

from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.places import Listened
from qwen_audio_agent.agent.recordings import Recording, find_recording
from qwen_audio_agent.agent.session_audio import SessionAudio
from qwen_audio_agent.agent.steps import finish, perform
from qwen_audio_agent.agent.storage import Journal, Lock, Record, copy_whole, refuse_links
from qwen_audio_agent.audio.files import AudioFile, content_hash, probe
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import SessionError, ToolError
from qwen_audio_agent.speech.ears import Ear, open_ear
from qwen_audio_agent.speech.hearing import Listener

FORMAT = 1
"""Version of the folder; a program reads its own."""


class Hearing(TypedDict, total=False):
    """How a session listens.

    Attributes:
        ear: who listens; the best one at hand by default.
        hearing_cache: where hearings are kept, by content; the session's own cache by default.
        progress: called with 0..1 while something long is heard, decoded or made.
        num_workers: processes for long recordings; one per core by default.
    """

    ear: Ear | None
    hearing_cache: Path | None
    progress: Callable[[float], None] | None
    num_workers: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An audio of a session: its edit list, its name, the number of what it was made from."""

    edit_list: EditList
    name: str
    parent: int | None = None


class Session:
    """The sources, the conversation and every edit of one job; the only thing here that grows.

    Make one with `create` or `open`, and use it in a `with` statement or `close` it. What was
    appended is on the disk at once: a process that is killed leaves a folder that opens again.

    Attributes:
        folder: where it is kept.
        listener: who listens.
        sources: the recordings and edit lists that edit lists refer to.
    """

    def __init__(self, folder: Path, hearing: Hearing, first: Path | None = None) -> None:
        refuse_links(folder)
        self.folder = folder
        self._first = first
        self._progress = hearing.get("progress")
        self.listener = _listener(folder, hearing)
        self.sources = Sources(folder / "cache", self._progress)
        self._entries: list[Entry] = []
        self._recordings: dict[str, Recording] = {}
        self._steps: list[Step] = []
        self._messages: list[BaseMessage] = []
        self._audios: dict[str, SessionAudio] = {}
        self._unchanged: dict[str, tuple[int, ...]] = {}
        with ExitStack() as stack:
            stack.callback(Lock(folder / "lock").release)
            self._journal = Journal(folder / "journal.jsonl")
            stack.callback(self._journal.close)
            self._restore()
            self._open_files = stack.pop_all()

    @classmethod
    def create(
        cls, folder: str | Path, files: Iterable[str | Path] = (), **hearing: Unpack[Hearing]
    ) -> Self:
        """Begin a session in a new or empty folder, with `files` as Audio 1, Audio 2 ...

        Raises:
            SessionError: the folder holds something already.
            AudioFileError: a file cannot be read as sound.
        """
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SessionError(f"{folder} exists already: open that session, or name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        session = cls(folder, hearing)
        try:
            for path in files:
                session.add_audio(path)
        except BaseException:
            session.close()
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
            SourceChangedError: its first recording is gone.
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
    def numbers(self) -> range:
        """The numbers of all audios, from 1."""
        return range(1, len(self._entries) + 1)

    @property
    def latest(self) -> int:
        """Number of the newest audio; 0 when there is none."""
        return len(self._entries)

    @property
    def ear(self) -> Ear:
        """Who listens."""
        return self.listener.ear

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step that made a new audio, in order."""
        return tuple(self._steps)

    @property
    def messages(self) -> list[BaseMessage]:
        """The conversation, as the model gets it."""
        return list(self._messages)

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The sources, in the order in which they were added."""
        return tuple(self._recordings.values())

    def entry(self, number: int) -> Entry:
        """What Audio `number` is made of.

        Raises:
            ToolError: there is no such audio.
        """
        if number not in self.numbers:
            have = "no audio yet" if not self._entries else f"Audio 1 to Audio {self.latest}"
            raise ToolError(f"There is no Audio {number}; there is {have}.")
        return self._entries[number - 1]

    def name(self, number: int) -> str:
        """File name of a recording, or "Audio 1 after cut"."""
        return self.entry(number).name

    def audio(self, number: int) -> SessionAudio:
        """Audio `number`, to be heard and read.

        Raises:
            ToolError: there is no such audio.
        """
        return self.as_audio(self.entry(number).edit_list)

    def listened(self, number: int) -> Listened:
        """Audio `number` with its number, for the tools."""
        return Listened(number, self.audio(number))

    def as_audio(self, edit_list: EditList) -> SessionAudio:
        """An edit list as an audio that can be heard, whether it is kept yet or not."""
        self.sources.add_list(edit_list)
        if edit_list.id not in self._audios:
            self._audios[edit_list.id] = SessionAudio(edit_list, self.sources, self.listener)
        return self._audios[edit_list.id]

    def hear(self, file_id: str) -> SessionAudio:
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
        """
        path = Path(path)
        file = self._probe(path)
        sha256 = content_hash(path)
        name = f"s{sha256[:16]}"
        if self._recordings and name not in self._recordings:
            (self.folder / "sources").mkdir(exist_ok=True)
            copy = self.folder / "sources" / f"{name}{path.suffix.lower()}"
            copy_whole(path, copy)
            stored = str(copy.relative_to(self.folder))
        else:
            stored = str(path.absolute())
        recording = {"id": name, "name": path.name, "path": stored, "sha256": sha256}
        edit_list = EditList.from_file(name, file)
        self._write({"type": "audio", "recording": recording, "edit_list": edit_list.to_json()})
        return self.latest

    def call(self, tool: str, **arguments: Any) -> Step:
        """Do one step by hand: the tool, listening again, repair; the step is kept.

            session.call("cut", audio=1, words="middle classes").audio  ->  2

        Raises:
            ToolError: the tool refuses its arguments.
        """
        return finish(perform(self, tool, arguments))

    def undo(self) -> Step:
        """Take the newest edit back: the audio that it was made from becomes the newest again.

        Raises:
            ToolError: there is nothing to undo.
        """
        return self.call("undo", audio=self.latest)

    def keep(self, step: Step, edit_list: EditList, parent: int | None) -> Step:
        """Make an edit list the newest audio; returns the step with its number and length."""
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
            AudioFileError: it cannot be written.
        """
        edit_list = self.entry(number).edit_list
        self.check_sources()
        return render(edit_list, self.sources, Path(path), progress=progress)

    def check_sources(self) -> None:
        """See that every recording still holds the sound that it held when it was added.

        Raises:
            SourceChangedError: one does not.
        """
        for recording in self.recordings:
            state = recording.state()
            if self._unchanged.get(recording.id) != state:
                recording.check()
                self._unchanged[recording.id] = state

    def _probe(self, path: Path) -> AudioFile:
        """Probe a recording; what must be decoded for it is decoded once for the session."""
        return probe(path, self.folder / "cache", self._progress)

    def _restore(self) -> None:
        """Take in the lines of the journal; write the first one if there is none."""
        for record in self._journal.records:
            try:
                self._take(record)
            except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
                where = self.folder / "journal.jsonl"
                raise SessionError(
                    f"{where} cannot be read ({error}); begin a new session"
                ) from error
        if not self._journal.records:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._write(
                {
                    "type": "session",
                    "format": FORMAT,
                    "program": version("qwen-audio-agent"),
                    "made": now,
                }
            )

    def _write(self, record: Record) -> None:
        self._journal.append(record)
        self._take(record)

    def _take(self, record: Record) -> None:
        """The state follows from the journal's lines and from nothing else."""
        match record["type"]:
            case "session":
                if record["format"] != FORMAT:
                    raise SessionError(
                        f"{self.folder} has session format {record['format']!r}; this program "
                        f"reads format {FORMAT}: use the version of the program that made it"
                    )
            case "audio":
                known = self._recordings
                recording = find_recording(record["recording"], self.folder, self._first, known)
                known.setdefault(recording.id, recording)
                self.sources.add_file(recording.id, self._probe(recording.path))
                self._entries.append(Entry(EditList.from_json(record["edit_list"]), recording.name))
            case "step":
                step = Step.from_json(record["step"])
                if step.audio != self.latest + 1 or step.given not in self.numbers:
                    raise ValueError(f"Audio {step.audio} after Audio {self.latest}")
                if record["parent"] not in (None, *self.numbers):
                    raise ValueError(f"no Audio {record['parent']}")
                self._steps.append(step)
                name = f"Audio {step.given} after {step.tool}"
                edit_list = EditList.from_json(record["edit_list"])
                self._entries.append(Entry(edit_list, name, record["parent"]))
            case "message":
                self._messages += messages_from_dict([record["message"]])
            case unknown:
                raise SessionError(f"{self.folder} has a line of unknown type {unknown!r}")
        if record["type"] in ("audio", "step"):
            self.sources.add_list(self._entries[-1].edit_list)


def _listener(folder: Path, hearing: Hearing) -> Listener:
    cache_folder = hearing.get("hearing_cache") or folder / "cache" / "hearing"
    ear = hearing.get("ear") or open_ear()
    return Listener(ear, cache_folder, hearing.get("progress"), hearing.get("num_workers"))

"""Hearing recordings of any length: in stretches, side by side, and never the same one twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.audio.files import AudioFile, blocks, content_hash, read
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.errors import AudioFileError
from qwen_audio_agent.speech.cache import HeardCache, key_of
from qwen_audio_agent.speech.ears import Ear
from qwen_audio_agent.speech.stretches import (
    LONGEST,
    cut_at_pauses,
    gather,
    inside,
    stitch,
    widened,
)
from qwen_audio_agent.speech.tasks import Task, do_together
from qwen_audio_agent.speech.text import normalise, readings
from qwen_audio_agent.speech.words import Match, Transcript, Word
from qwen_audio_agent.speech.workers import can_be_opened_again, hear_side_by_side

_REVISION: Final = 1  # of the way in which recordings are cut and put together
_WORTH_A_PROCESS: Final = 60.0  # seconds of sound; starting an ear takes about one second
_MAX_WORKERS: Final = 8  # each takes some 150 MB
_MAX_OVERLAP: Final = 10.0

T = TypeVar("T")


class Hearable(Protocol):
    """One audio as a mind hears it."""

    @property
    def duration(self) -> float:
        """Length in seconds."""
        ...

    def transcript(self) -> Transcript:
        """What is said in it."""
        ...

    def find(self, phrase: str) -> tuple[Match, ...]:
        """Where `phrase` is said: best first, doubtful ones flagged."""
        ...


class Audible(Hearable, Protocol):
    """One audio whose sound itself can be had, for minds that hear without an ear."""

    def stretch(self, start: float, end: float) -> Audio:
        """The sound from `start` to `end` seconds, both inside the audio."""
        ...


@dataclass(frozen=True, slots=True)
class _Sound:
    """A recording or a sound in memory, as far as hearing needs it.

    Attributes:
        name: decided by the sound alone, so that it can stand for it in a key.
        read: gives the sound of a span.
        blocks: the whole sound, block by block.
        file: the recording; None for a sound in memory.
    """

    name: str
    num_frames: int
    sample_rate: int
    read: Callable[[Span], Audio]
    blocks: Callable[[], Iterator[Audio]]
    file: AudioFile | None = None


class Listener:
    """Hears recordings through an ear, and remembers what it heard.

    Args:
        ear: who listens; takes stretches of about 30 s.
        cache_folder: where it is kept what was heard, see `speech.cache.default_cache_folder`;
            None keeps it in memory only.
        progress: is called with the share that is done, 0 to 1, while there is something to hear.
        num_workers: processes that listen side by side to more than a minute of sound; 1 listens
            in this process, None takes one for each core.
        keeps_sounds: keep on disk, too, what was heard in sounds in memory, which are otherwise
            remembered by this process alone.
    """

    def __init__(
        self,
        ear: Ear,
        cache_folder: Path | None,
        progress: Callable[[float], None] | None = None,
        num_workers: int | None = None,
        *,
        keeps_sounds: bool = False,
    ) -> None:
        if num_workers is not None and num_workers < 1:
            raise ValueError(f"at least 1 worker is needed, not {num_workers}")
        self.ear = ear
        self._cache = HeardCache(cache_folder)
        self._progress = progress or _not_shown
        self._keeps_sounds = keeps_sounds
        self._num_workers = num_workers or min(num_cores(), _MAX_WORKERS)

    def transcribe(self, file: AudioFile, *spans: Span) -> Transcript:
        """Write down what is said in a recording of any length.

        Args:
            file: the recording.
            *spans: frames of it; no further than the stretches that they lie in, of up to 30 s, is
                listened to. All of it by default.

        Raises:
            HearingError: the ear cannot listen, or a process of it died.
            AudioFileError: the recording cannot be read.
        """
        sound = self._of_file(file)
        stretches = self._stretches(sound)
        if spans:
            stretches = tuple(s for s in stretches if any(_overlap(s, span) for span in spans))
        return self._transcribe(sound, stretches, self._progress)

    def remembered(self, file: AudioFile) -> Transcript:
        """What is said in a recording, as far as it was listened to before; listens to nothing.

        Raises:
            AudioFileError: the recording cannot be read.
        """
        sound = self._of_file(file)
        stretches = self._stretches(sound)
        known = [s for s in stretches if self._cache.get(self._task_key(sound, Task(s)))]
        return self._transcribe(sound, known, _not_shown)

    def find(self, file: AudioFile, phrase: str) -> tuple[Match, ...]:
        """Search a phrase in the sound of a recording of any length.

        Returns:
            All places where it is found, best first; if there is none, the nearest few, flagged
            doubtful, or nothing at all.

        Raises:
            HearingError: the ear cannot listen, or a process of it died.
            AudioFileError: the recording cannot be read.
        """
        return self._find(self._of_file(file), phrase)

    def listen(self, audio: Audio) -> Transcript:
        """Write down what is said in a sound in memory.

        Raises:
            HearingError: the ear cannot listen.
        """
        sound = _of_audio(audio)
        return self._transcribe(sound, self._stretches(sound), self._progress)

    def find_in(self, audio: Audio, phrase: str) -> tuple[Match, ...]:
        """Search a phrase in a sound in memory; as `find`.

        Raises:
            HearingError: the ear cannot listen.
        """
        return self._find(_of_audio(audio), phrase)

    def align(self, audio: Audio, words: Sequence[str]) -> tuple[Word, ...]:
        """Find when each of the known `words` is said in a stretch of up to about 30 s.

        Raises:
            HearingError: the words cannot be fitted to the sound.
        """
        key = self._key(_of_audio(audio), "align", *words)
        found = self._cache.get(key)
        if found is None:
            aligned = self.ear.align(audio, words)
            found = Transcript(aligned, audio.duration).to_json()
            self._cache.put(key, found, on_disk=self._keeps_sounds)
        return Transcript.from_json(found).words

    def recording(self, file: AudioFile) -> Audible:
        """A recording that can be asked what is said in it."""
        return _Recording(self, file)

    def _transcribe(
        self, sound: _Sound, spans: Sequence[Span], progress: Callable[[float], None]
    ) -> Transcript:
        duration = sound.num_frames / sound.sample_rate
        reliable = getattr(self.ear, "reliable", None)  # an ear of others may not say
        if not spans:
            return Transcript((), duration, ear=self.ear.name, reliable=reliable)
        heard = self._answers(sound, [Task(span) for span in spans], Transcript.from_json, progress)
        stitched = stitch(spans, heard, sound.sample_rate)
        return replace(stitched, duration=duration, reliable=reliable)

    def _find(self, sound: _Sound, phrase: str) -> tuple[Match, ...]:
        words = normalise(phrase)
        if not words:
            return ()
        overlap = min(1.0 + 0.6 * len(words), _MAX_OVERLAP)
        stretches = self._stretches(sound)
        spans = widened(stretches, overlap, sound.sample_rate)
        heard = self._transcribe(sound, stretches, lambda done: self._progress(done / 2))
        tasks = [Task(span, phrase, inside(heard, span, sound.sample_rate)) for span in spans]
        found = self._answers(sound, tasks, _matches, lambda done: self._progress((1 + done) / 2))
        return gather(spans, found, sound.sample_rate)

    def _stretches(self, sound: _Sound) -> tuple[Span, ...]:
        """Where to cut a sound; of a long recording that takes a while, so it is kept as well."""
        if sound.num_frames <= LONGEST * sound.sample_rate:
            return (Span(0, sound.num_frames),)
        key = key_of("stretches", _REVISION, sound.name)
        kept = self._cache.get(key)
        if kept is None:
            spans = cut_at_pauses(find_activity(sound.blocks()))
            kept = [[span.start, span.end] for span in spans]
            self._check_unchanged(sound)
            self._cache.put(key, kept, on_disk=sound.file is not None)
        return tuple(Span(start, end) for start, end in kept)

    def _answers(
        self,
        sound: _Sound,
        tasks: Sequence[Task],
        parse: Callable[[Any], T],
        progress: Callable[[float], None],
    ) -> list[T]:
        """The answer to each task, kept or new; each new one is kept at once."""
        keys = [self._task_key(sound, task) for task in tasks]
        found = [_parsed(self._cache.get(key), parse) for key in keys]
        missing = [i for i, answer in enumerate(found) if answer is None]
        total = max(1, sum(task.span.num_frames for task in tasks))
        done = total - sum(tasks[i].span.num_frames for i in missing)
        if missing:
            progress(done / total)
        with closing(self._hear(sound, [tasks[i] for i in missing])) as answers:
            for index, answer in answers:
                self._check_unchanged(sound)
                i = missing[index]
                self._cache.put(keys[i], answer, on_disk=bool(sound.file) or self._keeps_sounds)
                found[i] = parse(answer)
                done += tasks[i].span.num_frames
                progress(done / total)
        return [answer for answer in found if answer is not None]

    def _hear(self, sound: _Sound, tasks: Sequence[Task]) -> Generator[tuple[int, Any], None, None]:
        """Each answer with the index of its task, as soon as it is there."""
        seconds = sum(task.span.num_frames for task in tasks) / sound.sample_rate
        side_by_side = self._num_workers > 1 and seconds > _WORTH_A_PROCESS
        if sound.file and side_by_side and can_be_opened_again(self.ear):
            yield from hear_side_by_side(self.ear, sound.file, tasks, self._num_workers)
        else:
            size = getattr(self.ear, "batch_size", 1)
            for first in range(0, len(tasks), size):
                batch = tasks[first : first + size]
                sounds = [sound.read(task.span) for task in batch]
                yield from enumerate(do_together(batch, self.ear, sounds), first)

    def _check_unchanged(self, sound: _Sound) -> None:
        """See that what was just heard may be kept under the name that the sound had before."""
        if sound.file and self._of_file(sound.file).name != sound.name:
            path = shown(sound.file.path)
            raise AudioFileError(f"{path} changed while it was listened to; open it again")

    def _task_key(self, sound: _Sound, task: Task) -> str:
        return self._key(sound, task.span.start, task.span.end, readings(task.phrase or ""))

    def _key(self, sound: _Sound, *question: Any) -> str:
        """What decides an answer; what is known to be said is decided by ear and sound."""
        return key_of(_REVISION, sound.name, self.ear.name, self.ear.version, *question)

    def _of_file(self, file: AudioFile) -> _Sound:
        return _Sound(
            name=f"{content_hash(file.path)}:{file.num_frames}",
            num_frames=file.num_frames,
            sample_rate=file.sample_rate,
            read=lambda span: read(file, span),
            blocks=lambda: blocks(file),
            file=file,
        )


@dataclass(frozen=True, slots=True)
class _Recording:
    """A `Hearable` that is a recording."""

    listener: Listener
    file: AudioFile

    @property
    def duration(self) -> float:
        return self.file.duration

    def transcript(self) -> Transcript:
        return self.listener.transcribe(self.file)

    def find(self, phrase: str) -> tuple[Match, ...]:
        return self.listener.find(self.file, phrase)

    def stretch(self, start: float, end: float) -> Audio:
        return read(self.file, Span.from_seconds(start, end, self.file.sample_rate))


def _overlap(a: Span, b: Span) -> bool:
    return a.start < b.end and b.start < a.end


def _not_shown(_done: float) -> None:
    """Progress that nobody asked for."""


def _of_audio(audio: Audio) -> _Sound:
    digest = hashlib.sha256(np.ascontiguousarray(audio.samples).data).hexdigest()
    return _Sound(
        name=f"{digest}:{audio.num_channels}:{audio.sample_rate}",
        num_frames=audio.num_frames,
        sample_rate=audio.sample_rate,
        read=audio.slice,
        blocks=lambda: iter([audio]),
    )


def _matches(data: Any) -> tuple[Match, ...]:
    return tuple(Match.from_json(item) for item in data)


def _parsed(kept: Any, parse: Callable[[Any], T]) -> T | None:
    """What was kept, or None if there is nothing or it is damaged and has to be heard again."""
    try:
        return None if kept is None else parse(kept)
    except (ValueError, TypeError):
        return None


def num_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

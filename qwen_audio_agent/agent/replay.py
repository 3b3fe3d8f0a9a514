"""Do a session again: the same edits of the same sound, or the same calls on another."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from qwen_audio_agent.agent.outcome import ROLES, Step
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.agent.steps import finish, perform
from qwen_audio_agent.audio.files import AudioFile, content_hash, same_file
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.errors import EditError, SessionError, ToolError
from qwen_audio_agent.speech.ears import Ear


def replay(
    session: str | Path,
    audio: str | Path,
    out: str | Path,
    *,
    ear: Ear | None = None,
    progress: Callable[[float], None] | None = None,
) -> AudioFile:
    """Make the newest audio of a session again, from `audio` in the place of its first recording.

    The same recording gives the recorded edit list, bit for bit the same sound, without listening.
    On another one the tool calls that led to the newest audio are done again: words are looked for
    in the new sound, every join is listened to, and typed times stay what they were.

    Args:
        session: folder of the session; nothing is added to it.
        audio: the recording.
        out: the file to write.
        ear: who listens to another recording; None = the best one at hand.
        progress: told how much of each long task is done, 0 to 1.

    Raises:
        SessionError: no session, or nothing was edited in it.
        SourceChangedError: another recording of the session is not what it was.
        ToolError: a call cannot be done on this recording; says which and why.
        EditError: `out` is a recording of the session, even if `audio` stands in for it.
        AudioFileError: `audio` cannot be read, or `out` not be written.
    """
    sha256 = content_hash(Path(audio))
    with Session.open(session, first=audio, ear=ear, progress=progress) as old:
        if not old.steps:
            raise SessionError(f"{session} has no edits that could be done again")
        if any(same_file(Path(out), recording.home) for recording in old.recordings):
            raise EditError(f"{shown(Path(out))} is a source of this session: choose another name")
        if sha256 == old.recordings[0].sha256:
            return old.render(old.latest, out, progress=progress)
        with tempfile.TemporaryDirectory() as folder:
            new = Session.create(Path(folder) / "replay", ear=ear, progress=progress)
            with new:
                newest = _again(old, new, Path(audio))
                return new.render(newest, out, progress=progress)


def steps_behind(session: Session) -> list[Step]:
    """The steps that led to the newest audio, in order; what was undone is not among them."""
    steps = {step.audio: step for step in session.steps if step.audio is not None}
    needed = [steps[n] for n in _needed(session, steps, session.latest) if n in steps]
    return [step for step in needed if step.tool != "undo"]


def _again(old: Session, new: Session, audio: Path) -> int:
    """Do the calls that led to the newest audio of `old` in `new`; the number of what they made."""
    steps = {step.audio: step for step in old.steps if step.audio is not None}
    paths = {recording.id: recording.path for recording in old.recordings}
    numbers: dict[int, int] = {}
    for number in _needed(old, steps, old.latest):
        if number in steps:
            step = steps[number]
            if undone := _undone(old, step):
                numbers[number] = numbers[undone]
            else:
                numbers[number] = _do_again(new, step, numbers)
        else:
            sources = set(old.entry(number).edit_list.sources)
            if len(sources) != 1 or not sources <= paths.keys():
                raise SessionError(f"Audio {number} of {old.folder} is not of one recording")
            (source,) = sources
            is_first = source == old.recordings[0].id
            numbers[number] = new.add_audio(audio if is_first else paths[source])
    return numbers[old.latest]


def _do_again(new: Session, step: Step, numbers: dict[int, int]) -> int:
    named = {role: numbers[number] for role, number in _named(step).items()}
    try:
        made = finish(perform(new, step.tool, {**step.arguments, **named}))
    except ToolError as error:
        raise ToolError(f"{step.tool} cannot be done on this recording: {error}") from error
    # A tool that finds nothing to do, such as no filler, leaves the audio as it is.
    return made.audio or named["audio"]


def _undone(old: Session, step: Step) -> int | None:
    """The number of the audio that an undo went back to; None for other steps."""
    return old.entry(step.given).parent if step.tool == "undo" else None


def _named(step: Step) -> dict[str, int]:
    """The arguments that are numbers of audios, which were all there before the step.

    Raises:
        SessionError: they were not.
    """
    named = {role: step.arguments[role] for role in ROLES if role in step.arguments}
    there = range(1, step.audio or 1)
    if "audio" not in named or not all(type(n) is int and n in there for n in named.values()):
        raise SessionError(f"Audio {step.audio} cannot be made of {named}: the journal is damaged")
    return named


def _needed(old: Session, steps: dict[int, Step], number: int) -> list[int]:
    """The numbers of the audios that one was made from, in the order in which they were made."""
    needed: set[int] = set()
    waiting = [number]
    while waiting:
        at = waiting.pop()
        if at in needed:
            continue
        needed.add(at)
        if at in steps and (undone := _undone(old, steps[at])):
            waiting.append(undone)
        elif at in steps:
            waiting += _named(steps[at]).values()
    return sorted(needed)

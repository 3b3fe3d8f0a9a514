"""The commands that make a new recording: edit, replay, undo."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from qwen_audio_agent.agent.mentions import find_mentioned
from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.agent.replay import replay as replay_session
from qwen_audio_agent.agent.report import write_report
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.files import same_file
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.chat_models import open_chat_model
from qwen_audio_agent.cli.printing import HumanPrinter, JsonPrinter
from qwen_audio_agent.cli.progress import Progress
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.cache import default_cache_folder
from qwen_audio_agent.speech.ears import open_ear

Printer = HumanPrinter | JsonPrinter


def edit(arguments: argparse.Namespace) -> int:
    """Edit recordings as a sentence says; write the result, its report and its session."""
    if not arguments.positionals:
        raise UsageError(
            "edit needs an instruction, such as: edit talk.wav 'Cut \"you know\"' -o out.wav"
        )
    *audio, instruction = arguments.positionals
    printer = _printer(arguments)
    with ExitStack() as stack:
        output = None
        if not arguments.dry_run:
            output = _output(arguments.output, [Path(a) for a in audio])
        folder, is_new = _session_folder(arguments, output, stack)
        progress = Progress("listening", enabled=not (arguments.quiet or arguments.json))
        session = stack.enter_context(_open_session(folder, is_new, arguments.ear, progress))
        for path in audio:
            session.add_audio(Path(path))
        if not session.numbers:
            raise UsageError("edit needs a recording before the instruction, or --session DIR")
        _add_mentioned(session, instruction, [Path.cwd(), *(Path(a).parent for a in audio)])
        printer.remark(f"ear {session.ear.name}: {session.ear.description}")
        first_step = len(session.steps)
        model = open_chat_model(arguments.model, hear=session.hear)
        planner = Planner(
            session, model, max_steps=arguments.max_steps, max_seconds=arguments.max_seconds
        )
        for event in planner.run(instruction):
            printer.event(event)
        return _finish(session, first_step, output, arguments, printer)


def _add_mentioned(session: Session, instruction: str, folders: list[Path]) -> None:
    """Open the recordings that the sentence names and that are not open yet."""
    names = {session.name(number) for number in session.numbers}
    for path in find_mentioned(instruction, folders):
        if path.name not in names:
            session.add_audio(path)


def _finish(
    session: Session,
    first_step: int,
    output: Path | None,
    arguments: argparse.Namespace,
    printer: Printer,
) -> int:
    """Write the output unless nothing was done; exit status 1 when nothing was."""
    steps = session.steps[first_step:]
    made = [step for step in steps if step.audio is not None]
    if output is not None and made:
        with Progress("rendering", enabled=not (arguments.quiet or arguments.json)) as progress:
            session.render(session.latest, output, progress=progress)
        write_report(session, session.latest, session.folder, output)
    dry = arguments.dry_run or not made
    printer.result(
        {
            "output": None if dry else str(output),
            "session": None if arguments.dry_run else str(session.folder),
            "edits": [edit for step in made for edit in _edits(step.to_json())],
            "verdicts": [v.to_json() for step in made for v in step.verdicts],
        }
    )
    return 0 if made else 1


def _edits(step: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry for each place that a step edited; of the whole audio when it has no places."""
    places = step["places"] or [{"audio": step["given"], "words": None, "start": None, "end": None}]
    return [{"tool": step["tool"], **place} for place in places]


def replay(arguments: argparse.Namespace) -> int:
    """Do a session's edits again on the same or another recording."""
    printer = _printer(arguments)
    output = _output(arguments.output, [Path(arguments.audio)])
    with Progress("replaying", enabled=not (arguments.quiet or arguments.json)) as progress:
        replay_session(Path(arguments.session), Path(arguments.audio), output, progress=progress)
    printer.result({"output": str(output), "session": None, "edits": [], "verdicts": []})
    return 0


def undo(arguments: argparse.Namespace) -> int:
    """Take the last edit of a session back, and write what it was before when -o is given."""
    printer = _printer(arguments)
    with Session.open(Path(arguments.session)) as session:
        output = _output(arguments.output, []) if arguments.output else None
        step = session.undo()
        printer.remark(f"undone; Audio {step.audio} is what it was: {step.text}")
        arguments.dry_run = output is None
        return _finish(session, len(session.steps) - 1, output, arguments, printer)


def _printer(arguments: argparse.Namespace) -> Printer:
    return JsonPrinter() if arguments.json else HumanPrinter(quiet=arguments.quiet)


def _output(text: str | None, sources: list[Path]) -> Path:
    """The output, checked before any work is done."""
    if text is None:
        raise UsageError("edit needs -o OUT, the file to write (or --dry-run)")
    output = Path(text)
    if any(same_file(output, source) for source in sources):
        raise UsageError(f"{output} is a source: sources are never written; choose another name")
    check_output(output)
    return output


def _session_folder(
    arguments: argparse.Namespace, output: Path | None, stack: ExitStack
) -> tuple[Path, bool]:
    """Where the session lives, and whether it starts there."""
    if arguments.session:
        folder = Path(arguments.session)
        if folder.exists() and not arguments.dry_run:
            return folder, False
        if not arguments.dry_run:
            return folder, True
    if output is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory())) / "dry", True
    folder = output.with_suffix(".session")
    number = 2
    while folder.exists():  # an earlier session is never overwritten
        folder = output.with_suffix(f".{number}.session")
        number += 1
    return folder, True


def _open_session(folder: Path, is_new: bool, ear_name: str, progress: Progress) -> Session:
    ear = open_ear(ear_name)
    start = Session.create if is_new else Session.open
    return start(folder, ear=ear, hearing_cache=default_cache_folder(), progress=progress)

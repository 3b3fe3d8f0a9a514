"""The commands that make a new recording: edit, replay, undo."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from qwen_audio_agent.agent.events import Edited, Refused
from qwen_audio_agent.agent.mentions import find_mentioned
from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.agent.replay import replay as replay_session
from qwen_audio_agent.agent.report import write_report
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.files import same_file
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.chat_models import open_chat_model
from qwen_audio_agent.cli.ears import about_ear, named_ear
from qwen_audio_agent.cli.one_line import complain
from qwen_audio_agent.cli.printing import HumanPrinter, JsonPrinter
from qwen_audio_agent.cli.progress import Progress
from qwen_audio_agent.errors import AudioFileError, UsageError
from qwen_audio_agent.speech.cache import default_cache_folder

Printer = HumanPrinter | JsonPrinter
DONE, FAILED = 0, 1


def edit(arguments: argparse.Namespace) -> int:
    """Edit recordings as a sentence says; write the result, its report and its session."""
    if not arguments.positionals:
        raise UsageError(
            "edit needs an instruction, such as: edit talk.wav 'Cut \"you know\"' -o out.wav"
        )
    *audio, instruction = arguments.positionals
    sources = [Path(name) for name in audio]
    printer = _printer(arguments)
    with ExitStack() as stack:
        output = None if arguments.dry_run else _output(arguments.output, sources)
        folder, is_new = _session_folder(arguments, output, stack)
        if is_new and not sources:
            raise UsageError("edit needs a recording before the instruction, or --session DIR")
        unused = (
            stack.enter_context(_discarding(folder, printer)) if _is_ours(arguments, is_new) else []
        )
        session = stack.enter_context(_open_session(folder, is_new, arguments))
        unused.append(session)
        for source in sources:
            session.add_audio(source)
        folders = [Path.cwd(), *(source.parent for source in sources)]
        _add_mentioned(session, instruction, folders, output)
        model = open_chat_model(arguments.model, hear=session.hear)
        printer.remark(about_ear(session.listener.ear))
        first_step = len(session.steps)
        limits = {"max_steps": arguments.max_steps, "max_seconds": arguments.max_seconds}
        worked_on = _plan(Planner(session, model, **limits), instruction, printer)
        if worked_on is not None:
            # Where there was nothing to do, the newest audio may be one that was only listed.
            number = session.latest if session.steps[first_step:] else worked_on
            return _finish(session, first_step, number, output, arguments, printer)
        printer.result({"output": None, "session": None, "edits": [], "verdicts": []})
        return FAILED


def _plan(planner: Planner, instruction: str, printer: Printer) -> int | None:
    """Let the model work; the audio that it edited last, or None if the job was not done.

    It was not if nothing was edited, or if the last tool call was refused: what the person asked
    for as a whole is not there then.
    """
    worked_on = None
    for event in planner.run(instruction):
        printer.event(event)
        match event:
            case Edited() if event.step.tool != "listen":
                worked_on = event.step.given
            case Refused():
                worked_on = None
    return worked_on


def _add_mentioned(
    session: Session, instruction: str, folders: list[Path], output: Path | None
) -> None:
    """Open the recordings that the sentence names and that are not open yet."""
    names = {session.name(number) for number in session.numbers}
    for path in find_mentioned(instruction, folders):
        if path.name not in names:
            _refuse_source(output, [path])
            session.add_audio(path)


def _finish(
    session: Session,
    first_step: int,
    number: int,
    output: Path | None,
    arguments: argparse.Namespace,
    printer: Printer,
) -> int:
    """Write the output with its report, and say what was done."""
    steps = session.steps[first_step:]
    if output is not None:
        with Progress("rendering", enabled=_is_chatty(arguments)) as progress:
            try:
                session.render(number, output, progress=progress)
            except AudioFileError as error:  # the disk is full by now: no wrong use
                complain(str(error))
                return FAILED
        write_report(session, number, session.folder, output)
    is_dry = getattr(arguments, "dry_run", False)
    printer.result(
        {
            "output": None if output is None else str(output),
            "session": None if is_dry else str(session.folder),
            "edits": [edit for step in steps for edit in _edits(step, session)],
            "verdicts": [verdict.to_json() for step in steps for verdict in step.verdicts],
        }
    )
    return DONE


def _edits(step: Step, session: Session) -> list[dict[str, Any]]:
    """One entry for each place that a step edited; the whole audio where it names none."""
    if step.places:
        return [{"tool": step.tool, **place.to_json()} for place in step.places]
    end = session.audio(step.given).duration
    return [{"tool": step.tool, "audio": step.given, "words": None, "start": 0.0, "end": end}]


def _is_chatty(arguments: argparse.Namespace) -> bool:
    return not (arguments.quiet or arguments.json)


def replay(arguments: argparse.Namespace) -> int:
    """Do a session's edits again on the same or another recording."""
    printer = _printer(arguments)
    output = _output(arguments.output, [Path(arguments.audio)])
    with Progress("replaying", enabled=_is_chatty(arguments)) as progress:
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
        first_step = len(session.steps) - 1
        return _finish(session, first_step, session.latest, output, arguments, printer)


def _printer(arguments: argparse.Namespace) -> Printer:
    return JsonPrinter() if arguments.json else HumanPrinter(quiet=arguments.quiet)


def _output(text: str | None, sources: list[Path]) -> Path:
    """The output, checked before any work is done."""
    if text is None:
        raise UsageError("edit needs -o OUT, the file to write (or --dry-run)")
    output = Path(text)
    _refuse_source(output, sources)
    check_output(output)
    return output


def _refuse_source(output: Path | None, sources: list[Path]) -> None:
    if output is not None and any(same_file(output, source) for source in sources):
        raise UsageError(f"{output} is a source: sources are never written; choose another name")


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


def _is_ours(arguments: argparse.Namespace, is_new: bool) -> bool:
    """Whether the session's folder is new and got its name from the output."""
    return is_new and not arguments.session


@contextmanager
def _discarding(folder: Path, printer: Printer) -> Iterator[list[Session]]:
    """Remove a folder of ours at the end if nothing came of it; takes the session in a list.

    What a person interrupts stays, with its question, to be continued.
    """
    opened: list[Session] = []
    interrupted = False
    try:
        yield opened
    except KeyboardInterrupt:
        interrupted = True
        raise
    finally:
        began = any(session.steps or (interrupted and session.numbers) for session in opened)
        if not began and not (folder / "report.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
        elif interrupted:
            printer.remark(f"session: {folder}/")


def _open_session(folder: Path, is_new: bool, arguments: argparse.Namespace) -> Session:
    start = Session.create if is_new else Session.open
    return start(
        folder,
        ear=named_ear(arguments.ear),
        hearing_cache=default_cache_folder(),
        progress=Progress("listening", enabled=_is_chatty(arguments)),
    )

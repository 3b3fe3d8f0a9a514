"""The commands that make a new recording: edit, replay, undo."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from langchain_core.runnables import RunnableConfig

from qwen_audio_agent.agent.events import Answer, Edited, Event, Heard, Refused
from qwen_audio_agent.agent.mentions import find_mentioned
from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.agent.replay import replay as replay_session
from qwen_audio_agent.agent.report import write_report
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.agent.storage import is_free
from qwen_audio_agent.audio.files import same_file
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.chat_models import open_chat_model
from qwen_audio_agent.cli.ears import about_ear, named_ear
from qwen_audio_agent.cli.job import Printer, kept, told
from qwen_audio_agent.cli.printing import HumanPrinter, JsonPrinter, Result
from qwen_audio_agent.cli.progress import Progress
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.cache import default_cache_folder

DONE, FAILED = 0, 1


def edit(arguments: argparse.Namespace) -> int:
    """Edit recordings as a sentence says; write the result, its report and its session."""
    printer = _printer(arguments)
    with told(printer) as result:
        return _edit(arguments, printer, result)


def _edit(arguments: argparse.Namespace, printer: Printer, result: Result) -> int:
    if not arguments.positionals:
        raise UsageError(
            "edit needs an instruction, such as: edit talk.wav 'Cut \"you know\"' -o out.wav"
        )
    *audio, instruction = arguments.positionals
    sources = [Path(name) for name in audio]
    config = _traced(arguments.trace)
    with ExitStack() as stack:
        output = None if arguments.dry_run else _output(arguments.output, sources)
        folder, is_new = _session_folder(arguments, output, stack)
        if is_new and not sources:
            raise UsageError("edit needs a recording before the instruction, or --session DIR")
        job = stack.enter_context(kept(folder, result, arguments, is_new=is_new))
        session = stack.enter_context(_open_session(folder, is_new, arguments))
        job.begin(session)
        for source in sources:
            session.add_audio(source)
        folders = [Path.cwd(), *(source.parent for source in sources)]
        _add_mentioned(session, instruction, folders, output)
        model = open_chat_model(arguments.model, hear=session.hear, hears_sound=arguments.hears)
        printer.remark(about_ear(session.listener.ear))
        limits = {"max_steps": arguments.max_steps, "max_seconds": arguments.max_seconds}
        events = Planner(session, model, **limits).run(instruction, config)
        worked_on, result.error = _plan(events, session, printer)
        if worked_on is None:
            return FAILED
        # Where there was nothing to do, the newest audio may be one that was only listed.
        number = session.latest if job.steps else worked_on
        _finish(session, number, output, arguments, result)
        return DONE


def _plan(
    events: Iterator[Event], session: Session, printer: Printer
) -> tuple[int | None, str | None]:
    """Let the model work.

    Returns:
        The audio that it edited last, or None with the reason if the job was not done. It was not
        if nothing was edited, or if the last tool call was refused: what the person asked for as a
        whole is not there then.
    """
    worked_on = why = unheard = None
    num_said = 0
    try:
        for event in events:
            # Noted before it is told: a person may stop the job as soon as they read it.
            match event:
                case Edited() if event.step.tool != "listen":
                    worked_on, why = event.step.given, None
                    unheard, num_said = event.step.tool, len(session.messages)
                case Heard():
                    unheard = None
                case Refused():
                    worked_on, why, unheard = None, event.text, None
                case Answer() if worked_on is None:
                    why = why or event.text
            printer.event(event)
    except BaseException as error:
        # An edit counts when it was heard; one that is still listened to is not kept.
        if unheard and len(session.messages) == num_said:
            error.add_note(f"the last {unheard} was still being listened to and is not kept")
        raise
    return worked_on, why and " ".join(why.split())


def _traced(path: str | None) -> RunnableConfig:
    """What makes the planner write its trace."""
    if path is None:
        return {}
    from qwen_audio_agent.langchain import JsonlTracer

    return {"callbacks": [JsonlTracer(path)]}


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
    number: int,
    output: Path | None,
    arguments: argparse.Namespace,
    result: Result,
) -> None:
    """Write the output with its report."""
    if output is not None:
        with Progress("rendering", enabled=_is_chatty(arguments)) as progress:
            written = session.render(number, output, progress=progress)
        result.output = str(output)
        result.notes += written.notes
        write_report(session, number, session.folder, output)


def _is_chatty(arguments: argparse.Namespace) -> bool:
    return not (arguments.quiet or arguments.json)


def replay(arguments: argparse.Namespace) -> int:
    """Do a session's edits again on the same or another recording."""
    with told(_printer(arguments)) as result:
        audio, session = Path(arguments.audio), Path(arguments.session)
        output = _output(arguments.output, [audio])
        with Progress("replaying", enabled=_is_chatty(arguments)) as progress:
            written = replay_session(session, audio, output, progress=progress)
        result.output = str(output)
        result.notes += written.notes
    return DONE


def undo(arguments: argparse.Namespace) -> int:
    """Take the last edit of a session back, and write what it was before when -o is given."""
    printer = _printer(arguments)
    folder = Path(arguments.session)
    with (
        told(printer) as result,
        kept(folder, result, arguments, is_new=False) as job,
        Session.open(folder) as session,
    ):
        output = _output(arguments.output, []) if arguments.output else None
        job.begin(session)
        step = session.undo()
        printer.remark(f"undone; Audio {step.audio} is what it was: {step.text}")
        _finish(session, session.latest, output, arguments, result)
    return DONE


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
    if arguments.session and not arguments.dry_run:
        folder = Path(arguments.session)
        return folder, is_free(folder)
    if output is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory())) / "dry", True
    folder = output.with_suffix(".session")
    number = 2
    while not is_free(folder):  # an earlier session is never overwritten
        folder = output.with_suffix(f".{number}.session")
        number += 1
    return folder, True


def _open_session(folder: Path, is_new: bool, arguments: argparse.Namespace) -> Session:
    start = Session.create if is_new else Session.open
    return start(
        folder,
        ear=named_ear(arguments.ear),
        hearing_cache=default_cache_folder(),
        progress=Progress("listening", enabled=_is_chatty(arguments)),
    )

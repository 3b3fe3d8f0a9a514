"""What becomes of a job that makes a recording: told at its end, whether it was done or not."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.cli.one_line import reason
from qwen_audio_agent.cli.printing import HumanPrinter, JsonPrinter, Result
from qwen_audio_agent.errors import QwenAudioAgentError

Printer = HumanPrinter | JsonPrinter


@contextmanager
def told(printer: Printer) -> Iterator[Result]:
    """Tell at the end what became of the job, whether it was done or not."""
    result = Result()
    try:
        yield result
    except (QwenAudioAgentError, OSError, KeyboardInterrupt) as error:
        result.error = reason(error)
        printer.failed(result)
        raise
    printer.result(result)


class Job:
    """What is done in a session from when it was opened for a job."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self._num_before = 0

    def begin(self, session: Session) -> None:
        """The session is open; what comes now belongs to the job."""
        self.session = session
        self._num_before = len(session.steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.session.steps[self._num_before :] if self.session else ()


@contextmanager
def kept(
    folder: Path, result: Result, arguments: argparse.Namespace, *, is_new: bool
) -> Iterator[Job]:
    """Tell what was kept of a job; a new folder of ours is removed if nothing came of it.

    What a person interrupts stays, with its question, to be continued.
    """
    job = Job()
    is_dry = getattr(arguments, "dry_run", False)
    is_ours = is_new and not arguments.session
    is_stopped = False
    try:
        yield job
    except BaseException as error:
        is_stopped = isinstance(error, KeyboardInterrupt)
        if job.session and not is_dry and (job.steps or is_stopped):
            how_many = {0: "no edit", 1: "1 edit"}.get(len(job.steps), f"{len(job.steps)} edits")
            error.add_note(f"{how_many} kept: go on with --session {folder}")
        raise
    finally:
        if job.session:
            result.edits = [e for step in job.steps for e in edits_of(step, job.session)]
            result.verdicts = [v.to_json() for step in job.steps for v in step.verdicts]
            came_of_it = job.steps or result.output or (is_stopped and job.session.numbers)
            if came_of_it or not is_ours:
                result.session = None if is_dry else str(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)


def edits_of(step: Step, session: Session) -> list[dict[str, Any]]:
    """One entry for each place that a step edited; the whole audio where it names none."""
    if step.places:
        return [{"tool": step.tool, **place.to_json()} for place in step.places]
    end = session.audio(step.given).duration
    return [{"tool": step.tool, "audio": step.given, "words": None, "start": 0.0, "end": end}]

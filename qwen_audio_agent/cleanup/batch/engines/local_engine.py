"""Jobs in child processes of this machine, which end when this one does, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any, Final, cast

from qwen_audio_agent.audio.scratch import clear_scratch
from qwen_audio_agent.cleanup.batch.engines import Ended, Happened, Share
from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.jobs import Job, Settings, smallest_last

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Of the libraries of numbers: each worker has one core, and the same sums on every machine."""

_MODULE: Final = "qwen_audio_agent.cleanup.batch.worker"
_TRIES: Final = 2


def check() -> None:
    """Nothing more is needed than this package."""


def run(
    jobs: Sequence[Job], settings: Settings, before: Mapping[str, Entry], num_workers: int
) -> Generator[Happened, None, None]:
    """Do jobs; see `engines.Engine`.

    A job whose process dies is begun once more in a new one.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    for number in smallest_last(jobs):
        waiting.put(number)
    happened: SimpleQueue[Happened | BaseException] = SimpleQueue()
    servers = [
        _Server(jobs, settings, before, waiting, happened)
        for _ in range(min(num_workers, len(jobs)))
    ]
    try:
        for server in servers:
            server.thread.start()
        num_left = len(jobs)
        while num_left:
            event = happened.get()
            if isinstance(event, BaseException):
                raise event
            num_left -= isinstance(event, Ended)
            yield event
    finally:
        for server in servers:
            server.stop()
        for server in servers:
            if server.thread.ident:
                server.thread.join()
        clear_scratch()


class _Server:
    """A thread that hands jobs to a child process, one after the other, until there are none."""

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: Settings,
        before: Mapping[str, Entry],
        waiting: SimpleQueue[int],
        happened: SimpleQueue[Happened | BaseException],
    ) -> None:
        self._jobs, self._settings, self._before = jobs, settings, before
        self._waiting, self._happened = waiting, happened
        self._child: _Child | None = None
        self._is_stopped = False
        self.thread = Thread(target=self._serve, daemon=True)

    def stop(self) -> None:
        self._is_stopped = True
        if self._child:
            self._child.kill()

    def _serve(self) -> None:
        try:
            while not self._is_stopped:
                number = self._waiting.get_nowait()
                self._happened.put(self._ended(number))
        except Empty:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._happened.put(error)
        finally:
            if self._child:
                self._child.close()

    def _ended(self, number: int) -> Ended:
        job = self._jobs[number]
        code = 0
        for _ in range(_TRIES):
            if self._child is None:
                self._child = _Child(self._settings)
                if self._is_stopped:
                    self._child.kill()
            before = self._before.get(job.output)
            answer = self._child.do(job, before, lambda done: self._tell(number, done))
            if answer is not None:
                return Ended(number, *answer)
            code = self._child.close()
            self._child = None
            if self._is_stopped:
                break
        entry = Entry(job.given, job.output, recipe_sha256=self._settings.recipe_sha256)
        return Ended(number, replace(entry, status="failed", error=_death(code)), was_done=False)

    def _tell(self, number: int, done: float) -> None:
        self._happened.put(Share(number, done))


class _Child:
    """A process that does jobs with the same settings."""

    def __init__(self, settings: Settings) -> None:
        # It finds modules where this process does, not in the folder that it happens to run in.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._process = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is the parent's to handle, even while it starts
        )
        self._greeting = _line(asdict(settings))

    def do(
        self, job: Job, before: Entry | None, tell: Callable[[float], None]
    ) -> tuple[Entry, bool] | None:
        """What a job came to, and whether it was done before; None if the process died."""
        asked = {"job": asdict(job), "before": before and before.to_json()}
        tasks = cast(IO[bytes], self._process.stdin)
        answers = cast(IO[bytes], self._process.stdout)
        try:
            sent, self._greeting = self._greeting + _line(asked), b""
            tasks.write(sent)
            tasks.flush()
            for line in answers:
                answer = json.loads(line)
                if "share" in answer:
                    tell(answer["share"])
                elif entry := Entry.from_json(answer["entry"]):
                    return entry, answer["was_done"]
        except (OSError, ValueError):
            pass
        return None

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> int:
        """Close the pipes and wait for the end; the exit status, negative for a signal."""
        with contextlib.suppress(OSError), self._process:
            pass
        return self._process.wait()


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode("ascii") + b"\n"


def _death(code: int) -> str:
    name = f"code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
    return (
        f"the process that worked on it ended with {name}, twice; "
        "give fewer workers if memory is short"
    )

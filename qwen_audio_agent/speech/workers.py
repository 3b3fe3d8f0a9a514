"""Processes that listen side by side, because decoding speech keeps one core busy.

They are plain child processes with a pipe each way, not a pool of `multiprocessing`: that one runs
the caller's script again in every child, and leaves its children behind when the caller is killed.
Here a child ends as soon as its pipe does.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any, Final, cast

from qwen_audio_agent.audio.files import AudioFile
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.ears import Ear, ear_names, open_ear
from qwen_audio_agent.speech.tasks import Task

_MODULE: Final = "qwen_audio_agent.speech.hearing_worker"
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def can_be_opened_again(ear: Ear) -> bool:
    """Whether child processes can, and may, open the same ear by its name, with its settings."""
    return (
        bool(sys.executable)
        and not getattr(ear, "takes_whole_machine", False)
        and ear.name in ear_names()
        and open_ear(ear.name).version == ear.version
    )


def hear_side_by_side(
    ear: Ear, file: AudioFile, tasks: Sequence[Task], num_workers: int
) -> Generator[tuple[int, Any], None, None]:
    """Do `tasks` in child processes, which are gone when this generator ends, however it ends.

    Yields:
        (index of the task, its answer as plain data), in the order in which they are done.

    Raises:
        HearingError: a child cannot listen, or died.
    """
    waiting: SimpleQueue[tuple[int, Task]] = SimpleQueue()
    for numbered in enumerate(tasks):
        waiting.put(numbered)
    answers: SimpleQueue[tuple[int, Any] | HearingError] = SimpleQueue()
    children: list[_Child] = []
    threads: list[Thread] = []
    try:
        for _ in range(min(num_workers, len(tasks))):
            children.append(_Child(ear, file))
            arguments = (children[-1], waiting, answers)
            threads.append(Thread(target=_serve, args=arguments, daemon=True))
            threads[-1].start()
        for _ in tasks:
            answer = answers.get()
            if isinstance(answer, HearingError):
                raise answer
            yield answer
    finally:
        for child in children:
            child.kill()
        for thread in threads:
            thread.join()
        for child in children:
            child.close()


def _serve(
    child: _Child,
    waiting: SimpleQueue[tuple[int, Task]],
    answers: SimpleQueue[tuple[int, Any] | HearingError],
) -> None:
    """Hand tasks to one child until there are none; runs in a thread of its own."""
    try:
        while True:
            index, task = waiting.get_nowait()
            answers.put((index, child.do(task)))
    except Empty:
        pass
    except HearingError as error:
        answers.put(error)


class _Child:
    """A process that listens to one recording."""

    def __init__(self, ear: Ear, file: AudioFile) -> None:
        # It finds modules where this process does, not in the folder that it happens to run in.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._process = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is the parent's to handle, even while it starts
        )
        decoded = file.decoded and str(file.decoded.absolute())
        fields = asdict(file) | {"path": str(file.path.absolute()), "decoded": decoded, "tags": {}}
        self._greeting = _line({"ear": ear.name, "file": fields})

    def do(self, task: Task) -> Any:
        """The answer to a task.

        Raises:
            HearingError: the ear could not listen, or the process died.
        """
        tasks = cast(IO[bytes], self._process.stdin)
        answers = cast(IO[bytes], self._process.stdout)
        try:
            sent, self._greeting = self._greeting + _line(task.to_json()), b""
            tasks.write(sent)
            tasks.flush()
            answer = json.loads(answers.readline())
        except (OSError, ValueError):
            raise HearingError(
                f"a process that listened ended with code {self._process.wait()}; what was heard "
                "is kept, so try again, with fewer workers if memory is short"
            ) from None
        if "error" in answer:
            raise HearingError(answer["error"])
        return answer["answer"]

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """Close the pipes and wait for the end."""
        with contextlib.suppress(OSError), self._process:
            pass


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode("ascii") + b"\n"

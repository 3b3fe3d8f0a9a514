"""The child process of `engines.local_engine`: reads one job a line and writes one entry a line.

The first line holds the settings of all jobs. In between it writes {"share": ...}. The process ends
when its input does, in the middle of a job too, so it never outlives the one that started it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, Final

from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.jobs import Job, Settings
from qwen_audio_agent.cleanup.batch.work import do_job

_STEP: Final = 0.01  # of a job; smaller ones are not told


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where a new session does not keep it out
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what prints does not answer
    lines: SimpleQueue[str] = SimpleQueue()
    Thread(target=_read, args=(lines,), daemon=True).start()
    settings = Settings(**json.loads(lines.get()))
    while True:
        asked = json.loads(lines.get())
        before = Entry.from_json(asked["before"])
        told = 0.0

        def tell(done: float) -> None:
            nonlocal told
            if done >= told + _STEP:
                told = done
                _write(answers, {"share": done})

        entry, was_done = do_job(Job(**asked["job"]), settings, before, tell)
        _write(answers, {"entry": entry.to_json(), "was_done": was_done})


def _read(lines: SimpleQueue[str]) -> None:
    """Hand lines on; end the process with the first that is not whole, for its parent is gone."""
    for line in sys.stdin:
        if not line.endswith("\n"):
            break
        lines.put(line)
    os._exit(1)


def _write(answers: IO[str], message: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody is left to read it, nor to be told so


if __name__ == "__main__":
    main()

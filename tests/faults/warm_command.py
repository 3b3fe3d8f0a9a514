"""A process that has loaded everything and forks the command as often as it is asked to.

One JSON object a line: {"argv", "cwd", "log", ...} starts a command and is answered with the number
of its process; {"wait": number} is answered with its exit status, negative for a signal, {"poll":
number} with whether it has ended. A hundred runs so cost what they do, not a hundred times three
seconds of imports and models.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.chat_models import scripted
from qwen_audio_agent.cleanup.batch import work
from qwen_audio_agent.cli import batch, editing, main
from qwen_audio_agent.editing import effects
from qwen_audio_agent.speech.ears import open_ear

LOADED = (batch, editing, effects, scripted, work)
STATUSES: dict[int, int] = {}
NOBODY = 65534


def serve() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32)
    open_ear("pocketsphinx").find(Audio(noise, 16_000), "hello")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked or "poll" in asked:
            answer = ended(asked)
        else:
            answer = os.fork()
            if answer == 0:
                become(asked)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def ended(asked: dict[str, int]) -> int:
    """The exit status of a process that ends, or for "poll" whether it has ended."""
    pid = asked.get("poll") or asked["wait"]
    if pid not in STATUSES:
        found, status = os.waitpid(pid, os.WNOHANG if "poll" in asked else 0)
        if found:
            STATUSES[pid] = os.waitstatus_to_exitcode(status)
    return STATUSES[pid] if "wait" in asked else int(pid in STATUSES)


def become(job: dict[str, Any]) -> None:
    """Run a command in this process, as if it had been started, and end."""
    os.setsid()
    os.chdir(job["cwd"])
    os.environ.update(job["environment"])
    log = Path(job["log"])
    stdout, stderr = job["stdout_to"] or log / "stdout", job["stderr_to"] or log / "stderr"
    for number, path, how in ((0, os.devnull, os.O_RDONLY), (1, stdout, 1), (2, stderr, 1)):
        os.dup2(os.open(path, how), number)
    if job["largest_file"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["largest_file"],) * 2)
    if job["as_nobody"] and os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    status = 70
    try:
        if job["script"]:
            sys.argv = [job["script"], *job["argv"]]
            runpy.run_path(job["script"], run_name="__main__")
            status = 0
        else:
            sys.argv = ["qwen-audio-agent", *job["argv"]]
            status = main()
    except BaseException:  # noqa: BLE001 - whatever it is, the test reads it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()

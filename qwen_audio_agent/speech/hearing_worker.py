"""The child process of `speech.workers`: reads one task a line and writes one answer a line.

The first line says which ear listens to which recording. The process ends when its input does, so
it never outlives the one that started it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from qwen_audio_agent.audio.files import AudioFile, read
from qwen_audio_agent.errors import QwenAudioAgentError
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.tasks import Task


def main() -> None:
    """Serve until the input ends; what fails as expected is answered with {"error": ...}."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where a new session does not keep it out
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # an ear that prints does not answer
    greeting = sys.stdin.readline()
    if not greeting.endswith("\n"):
        return  # The parent died before it had said it all.
    start = json.loads(greeting)
    for name in ("path", "decoded"):
        start["file"][name] = start["file"][name] and Path(start["file"][name])
    file = AudioFile(**start["file"])
    ear = None
    for line in sys.stdin:
        if not line.endswith("\n"):
            return
        task = Task.from_json(json.loads(line))
        try:
            ear = ear or open_ear(start["ear"])
            answer = {"answer": task.do(ear, read(file, task.span))}
        except QwenAudioAgentError as error:
            answer = {"error": str(error)}
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody is left to read it, nor to be told so


if __name__ == "__main__":
    main()

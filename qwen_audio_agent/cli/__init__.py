"""The command `qwen-audio-agent`: turns a command line into calls of the library, and prints.

Human words go to stderr, data to stdout. Exit status 0: done; 1: the job failed; 2: wrong use;
128 and the signal's number: stopped, 130 by Ctrl-C.
Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from qwen_audio_agent.cli.one_line import complain, reason, tell, write_nowhere
from qwen_audio_agent.cli.stopping import be_deaf, exit_status, stopped_by_signals
from qwen_audio_agent.errors import (
    AudioFileError,
    CheckpointError,
    EditError,
    QwenAudioAgentError,
    SessionError,
    UsageError,
)

DONE, FAILED, WRONG_USE = 0, 1, 2
WRONG_INPUT = (AudioFileError, CheckpointError, EditError, SessionError, UsageError)


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; those of the process when None.
    """
    _open_streams()
    is_process = argv is None
    if is_process:
        # NumPy's products are small here: its threads take a third more of the cores for them, and
        # no less time. PyTorch has threads of its own.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with stopped_by_signals():
        try:
            return _run(argv)
        except KeyboardInterrupt as stop:
            if is_process:
                be_deaf()
            if sys.stderr.isatty():
                tell("")  # the terminal has written ^C into the line
            complain(reason(stop))
            return exit_status(stop)
        finally:
            if is_process:
                be_deaf()


def _run(argv: list[str] | None) -> int:
    from qwen_audio_agent.cli.parser import parse

    try:
        arguments = parse(argv)
        status = int(arguments.command(arguments))
        sys.stdout.flush()
        return status
    except SystemExit as stop:  # argparse has printed what is wrong, or the help
        return DONE if stop.code in (None, 0) else WRONG_USE
    except QwenAudioAgentError as error:
        complain(reason(error))
        return WRONG_USE if isinstance(error, WRONG_INPUT) else FAILED
    except BrokenPipeError:  # the reader of our stdout is gone: not our failure
        write_nowhere(sys.stdout)
        return DONE
    except OSError as error:  # a disk that is full, a folder that takes nothing
        try:
            sys.stdout.flush()
        except OSError:
            write_nowhere(sys.stdout)
        complain(reason(error))
        return FAILED


def _open_streams() -> None:
    """Streams that take everything, even where this process was given none."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for good
            setattr(sys, name, nowhere)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name need not be text; "\\udcff" is also how JSON writes such a byte.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")

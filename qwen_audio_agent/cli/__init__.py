"""The command `qwen-audio-agent`: turns a command line into calls of the library, and prints.

Human words go to stderr, data to stdout. Exit status 0: done; 1: the job failed; 2: wrong use.
Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import io
import os
import sys

from qwen_audio_agent.cli.one_line import complain
from qwen_audio_agent.cli.parser import parse
from qwen_audio_agent.errors import (
    AudioFileError,
    EditError,
    HearingError,
    InstructionError,
    LimitReached,
    QwenAudioAgentError,
    SessionError,
    ToolError,
    UsageError,
)

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
JOB_FAILED = (InstructionError, LimitReached, ToolError, HearingError)
WRONG_INPUT = (AudioFileError, EditError, SessionError, UsageError)


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; those of the process when None.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name need not be text; "\\udcff" is also how JSON writes such a byte.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        arguments = parse(argv)
        return int(arguments.command(arguments))
    except SystemExit as stop:  # argparse has printed what is wrong, or the help
        return DONE if stop.code in (None, 0) else WRONG_USE
    except QwenAudioAgentError as error:
        complain(str(error))
        return WRONG_USE if isinstance(error, WRONG_INPUT) else FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\nqwen-audio-agent: stopped; what was done is kept\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our stdout is gone: not our failure
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:  # a disk that is full, a folder that takes nothing
        about = f"{error.filename!r}: " if error.filename else ""
        complain(f"{about}{error.strerror or error}; make room there, or choose another folder")
        return FAILED

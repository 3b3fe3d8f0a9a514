"""Text of others, made fit for one line of a terminal."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO


def one_line(text: str) -> str:
    """Without line ends and control characters: names and transcripts cannot steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text.replace("\n", " "))


def json_line(value: Any) -> str:
    """JSON in one line, in which every character that does not show is escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def reason(error: BaseException) -> str:
    """What went wrong, with the notes on what is kept; for a person."""
    text = str(error)
    if isinstance(error, KeyboardInterrupt):
        text = "stopped"
    elif isinstance(error, OSError):
        about = f"{error.filename!r}: " if error.filename else ""
        text = f"{about}{error.strerror or error}; make room there, or choose another folder"
    notes = getattr(error, "__notes__", [])
    return "; ".join([text.rstrip("."), *notes]) if notes else text


def complain(text: str) -> None:
    """Say on stderr what went wrong, in one line."""
    tell(f"qwen-audio-agent: {one_line(text)}")


def tell(line: str) -> None:
    """Write a line for a person; that nobody can read it is no reason to stop a job."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:
        write_nowhere(sys.stderr)


def write_nowhere(stream: TextIO) -> None:
    """Let a stream whose reader is gone, or whose disk is full, take everything."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

"""Text of others, made fit for one line of a terminal."""

from __future__ import annotations

import sys


def one_line(text: str) -> str:
    """Without line ends and control characters: names and transcripts cannot steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text.replace("\n", " "))


def complain(text: str) -> None:
    """Say on stderr what went wrong, in one line."""
    sys.stderr.write(f"qwen-audio-agent: {one_line(text)}\n")

"""Text of others, made fit for one line of a terminal."""

from __future__ import annotations

import json
import sys
from typing import Any


def one_line(text: str) -> str:
    """Without line ends and control characters: names and transcripts cannot steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text.replace("\n", " "))


def json_line(value: Any) -> str:
    """JSON in one line, in which every character that does not show is escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def complain(text: str) -> None:
    """Say on stderr what went wrong, in one line."""
    sys.stderr.write(f"qwen-audio-agent: {one_line(text)}\n")

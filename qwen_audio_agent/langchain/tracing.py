"""A trace of local runs as JSON lines: who called whom, for how long, how much; no contents."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run

from qwen_audio_agent.errors import DiskError, UsageError
from qwen_audio_agent.speech.text import on_one_line

_BEGIN: Final = '{"id": "'
_MAX_ERROR: Final = 300
_LONG: Final = re.compile(r"[A-Za-z0-9+/=_-]{60,}")
"""What could be sound in base64."""
_SOUND: Final = frozenset({"base64", "data", "url"})


class JsonlTracer(BaseTracer):
    """A callback handler that appends a line for each run when it ends.

        {"id": ..., "parent": ..., "kind": "tool", "name": "cut", "start": "2026-11-25T22:49:02",
         "seconds": 1.23, "sizes": {"in": 41, "out": 181}, "error": null}

    Sizes are characters of text going in and coming out, never counting sound, with the tokens of a
    model if it says them. An error is one line; `error` of a tool that refused is its answer.

    Args:
        path: a new file, or an earlier trace, which goes on.

    Raises:
        UsageError: there is another file of that name.
        DiskError: it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)
        self._writing = threading.Lock()
        try:
            if self.path.exists() and not self.path.is_file():
                raise UsageError(f"{self.path} is no file; choose a new one for the trace")
            with self.path.open("a+", encoding="utf-8", errors="replace") as file:
                file.seek(0)
                begin = file.read(len(_BEGIN))
        except OSError as error:
            raise DiskError(f"{self.path} cannot be written: {error.strerror}") from error
        if begin not in ("", _BEGIN):
            raise UsageError(f"{self.path} is no trace of runs; choose a new file")

    def _persist_run(self, run: Run) -> None:
        """Runs are written one by one when they end, not as trees."""

    def _on_run_update(self, run: Run) -> None:
        line = json.dumps(_told(run), ensure_ascii=False)
        with self._writing, self.path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(line + "\n")


def _told(run: Run) -> dict[str, Any]:
    end = run.end_time or run.start_time
    return {
        "id": str(run.id),
        "parent": str(run.parent_run_id) if run.parent_run_id else None,
        "kind": run.run_type,
        "name": run.name,
        "start": run.start_time.isoformat(timespec="milliseconds"),
        "seconds": round((end - run.start_time).total_seconds(), 4),
        "sizes": {"in": _size(run.inputs), "out": _size(run.outputs or {})} | _tokens(run),
        "error": _error(run),
    }


def _size(value: Any, name: str = "") -> int:
    """Characters of text in a value; those of sound do not count."""
    if isinstance(value, str):
        return (
            0
            if name in _SOUND and (value.startswith("data:") or _LONG.match(value))
            else len(value)
        )
    if isinstance(value, BaseMessage):
        return _size(value.content) + _size(getattr(value, "tool_calls", []))
    if isinstance(value, Mapping):
        return sum(_size(item, str(key)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(_size(item, name) for item in value)
    return 0 if value is None else len(str(value))


def _tokens(run: Run) -> dict[str, int]:
    """What a model says that a call has cost."""
    for usage in _usages(run.outputs if run.run_type == "llm" else None):
        return {
            "tokens_in": int(usage.get("input_tokens", 0)),
            "tokens_out": int(usage.get("output_tokens", 0)),
        }
    return {}


def _usages(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        usage = value.get("usage_metadata")
        if isinstance(usage, Mapping):
            yield usage
        for item in value.values():
            yield from _usages(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _usages(item)
    elif isinstance(value, BaseMessage) and getattr(value, "usage_metadata", None):
        yield getattr(value, "usage_metadata")  # noqa: B009 - only some messages have it


def _error(run: Run) -> str | None:
    text = run.error
    output = (run.outputs or {}).get("output")
    if text is None and isinstance(output, ToolMessage) and output.status == "error":
        text = output.text
    if text is None:
        return None
    # LangChain adds the traceback, whose paths are nobody's business.
    first = text.partition("Traceback (most recent call last):")[0]
    return _LONG.sub("...", on_one_line(first))[:_MAX_ERROR]

"""A progress line for anything that takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

QUIET_S = 2.0
"""Nothing is shown before this."""
BAR_WIDTH = 32
LINE_EVERY_S = 10.0
"""Where stderr is a file there is no line to overwrite: one line each so many seconds."""


class Progress:
    """Call it with the share that is done, 0 to 1; as a context manager it cleans its line up.

    Args:
        title: what is going on, such as "listening".
        stream: where to show it; stderr when None.
        enabled: False shows nothing.
    """

    def __init__(self, title: str, stream: TextIO | None = None, *, enabled: bool = True) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._enabled = enabled
        self._started: float | None = None
        self._shown_at = 0.0
        self._shown = False

    def __call__(self, done: float) -> None:
        now = time.monotonic()
        if self._started is None or done < 0.001:
            self._started = now
        interval = 0.1 if self._stream.isatty() else LINE_EVERY_S
        late_enough = now - self._started >= QUIET_S and now - self._shown_at >= interval
        if self._enabled and late_enough and done < 1:
            self._show(done)
            self._shown_at = now
        if done >= 1:
            self._clear()
            self._started = None

    def _show(self, done: float) -> None:
        filled = round(BAR_WIDTH * done)
        line = f"{self._title}  {'#' * filled}{'-' * (BAR_WIDTH - filled)}  {100 * done:3.0f} %"
        self._stream.write(f"\r{line}" if self._stream.isatty() else f"{line}\n")
        self._stream.flush()
        self._shown = True

    def _clear(self) -> None:
        if self._shown and self._stream.isatty():
            self._stream.write("\r" + " " * (len(self._title) + BAR_WIDTH + 10) + "\r")
            self._stream.flush()
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear()

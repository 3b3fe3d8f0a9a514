"""A progress line for anything that takes longer than two seconds."""

from __future__ import annotations

import contextlib
import sys
import threading
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
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._done = 0.0
        self._shown_at = 0.0
        self._shown = False

    def __call__(self, done: float) -> None:
        if not self._enabled:
            return
        with self._lock:
            self._done = done
            if done >= 1:
                self._finish()
            elif self._timer is None:
                # Work that tells nothing for long, such as one long decoding, shows up as well.
                self._timer = threading.Timer(QUIET_S, self._show)
                self._timer.daemon = True
                self._timer.start()
            elif self._timer.finished.is_set():
                self._show()

    def line(self, text: str) -> None:
        """Write a line that stays, above the bar; that nobody can read it is no error."""
        with self._lock, contextlib.suppress(OSError):
            was_shown = self._shown
            self._clear()
            self._stream.write(f"{text}\n")
            self._stream.flush()
            if was_shown:
                self._show()

    def _show(self) -> None:
        with self._lock:
            interval = 0.1 if self._stream.isatty() else LINE_EVERY_S
            now = time.monotonic()
            if self._timer is None or (self._shown and now - self._shown_at < interval):
                return
            filled = round(BAR_WIDTH * self._done)
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            line = f"{self._title}  {bar}  {100 * self._done:3.0f} %"
            self._stream.write(f"\r{line}" if self._stream.isatty() else f"{line}\n")
            self._stream.flush()
            self._shown, self._shown_at = True, now

    def _finish(self) -> None:
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer = None
            self._clear()

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
        self._finish()

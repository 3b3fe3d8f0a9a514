"""Being told to stop: Ctrl-C, SIGTERM and a closed terminal end a job in the same orderly way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")
_received: list[int] = []


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let signals that would kill this process raise KeyboardInterrupt while the block lasts.

    Those that somebody ignores (nohup) or handles already stay as they are. Only the main thread
    can do this.
    """
    changed = []
    _received.clear()
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name, None) for name in _NAMES):
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _stop)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            if signal.getsignal(number) is _stop:
                signal.signal(number, signal.SIG_DFL)


def be_deaf() -> None:
    """Ignore all of them: this process is about to end, in good order."""
    for number in (getattr(signal, name, None) for name in ("SIGINT", *_NAMES)):
        if number is not None:
            signal.signal(number, signal.SIG_IGN)


def exit_status(stop: KeyboardInterrupt) -> int:
    """What shells report of a process that a signal ended: 128 and its number.

    A library that waits in C, as Ray does, may raise a new KeyboardInterrupt without the number.
    """
    return 128 + int(stop.args[0] if stop.args else (*_received, signal.SIGINT)[0])


def _stop(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt(number)

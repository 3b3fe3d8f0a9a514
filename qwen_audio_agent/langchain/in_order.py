"""The calls of one message in the order in which they were written, though threads do them.

Graphs start the calls of a message side by side, in order. Here each waits for those before it. One
that does not begin at all, because it was done before a restart or a person said no to it, is not
waited for longer than a moment.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

_GRACE: Final = 1.0
"""Seconds until a call counts as not to be done; all of a message begin within milliseconds."""
_PAUSE: Final = 0.002
_MAX_MESSAGES: Final = 64


@dataclass(slots=True)
class _Message:
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)


class InOrder:
    """Who has begun and ended of the calls of the last messages."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._messages: OrderedDict[str, _Message] = OrderedDict()

    @contextmanager
    def turn(self, message_id: str, call_id: str, earlier: Sequence[str]) -> Iterator[None]:
        """Wait for the earlier calls of a message, in a thread."""
        with self._begun(message_id, call_id, earlier) as may_go:
            while not may_go():
                time.sleep(_PAUSE)
            yield

    @asynccontextmanager
    async def aturn(
        self, message_id: str, call_id: str, earlier: Sequence[str]
    ) -> AsyncIterator[None]:
        """Wait for the earlier calls of a message, in an event loop."""
        with self._begun(message_id, call_id, earlier) as may_go:
            while not may_go():
                await asyncio.sleep(_PAUSE)
            yield

    @contextmanager
    def _begun(
        self, message_id: str, call_id: str, earlier: Sequence[str]
    ) -> Iterator[Callable[[], bool]]:
        with self._lock:
            message = self._messages.setdefault(message_id, _Message())
            message.begun.add(call_id)
            while len(self._messages) > _MAX_MESSAGES:
                self._messages.popitem(last=False)
        patience = time.monotonic() + _GRACE

        def may_go() -> bool:
            waiting = [other for other in earlier if other not in message.ended]
            is_late = time.monotonic() > patience
            return all(is_late and other not in message.begun for other in waiting)

        try:
            yield may_go
        except BaseException:
            # It may be done again, as after a question to a person.
            message.begun.discard(call_id)
            raise
        message.ended.add(call_id)

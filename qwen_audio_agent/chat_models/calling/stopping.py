"""Stop strings, matched on decoded text: tokens do not end where they do."""

from __future__ import annotations

from collections.abc import Sequence


class StopMatcher:
    """Lets text through until a stop string, which it drops with all that comes after.

    What may be the beginning of a stop string is held back until it is known not to be.

    Args:
        stops: strings that end the text; empty ones are ignored.

    Attributes:
        stopped: whether a stop string has come; then there is no need to generate more.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that can be given out now.

        Args:
            text: decoded next; of any length.
        """
        if self.stopped:
            return ""
        text = self._held + text
        # The first to be complete ends the text, however the text comes in pieces.
        found = [(at + len(s), at) for s in self._stops if (at := text.find(s)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)[1]]
        self._held = text[held_from(text, self._stops) :]
        return text[: len(text) - len(self._held)]

    def finish(self, *, by_stop: bool = False) -> str:
        """The text that was held back, now that nothing more comes.

        Args:
            by_stop: whether a stop string, matched elsewhere, ended the generation; then what looks
                like the beginning of one is dropped, such as a trailing "Observ".
        """
        held, self._held = self._held, ""
        return "" if by_stop else held


def held_from(text: str, markers: Sequence[str]) -> int:
    """Where the longest end of `text` begins that one of the markers may begin with."""
    longest = max(map(len, markers), default=0)
    for start in range(max(0, len(text) - longest + 1), len(text)):
        if any(marker.startswith(text[start:]) for marker in markers):
            return start
    return len(text)

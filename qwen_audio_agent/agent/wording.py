"""How places are told to a model: short, with times in seconds of the audio they lie in."""

from __future__ import annotations

from collections.abc import Sequence

from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.speech import text

_SHOWN = 5
_SHOWN_CHARACTERS = 80


def quoted(words: str) -> str:
    """Words between quotation marks, cut short when they are many."""
    short = text.on_one_line(words)
    if len(short) > _SHOWN_CHARACTERS:
        short = short[: _SHOWN_CHARACTERS - 3] + "..."
    return text.quoted(short)


def stretches_text(places: Sequence[Place]) -> str:
    """'"middle classes" (2.34-3.27 s)', or '"um" 3 times (1.00-1.30 s, ...)'."""
    times = ", ".join(f"{place.start:.2f}-{place.end:.2f} s" for place in places[:_SHOWN])
    times += ", ..." if len(places) > _SHOWN else ""
    words = {place.words for place in places}
    (name,) = words if len(words) == 1 else (None,)
    if name is None:
        return times
    count = f" {len(places)} times" if len(places) > 1 else ""
    return f"{quoted(name)}{count} ({times})"


def point_text(place: Place, *, is_end: bool) -> str:
    """'at 2.34 s', or 'at the end'."""
    return "at the end" if is_end else f"at {place.start:.2f} s"

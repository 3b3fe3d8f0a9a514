"""listen: what is said, or where words are said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import Arguments, OptionalWords
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import Listened, nearest_text
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import quoted
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.speech.text import quoted as all_quoted

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

_MAX_WORDS = 600


class Listen(Arguments):
    """Hear what is said in the audio, or where words are said in it."""

    words: OptionalWords = Field(
        default=None, description="words to look for; all that is said if left out"
    )


def listen(session: Session, wish: Listen) -> Outcome:
    """| A | B | C |  ->  "A B C"."""
    where = session.listened(wish.audio)
    return _say_all(where) if wish.words is None else _say_where(where, wish.words)


def _say_all(where: Listened) -> Outcome:
    words = [word.text for word in where.audio.transcript().words]
    if not words:
        return Outcome(f"No words are heard in {where.name}.")
    text = " ".join(words[:_MAX_WORDS])
    more = len(words) - _MAX_WORDS
    rest = f" ... and {more} more words; look for the ones you need." if more > 0 else ""
    return Outcome(f"In {where.name} is said: {all_quoted(text)}{rest}")


def _say_where(where: Listened, phrase: str) -> Outcome:
    rate = where.audio.sample_rate
    sure = sorted((m for m in where.audio.find(phrase) if not m.doubtful), key=lambda m: m.start)
    places = tuple(
        Place(where.number, Span.from_seconds(m.start, m.end, rate), rate, m.text) for m in sure
    )
    if not places:
        return Outcome(nearest_text(where, phrase))
    times = ", ".join(f"{place.start:.2f}-{place.end:.2f} s" for place in places)
    return Outcome(f"{quoted(phrase)} is said in {where.name} at {times}.", places=places)


LISTEN = Tool("listen", Listen, listen)

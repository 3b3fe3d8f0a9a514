"""tidy: fillers out, long pauses shortened, or a whole episode cleaned up by a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import Arguments, OptionalNumber, Target
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import Edge, Listened, placed
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.whole_episode import tidy_episode
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.errors import ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

_LONGER_THAN = 0.8
_TO = 0.4
_EDGE_ERROR = 0.01
_BESIDE = 0.15


class Tidy(Arguments):
    """Remove the fillers (um, uh, er, hmm), or shorten long pauses, or clean a whole episode up
    by a recipe (podcast, interview, audiobook: cuts, noise, loudness). Makes a new audio.
    """

    what: Target = Field(
        default="fillers", description="what to tidy, or the recipe for the whole episode"
    )
    longer_than: OptionalNumber = Field(
        default=None,
        description="pauses over this many seconds are shortened, 0.8 if left out",
    )
    to: OptionalNumber = Field(
        default=None, description="length of a shortened pause in seconds, 0.4 if left out"
    )


def tidy(session: Session, wish: Tidy) -> Outcome:
    """| A | um | B |  ->  | A | B |."""
    where = session.listened(wish.audio)
    if wish.what not in ("fillers", "pauses"):
        return tidy_episode(session, where, wish.what)
    if wish.what == "fillers":
        places = _fillers(where)
        done = f"Removed {len(places)} fillers" if len(places) > 1 else "Removed a filler"
    else:
        longer_than, to = _pause_limits(wish)
        places = _pauses(where, longer_than, to)
        count = "a pause" if len(places) == 1 else f"{len(places)} pauses"
        done = f"Shortened {count} to {to:g} s"
    if not places:
        missing = "no fillers" if wish.what == "fillers" else f"no pause over {longer_than:g} s"
        return Outcome(f"Nothing to do: {missing} in {where.name}.")

    def at(places: tuple[Place, ...]) -> Outcome:
        made = operations.cut(where.audio.edit_list, *(place.span for place in places))
        removed = sum(place.end - place.start for place in places)
        return Outcome(f"{done}, {removed:.2f} s in all.", made, places, at)

    return at(places)


def _fillers(where: Listened) -> tuple[Place, ...]:
    return tuple(
        placed(
            where,
            Edge(word.start, word.start_error, by_word=True),
            Edge(word.end, word.end_error, by_word=True),
            word.text,
        )
        for word in where.audio.transcript().words
        if word.kind == "filler"
    )


def _pause_limits(wish: Tidy) -> tuple[float, float]:
    """A cap gives both alike; one alone gives the other."""
    longer_than, to = wish.longer_than, wish.to
    if longer_than is None:
        longer_than = _LONGER_THAN if to is None else max(_LONGER_THAN, to)
    if to is None:
        to = min(_TO, longer_than)
    if not 0 <= to <= longer_than:
        raise ToolError(f"to is {to:g} s and longer_than {longer_than:g} s; to must not be longer.")
    return longer_than, to


def _pauses(where: Listened, longer_than: float, to: float) -> tuple[Place, ...]:
    """The middle of each long pause, so that the sound beside the words stays as it is.

    A pause is where nobody speaks to the signal and to the ear alike: what only one of them takes
    for a pause may be laughter, music, or a word that the ear missed.
    """
    audio = where.audio
    words = audio.transcript().words
    places = []
    for pause in audio.activity.pauses:
        start, end = pause.seconds(audio.sample_rate)
        middle = (start + end) / 2
        # The signal keeps some quiet beside speech; how a word ends, the ear knows better.
        before = [word.end for word in words if start - _BESIDE < word.end and word.start < middle]
        behind = [word.start for word in words if word.start < end + _BESIDE and word.end > middle]
        start, end = max(before, default=start), min(behind, default=end)
        if end - start > longer_than:
            edges = Edge(start + to / 2, _EDGE_ERROR), Edge(end - to / 2, _EDGE_ERROR)
            places.append(placed(where, *edges, None))
    return tuple(places)


TIDY = Tool("tidy", Tidy, tidy)

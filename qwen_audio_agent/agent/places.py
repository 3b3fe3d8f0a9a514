"""From what a model says to frames: words or times of an audio become places with safe edges.

The times of words are hypotheses, so an edge by word is searched on the sound inside its window of
uncertainty. A time that was typed is kept, but for the milliseconds to a quiet crossing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qwen_audio_agent.agent.arguments import Stretch
from qwen_audio_agent.agent.wording import quoted
from qwen_audio_agent.audio.samples import Span, frame_at
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.joins import best_cut, quietest
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.errors import ToolError
from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.words import Match

ORDINALS = ("first", "second", "third", "fourth", "fifth")
_TYPED_ERROR = 0.002
_SEARCHED = 0.03
"""How far from the edge of a word the place to cut is searched, whatever the ear's error."""
_UNSURE = 0.11
"""An edge that may be further off than this, in seconds, is no place to cut beside a word.

So far off is a find that is neither likely nor in one place: of such edges one in four was right.
"""
_SHOWN_PLACES = 6


@dataclass(frozen=True, slots=True)
class Edge:
    """A time in seconds, how far off it may be, and whether it is the edge of a word."""

    time: float
    error: float = 0.0
    by_word: bool = False


@dataclass(frozen=True, slots=True)
class Listened:
    """An audio under its number: what messages to a model call it."""

    number: int
    audio: HeardAudio

    @property
    def name(self) -> str:
        return f"Audio {self.number}"


def find_stretches(where: Listened, wish: Stretch, part: str = "it") -> tuple[Place, ...]:
    """The places that a wish names, in order of time.

    `words` with `to_words` is all from the one to the other, both included; `words` with `end`, and
    `start` with `to_words`, mix words and times.

    Args:
        where: the audio.
        wish: words or times.
        part: "before" and "after" give everything before, or after, what is named.

    Raises:
        ToolError: the words are not there, or several times; the times are no stretch of the audio.
    """
    found = list(_named(where, wish))
    if part != "it" and len(found) > 1:
        raise ToolError(f'part="{part}" needs one place, and which="every" names {len(found)}.')
    return tuple(
        placed(where, *_part(where, start, end, part), words) for start, end, words in found
    )


def find_part(where: Listened, wish: Stretch) -> tuple[Place, ...]:
    """As `find_stretches`, but the whole audio when nothing is named."""
    if wish.words is None and wish.to_words is None and wish.start is None and wish.end is None:
        whole = Span(0, where.audio.num_frames)
        return (Place(where.number, whole, where.audio.sample_rate),)
    return find_stretches(where, wish)


def find_words(where: Listened, words: str, which: str) -> tuple[Match, ...]:
    """Where words are said, in order of time: the one that `which` names, or every one.

    Raises:
        ToolError: they are not there, or not as often, or several times though `which` is "only".
    """
    matches = _apart(match for match in where.audio.find(words) if not match.doubtful)
    times = ", ".join(f"{m.start:.2f}-{m.end:.2f} s" for m in matches[:_SHOWN_PLACES])
    times += ", ..." if len(matches) > _SHOWN_PLACES else ""
    count = "once" if len(matches) == 1 else f"{len(matches)} times"
    said = f"{quoted(words)} is said {count} in {where.name} ({times})"
    if not matches:
        raise ToolError(nearest_text(where, words))
    if which == "every":
        return matches
    if which == "only" and len(matches) > 1:
        raise ToolError(f"{said}. Say which: first, second, third, fourth, fifth, last or every.")
    index = {"only": 0, "last": -1}.get(which)
    if index is None:
        index = ORDINALS.index(which)
    if index >= len(matches):
        raise ToolError(f"{said}. There is no {which} one.")
    return (matches[index],)


def find_point(
    where: Listened, at: float | None, before: str | None, after: str | None, which: str
) -> Place:
    """The point between two sounds at a time, before or after words; the end without any of them.

    Raises:
        ToolError: more than one of them is given, or it is not there.
    """
    given = [
        name
        for name, value in (("at", at), ("before", before), ("after", after))
        if value is not None
    ]
    if len(given) > 1:
        raise ToolError(f"Give one of at, before and after, not {' and '.join(given)}.")
    if at is not None:
        return _point(where, _typed(where, "at", at), None)
    if before is None and after is None:
        return _point(where, Edge(where.audio.duration), None)
    if which == "every":
        raise ToolError('which="every" is no single place; say first, second ... or last.')
    words = before or after or ""
    (match,) = find_words(where, words, which)
    edge = _edges(match)[0 if before else 1]
    return _point(where, edge, words)


def _named(where: Listened, wish: Stretch) -> Iterator[tuple[Edge, Edge, str | None]]:
    """Start, end and words of each place, before its edges are searched on the sound."""
    if wish.words and wish.start is not None:
        raise ToolError("Give words or start, not both; words may go with end or to_words.")
    if wish.to_words and wish.end is not None:
        raise ToolError("Give to_words or end, not both; to_words may go with words or start.")
    if wish.words:
        matches = find_words(where, wish.words, wish.which)
        for match in matches:
            start, end = _edges(match)
            if wish.to_words:
                last = _next(where, wish.to_words, match)
                yield start, _edges(last)[1], f"{wish.words} ... {wish.to_words}"
            elif wish.end is not None:
                yield start, _typed(where, "end", wish.end), wish.words
            else:
                yield start, end, wish.words
    elif wish.to_words:
        (match,) = find_words(where, wish.to_words, wish.which)
        start = Edge(0.0) if wish.start is None else _typed(where, "start", wish.start)
        yield start, _edges(match)[1], wish.to_words
    elif wish.start is None and wish.end is None:
        raise ToolError("Say which stretch: give words, or start and end in seconds.")
    else:
        start = Edge(0.0) if wish.start is None else _typed(where, "start", wish.start)
        length = where.audio.duration
        end = Edge(length) if wish.end is None else _typed(where, "end", wish.end)
        yield start, end, None


def _part(where: Listened, start: Edge, end: Edge, part: str) -> tuple[Edge, Edge]:
    if part == "before":
        return Edge(0.0), start
    if part == "after":
        return end, Edge(where.audio.duration)
    return start, end


def _edges(match: Match) -> tuple[Edge, Edge]:
    return (
        Edge(match.start, match.start_error, by_word=True),
        Edge(match.end, match.end_error, by_word=True),
    )


def _typed(where: Listened, name: str, time: float) -> Edge:
    time = _checked(where, name, time)
    inside = 0 < time < where.audio.duration
    return Edge(time, _TYPED_ERROR if inside else 0.0)


def _checked(where: Listened, name: str, time: float) -> float:
    """A time in the audio; one hundredth past its end is the end as the model was told it."""
    length = where.audio.duration
    if not 0 <= time <= length + 0.01:
        raise ToolError(
            f"{where.name} is {length:.2f} s long; {name} is {time:.2f}. "
            f"Give {name} from 0 to {length:.2f}."
        )
    return min(time, length)


def _next(where: Listened, words: str, first: Match) -> Match:
    """The first place of `words` that does not begin before `first`."""
    matches = find_words(where, words, "every")
    for match in matches:
        if match.start >= first.start and match.end >= first.end:
            return match
    raise ToolError(
        f"{quoted(words)} is said before {quoted(first.text)} in {where.name}, not after it "
        f"({matches[-1].start:.2f} s against {first.start:.2f} s)."
    )


def _apart(matches: Iterator[Match]) -> tuple[Match, ...]:
    """Matches in order of time; of those that overlap, the best."""
    kept: list[Match] = []
    for match in matches:
        if all(match.end <= other.start or match.start >= other.end for other in kept):
            kept.append(match)
    return tuple(sorted(kept, key=lambda match: match.start))


def nearest_text(where: Listened, words: str) -> str:
    """What to tell a model that looks for words which are not there: the nearest that is."""
    near = where.audio.find(words)
    if not near:
        return f"{quoted(words)} is not heard in {where.name}. Listen to it, or give times."
    nearest = near[0]
    if normalise(nearest.text) == normalise(words):
        return (
            f"{quoted(words)} may be what is said at {nearest.start:.2f}-{nearest.end:.2f} s of "
            f"{where.name}, but that is doubtful; give start and end if that is meant."
        )
    return (
        f"{quoted(words)} is not heard in {where.name}. The nearest is {quoted(nearest.text)} at "
        f"{nearest.start:.2f}-{nearest.end:.2f} s; give start and end if that is meant."
    )


def placed(where: Listened, start: Edge, end: Edge, words: str | None) -> Place:
    """The place in frames, its edges moved within their windows to where the sound is cut best."""
    audio = where.audio
    if start.time >= end.time:
        raise ToolError(
            f"start is {start.time:.2f} and end is {end.time:.2f}: "
            "the end must come after the start."
        )
    _ask_if_unsure(where, start, end, words)
    span = Span.from_seconds(start.time, end.time, audio.sample_rate)
    middle = (start.time + end.time) / 2
    windows = (_window(where, start, 0.0, middle), _window(where, end, middle, audio.duration))
    span = best_cut(audio.read, span, windows, audio.num_frames)
    slack = (_slack(where, start), _slack(where, end))
    return Place(where.number, span, audio.sample_rate, words, slack)


def _ask_if_unsure(where: Listened, start: Edge, end: Edge, words: str | None) -> None:
    """Refuse to cut blindly: an edge lies somewhere in a wide stretch, and a word that stays, too.

    Raises:
        ToolError: says between which times the edge is, and beside which word.
    """
    for name, edge, sign in (("start", start, -1), ("end", end, 1)):
        if not edge.by_word or edge.error <= _UNSURE:
            continue
        first, last = sorted((edge.time, edge.time + sign * edge.error))
        beside = where.audio.words_between(first - 0.5, last + 0.5)
        kept = [w for w in beside if sign * ((w.start + w.end) / 2 - edge.time) > 0]
        near = next((w.text for w in kept if w.start < last and w.end > first), None)
        if near:
            raise ToolError(
                f"The {name} of {quoted(words or 'that')} in {where.name} may be anywhere from "
                f"{edge.time - edge.error:.2f} to {edge.time + edge.error:.2f} s, and "
                f"{quoted(near)}, which stays, is right beside it. "
                "Listen there, and give start and end in seconds."
            )


def _point(where: Listened, edge: Edge, words: str | None) -> Place:
    """A place of length 0: sound goes on on both sides, so both are cut at the same frame."""
    rate = where.audio.sample_rate
    window = _window(where, edge, 0.0, where.audio.duration)
    frame = quietest(where.audio.read, window, where.audio.num_frames)
    slack = _slack(where, edge)
    return Place(where.number, Span(frame, frame), rate, words, (slack, slack))


def _slack(where: Listened, edge: Edge) -> int:
    """How many frames an edge may be moved after listening: as far as the ear may be wrong.

    Without this bound repairs did harm: of 90 cuts by hand-labelled words they moved nine edges,
    by 60 ms and more, and eight of them away from the label.
    """
    return frame_at(edge.error, where.audio.sample_rate) if edge.by_word else 0


def _window(where: Listened, edge: Edge, first: float, last: float) -> Span:
    """Where an edge may be cut: near to it, never past the middle of a neighbour."""
    reach = min(edge.error, _SEARCHED)
    start, end = max(edge.time - reach, first), min(edge.time + reach, last)
    if edge.by_word:
        for word in where.audio.words_between(start - 0.5, end + 0.5):
            middle = (word.start + word.end) / 2
            if middle < edge.time:
                start = max(start, middle)
            elif middle > edge.time:
                end = min(end, middle)
    rate = where.audio.sample_rate
    return Span(frame_at(start, rate), min(frame_at(end, rate), where.audio.num_frames))

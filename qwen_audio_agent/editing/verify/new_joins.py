"""Which joins an edit made, and which edge of which place each side of a join comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.verify.place import Place

EdgeName = Literal["start", "end"]
_SAME = 0.002


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a join: sound of an audio that was there before, up to or from a frame.

    Attributes:
        audio: the audio it comes from.
        frame: of that audio; the sound ends there (left of a join) or begins there (right).
        place: index of the place whose edge this is.
        edge: which edge of it.
    """

    audio: HeardAudio
    frame: int
    place: int
    edge: EdgeName

    @property
    def time(self) -> float:
        """Seconds of that audio."""
        return self.frame / self.audio.sample_rate


@dataclass(frozen=True, slots=True)
class Join:
    """A frame of a new audio at which sounds meet, or at which the audio begins or ends.

    Attributes:
        frame: of the new audio.
        left: where the sound before it comes from; None at the beginning, or if it is no place's.
        right: the same of the sound after it.
    """

    frame: int
    left: Side | None
    right: Side | None


def new_joins(
    before: HeardAudio,
    after: HeardAudio,
    places: Sequence[Place],
    audio: Callable[[int], HeardAudio],
) -> list[Join]:
    """The joins of `after` that `before` does not have, in order of time.

    Args:
        before: the audio that the tool was given.
        after: what it made.
        places: where it worked.
        audio: gives an audio by its number.
    """
    known = {_meeting(before, frame) for frame in (0, *before.joins, before.num_frames)}
    lefts, rights = _Edges(), _Edges()
    for index, place in enumerate(places):
        of = audio(place.audio)
        edges: tuple[tuple[EdgeName, int], ...] = (
            ("start", place.span.start),
            ("end", place.span.end),
        )
        for edge, frame in edges:
            side = Side(of, frame, index, edge)
            lefts.add(_source_time(of, frame, -1), side)
            rights.add(_source_time(of, frame, 1), side)
    joins = []
    for frame in (0, *after.joins, after.num_frames):
        if _meeting(after, frame) not in known:
            left = lefts.find(_source_time(after, frame, -1))
            right = rights.find(_source_time(after, frame, 1))
            joins.append(Join(frame, left, right))
    return [join for join in joins if not _is_own_border(join, after)]


def _is_own_border(join: Join, after: HeardAudio) -> bool:
    """Whether an audio begins or ends here with sound that began or ended there before."""
    if join.frame == 0:
        return join.right is None or join.right.frame == 0
    if join.frame == after.num_frames:
        return join.left is None or join.left.frame == join.left.audio.num_frames
    return False


_SourceTime = tuple[str, float] | None


def _source_time(audio: HeardAudio, frame: int, side: int) -> _SourceTime:
    """Recording and time, in seconds, of the sound just before (-1) or after (1) a frame."""
    place = audio.time_map.to_source(frame - 1 if side < 0 else frame)
    if place is None:
        return None
    name, at = place
    return name, (at + 1 if side < 0 else at) / audio.sample_rate


def _meeting(audio: HeardAudio, frame: int) -> tuple[_SourceTime, _SourceTime]:
    return _source_time(audio, frame, -1), _source_time(audio, frame, 1)


class _Edges:
    """Sides by the time of the recording that they lie at, found to within a few frames."""

    def __init__(self) -> None:
        self._sides: dict[tuple[str, int], Side] = {}

    def add(self, at: _SourceTime, side: Side) -> None:
        if at:
            self._sides.setdefault((at[0], round(at[1] / _SAME)), side)

    def find(self, at: _SourceTime) -> Side | None:
        if at is None:
            return None
        step = round(at[1] / _SAME)
        found = (self._sides.get((at[0], step + near)) for near in (0, -1, 1))
        return next((side for side in found if side), None)

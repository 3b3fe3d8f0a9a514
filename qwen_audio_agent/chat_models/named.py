"""What a person names: moments, words, stretches, audios, places; nothing here has heard a thing.

A time in an instruction is a `Moment`, a stretch is a `Passage`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Which = Literal["only", "first", "second", "third", "fourth", "fifth", "last", "every"]
Part = Literal["it", "before", "after"]
Side = Literal["before", "after"]
ORDINALS: tuple[Which, ...] = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time.

    Attributes:
        seconds: >= 0, counted from `anchor`.
        anchor: "start" counts forwards from the start, "end" backwards from the end.
    """

    seconds: float
    anchor: Literal["start", "end"] = "start"


START = Moment(0.0)
END = Moment(0.0, "end")


@dataclass(frozen=True, slots=True)
class Several:
    """Some occurrences: "the first two", "every one but the last", "the others".

    Attributes:
        numbers: 1 is the first, -1 the last; empty: the one that was named last.
        others: all but those.
    """

    numbers: tuple[int, ...] = ()
    others: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """Which occurrence, told by where it is: "after the pause", "at the end".

    Attributes:
        side: before or after `edge`, at about that time, or in a part of the recording.
        edge: beside what; None for a part of the recording.
        nearest: of several that are on that side, the nearest is meant.
    """

    side: Literal["before", "after", "at", "start", "middle", "end"]
    edge: Moment | Phrase | Pause | None = None
    nearest: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that were said, and which occurrence of them.

    Attributes:
        text: as the person wrote it.
        which: the occurrence.
        quoted: between quotation marks, so surely words of the recording.
        times: how often it is said as the person tells ("both" is 2); None: not told.
        near: where the occurrence is that is meant.
        beside: what the person wrote before and after it, if it is not quoted.
    """

    text: str
    which: Which | Several = "only"
    quoted: bool = True
    times: int | None = None
    near: Near | None = None
    beside: tuple[str, str] = field(default=("", ""), compare=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause named by its place or length: "the pause", "the second one", "the longest"."""

    which: Which | Literal["longest"] = "only"


@dataclass(frozen=True, slots=True)
class It:
    """A reference to what was named before: "it", "the second one"; the rest as above.

    Attributes:
        part: surely a part of the recording ("that word"), never the whole.
    """

    which: Which | Several = "only"
    times: int | None = None
    near: Near | None = None
    part: bool = False

    @property
    def alone(self) -> bool:
        """Whether it says no more than what was named last."""
        return self.which == "only" and self.near is None


@dataclass(frozen=True, slots=True)
class Counted:
    """Words told by their number: "the first three words", "the word after the pause".

    Attributes:
        first: number of the first, from 0; negative ones count from the end.
        count: how many.
        side: counted from here, before or after `edge`; None: in the whole recording.
        edge: beside what.
    """

    first: int
    count: int = 1
    side: Side | None = None
    edge: Phrase | Pause | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A moment told by how far it is from something: "half a second before X".

    Attributes:
        side: before the start of `edge`, or after its end.
        edge: beside what.
        seconds: how far.
    """

    side: Side
    edge: Phrase | Pause
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """A moment told by how much of the recording is before it: the end of "the first half".

    Attributes:
        of_whole: 0 to 1.
    """

    of_whole: float


Edge = Moment | Phrase | Pause | It | Counted | Beside | Share


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of the recording.

    Attributes:
        start: the phrase, pause or moment that it starts with.
        end: what it ends with; None: it is `start` alone.
        part: all that comes "before" or "after" `start` instead of it.
        between: from the end of `start` to the start of `end`, so that neither is inside.
    """

    start: Edge
    end: Edge | None = None
    part: Part = "it"
    between: bool = False


@dataclass(frozen=True, slots=True)
class AudioNumber:
    """An audio named by its number: "Audio 2"."""

    number: int


@dataclass(frozen=True, slots=True)
class AudioName:
    """An audio named by its file: "jingle.wav"."""

    name: str


@dataclass(frozen=True, slots=True)
class AudioIt:
    """The audio that the step before is about: "denoise jingle.wav, then insert it"."""


@dataclass(frozen=True, slots=True)
class AudioMade:
    """The audio that an edit made: "cut X, then fade the new version out"."""


@dataclass(frozen=True, slots=True)
class AudioEvery:
    """Every audio that was opened, one after the other."""


AudioRef = AudioEvery | AudioNumber | AudioName | AudioIt | AudioMade


@dataclass(frozen=True, slots=True)
class Material:
    """Sound taken from another audio: the whole of it, or a passage."""

    audio: AudioRef
    passage: Passage | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where sound goes: before or after something, or at a moment.

    Attributes:
        side: on which side of the edge.
        edge: beside what.
        before: what comes next there, if the person told both neighbours.
    """

    side: Literal["before", "after", "at"]
    edge: Edge
    before: Phrase | None = None

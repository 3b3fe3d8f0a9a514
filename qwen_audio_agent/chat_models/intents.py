"""What a person asks for, as plain values: the grammar makes them, the plan turns them into calls.

A time in an instruction is a `Moment`, a stretch is a `Passage`; nothing here has heard anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Which = Literal["only", "first", "second", "third", "fourth", "fifth", "last", "every"]
Part = Literal["it", "before", "after"]
Fill = Literal["room", "bleep", "digital"]
Side = Literal["before", "after"]
ORDINALS: tuple[Which, ...] = ("first", "second", "third", "fourth", "fifth")
EffectName = Literal["normalize", "highpass", "compress", "deess", "declick", "tempo"]


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
    """

    text: str
    which: Which | Several = "only"
    quoted: bool = True
    times: int | None = None
    near: Near | None = None


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


Edge = Moment | Phrase | Pause | It | Counted


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
class AudioEvery:
    """Every audio that was opened, one after the other."""


AudioRef = AudioEvery | AudioNumber | AudioName | AudioIt


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


@dataclass(frozen=True, slots=True)
class Mention:
    """Something that is only named; the next step says what to do with "it".

    Attributes:
        passage: what is named.
        chatter: it may be told for its own sake.
    """

    passage: Passage
    chatter: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """The action of the step before, on another passage: "same for X"."""

    passage: Passage


@dataclass(frozen=True, slots=True)
class Transcribe:
    """What is said, in all of it or in a passage."""

    passage: Passage | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """When something is said."""

    phrase: Phrase


@dataclass(frozen=True, slots=True)
class Duration:
    """How long the recording is."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Take a passage out and close the gap."""

    passage: Passage


@dataclass(frozen=True, slots=True)
class Keep:
    """Take out everything else."""

    passage: Passage
    only: bool = True


@dataclass(frozen=True, slots=True)
class Leave:
    """A promise to check: a passage that no other step may change.

    Attributes:
        passage: what stays.
        kept_from: the one thing that shall not be done to it; None: nothing shall.
    """

    passage: Passage
    kept_from: Literal["cut", "silence"] | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Replace the sound of a passage and keep its length."""

    passage: Passage
    fill: Fill = "room"


@dataclass(frozen=True, slots=True)
class Insert:
    """Put other sound in; without a place, at the end."""

    material: Material
    place: Place | None = None
    crossfade_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Several audios one after the other; without a name, the two that are open."""

    audios: tuple[AudioRef, ...]
    crossfade_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Put other sound in the place of a phrase."""

    passage: Passage
    material: Material


@dataclass(frozen=True, slots=True)
class Move:
    """Take a passage from one place to another."""

    passage: Passage
    place: Place


@dataclass(frozen=True, slots=True)
class Tidy:
    """Take fillers out, or shorten pauses; lengths in seconds."""

    what: Literal["fillers", "pauses"]
    longer_than: float | None = None
    to: float | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """Louder or quieter by `db`, in dB; the whole without a passage."""

    db: float
    passage: Passage | None = None


@dataclass(frozen=True, slots=True)
class Fade:
    """Rise from silence at the start, fall to it at the end; lengths in seconds, None: not said."""

    rise: bool
    fall: bool
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Denoise:
    """Take steady noise out; strength 0 to 1."""

    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Effect:
    """Another effect on the whole; value in the effect's own unit (LUFS, Hz, ratio, factor)."""

    name: EffectName
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """Go back to how it was, `times` edits ago."""

    times: int = 1


Question = Transcribe | Find | Duration
Edit = (
    Cut
    | Keep
    | Silence
    | Insert
    | Join
    | Replace
    | Move
    | Tidy
    | Gain
    | Fade
    | Denoise
    | Effect
    | Undo
)
Action = Question | Edit | Mention | Leave | Again


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        action: what.
        audio: the audio that the person named; None: the one at hand.
        said: the words of the instruction that ask for it.
    """

    action: Action
    audio: AudioRef | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A sentence that was understood as a whole.

    Attributes:
        steps: in the order in which they were said.
        notes: what was taken for granted, such as a corrected typing error, for the person to see.
    """

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

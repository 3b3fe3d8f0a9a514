"""What a person asks for, as plain values: made by the grammar, turned into calls by the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qwen_audio_agent.chat_models.named import (
    AudioRef,
    Material,
    Passage,
    Phrase,
    Place,
)

Fill = Literal["room", "bleep", "digital"]
EffectName = Literal["normalize", "highpass", "compress", "deess", "declick", "tempo"]


@dataclass(frozen=True, slots=True)
class Mention:
    """Something that is only named; the next step says what to do with "it".

    Attributes:
        passage: what is named.
        chatter: it may be told for its own sake.
        unsure: so that an "it" behind it may mean something else.
    """

    passage: Passage
    chatter: bool = False
    unsure: bool = False


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
    """Take fillers out, shorten pauses, or clean all of it up by a recipe; in seconds."""

    what: Literal["fillers", "pauses", "podcast", "interview", "audiobook"]
    longer_than: float | None = None
    to: float | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """Louder or quieter by `db`, in dB; the whole without a passage."""

    db: float
    passage: Passage | None = None


@dataclass(frozen=True, slots=True)
class Fade:
    """Rise from silence at the start, fall to it at the end.

    Attributes:
        rise: whether it does.
        fall: whether it does.
        seconds: how long it takes; None: not said.
        fall_seconds: how long the fall takes, if that is not as long as the rise.
        is_bare: the seconds were said without their unit: "the last two".
    """

    rise: bool
    fall: bool
    seconds: float | None = None
    fall_seconds: float | None = None
    is_bare: bool = False

    @property
    def lengths(self) -> tuple[float | None, float | None]:
        """Seconds of the rise and of the fall, None for what it has not."""
        fall = self.seconds if self.fall_seconds is None else self.fall_seconds
        return self.seconds if self.rise else None, fall if self.fall else None


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

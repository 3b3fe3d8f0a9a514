"""The document: which stretches of which sources follow each other, and what is done to the whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

EffectName = Literal["denoise", "normalize", "highpass", "compress", "deess", "declick", "tempo"]
SILENCE = "silence"
BLEEP = "bleep"


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a source as it is heard in the programme; refers to sound, never holds it.

    Attributes:
        source: id of a source file, id of another edit list (its rendered sound), or `SILENCE`/`BLEEP`.
        start: first frame of the source, at the programme's sample rate.
        end: frame after the last.
        gain_db: change of level.
        fade_in: frames over which the clip rises from silence.
        fade_out: frames over which it falls to silence.
        join: half the length, in frames, of the crossfade with the clip before it. It is centred on the join and
            takes the sound beyond the clips' ends from their sources, so it changes no time.
    """

    source: str
    start: int
    end: int
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0
    join: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a clip needs 0 <= start <= end, not [{self.start}, {self.end})")
        if self.fade_in < 0 or self.fade_out < 0 or self.join < 0:
            raise ValueError("fades are numbers of frames >= 0")

    @property
    def num_frames(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class EffectCall:
    """An effect with its settings, as data; `editing.effects` knows what it does."""

    name: EffectName
    settings: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class EditList:
    """A programme: clips in order, then effects on the whole.

    Attributes:
        clips: what is heard, in order.
        sample_rate: of the programme, in Hz; clips of another rate are resampled when their source is opened.
        num_channels: of the programme.
        effects: applied to the whole after the clips are joined. An edit of a list that has effects starts a
            new list whose one clip is that list.
    """

    clips: tuple[Clip, ...]
    sample_rate: int
    num_channels: int
    effects: tuple[EffectCall, ...] = field(default=())

    @cached_property
    def id(self) -> str:
        """Short name that comes from the content alone."""
        content = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return "e" + hashlib.sha256(content.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Plain data for a session file."""
        return asdict(self)

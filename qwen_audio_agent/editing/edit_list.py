"""The document: which stretches of which sources follow each other, and what is done to them."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, get_args

from qwen_audio_agent.audio.formats import MAX_CHANNELS, MAX_SAMPLE_RATE
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.checked_fields import checked_fields
from qwen_audio_agent.errors import SessionError

if TYPE_CHECKING:
    from qwen_audio_agent.audio.files import AudioFile

EffectName = Literal[
    "denoise",
    "normalize",
    "limiter",
    "hum",
    "highpass",
    "bed",
    "compress",
    "deess",
    "declick",
    "tempo",
]
SILENCE = "silence"
"""Source of digital zeros, endless."""
BLEEP = "bleep"
"""Source of a 1 kHz sine of full scale, endless."""
_MAX_GAIN_DB = 700  # what float32 can hold


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a source as it is heard in the programme; refers to sound, never holds it.

    Attributes:
        source: id of a source file, id of another edit list (its rendered sound), `SILENCE` or
            `BLEEP`.
        start: first frame of the source, at the programme's sample rate.
        end: frame after the last.
        gain_db: change of level.
        fade_in: frames over which the sound rises from silence.
        fade_out: frames over which it falls to silence.
        join: half the length, in frames, of the crossfade with the clip before it. It is centred on
            the join and takes the sound beyond the clips' ends from their sources, so it changes no
            time.
        fade_in_past: how many frames of the rise lie before the clip, as when a fade was cut in
            two.
        fade_out_past: how many frames of the fall lie after the clip.
    """

    source: str
    start: int
    end: int
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0
    join: int = 0
    fade_in_past: int = 0
    fade_out_past: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a clip needs 0 <= start <= end, not [{self.start}, {self.end})")
        if min(self.fade_in, self.fade_out, self.join, self.fade_in_past, self.fade_out_past) < 0:
            raise ValueError("fades are numbers of frames >= 0")
        if not math.isfinite(self.gain_db):
            raise ValueError(f"a gain is a finite number of dB, not {self.gain_db!r}")
        # An id comes from the JSON text, where 3 and 3.0 and -0.0 would differ.
        object.__setattr__(self, "gain_db", float(self.gain_db) + 0.0)

    @property
    def num_frames(self) -> int:
        return self.end - self.start

    def slice(self, span: Span) -> Clip:
        """The frames of `span`, counted from the clip's start; keeps its part of the fades.

        The crossfade before the clip belongs to its first frame and goes when that frame goes.
        """
        after = self.num_frames - span.end
        past_in, past_out = self.fade_in_past + span.start, self.fade_out_past + after
        rises, falls = past_in < self.fade_in, past_out < self.fade_out
        return Clip(
            source=self.source,
            start=self.start + span.start,
            end=self.start + span.end,
            gain_db=self.gain_db,
            fade_in=self.fade_in if rises else 0,
            fade_out=self.fade_out if falls else 0,
            join=self.join if span.start == 0 else 0,
            fade_in_past=past_in if rises else 0,
            fade_out_past=past_out if falls else 0,
        )


@dataclass(frozen=True, slots=True)
class EffectCall:
    """An effect with its settings, as data; `editing.effects` knows what it does.

    Attributes:
        name: of the effect.
        settings: names and values, in order of names.
        source: id of the recording or edit list that the effect brings in, such as the music of a
            bed; empty for the others.
    """

    name: EffectName
    settings: tuple[tuple[str, float], ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        settings = sorted((name, float(value)) for name, value in self.settings)
        object.__setattr__(self, "settings", tuple(settings))


@dataclass(frozen=True)
class EditList:
    """A programme: clips in order, then effects on the whole.

    Attributes:
        clips: what is heard, in order.
        sample_rate: of the programme, in Hz; clips of another rate are resampled when their source
            is opened.
        num_channels: of the programme.
        effects: applied to the whole after the clips are joined. An edit of a list that has effects
            starts a new list whose one clip is that list.
        edge: frames over which the programme rises from zero where it begins inside a recording,
            and falls to zero where it ends inside one; a recording's own beginning and end stay as
            they are.
    """

    clips: tuple[Clip, ...]
    sample_rate: int
    num_channels: int
    effects: tuple[EffectCall, ...] = field(default=())
    edge: int = 0

    def __post_init__(self) -> None:
        if self.sample_rate < 1 or self.num_channels < 1 or self.edge < 0:
            raise ValueError(
                "an edit list needs sample_rate >= 1, num_channels >= 1 and edge >= 0, not "
                f"{self.sample_rate}, {self.num_channels}, {self.edge}"
            )

    @classmethod
    def from_file(cls, source: str, file: AudioFile) -> EditList:
        """The programme that is all of one recording, unedited; `source` is its id."""
        clips = (Clip(source, 0, file.num_frames),) if file.num_frames else ()
        return cls(clips, file.sample_rate, file.num_channels)

    @classmethod
    def from_json(cls, value: object) -> EditList:
        """Read what `to_json` wrote, from a file that may hold anything.

        Raises:
            SessionError: a field is missing, unknown, of the wrong type or out of range.
        """
        data = checked_fields(cls, "an edit list", value)
        if data["sample_rate"] > MAX_SAMPLE_RATE or data["num_channels"] > MAX_CHANNELS:
            raise SessionError(
                f"an edit list has at most {MAX_SAMPLE_RATE} Hz and {MAX_CHANNELS} channels, not "
                f"{repr(data['sample_rate'])[:40]} and {repr(data['num_channels'])[:40]}"
            )
        try:
            clips = tuple(
                Clip(**checked_fields(Clip, "a clip", item)) for item in data.pop("clips")
            )
            effects = tuple(_effect_from_json(item) for item in data.pop("effects", ()))
            if any(abs(clip.gain_db) > _MAX_GAIN_DB for clip in clips):
                raise ValueError(f"a gain is at most {_MAX_GAIN_DB} dB")
            return cls(clips, effects=effects, **data)
        except (ValueError, OverflowError) as error:
            raise SessionError(f"an edit list cannot be read: {error}") from error

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Programme frame at which each clip starts, before effects; one more for the end."""
        return tuple(accumulate((clip.num_frames for clip in self.clips), initial=0))

    @cached_property
    def num_frames(self) -> int:
        """Length in frames, after effects."""
        num_frames = self.starts[-1]
        if self.effects:
            # Only a tempo changes a length; effects import this module for `EffectCall`.
            from qwen_audio_agent.editing.effects import make_effect

            for call in self.effects:
                num_frames = make_effect(call).num_frames(num_frames)
        return num_frames

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Ids of all that it is made of, of clips and of effects, in order."""
        used = {clip.source for clip in self.clips} | {call.source for call in self.effects}
        return tuple(sorted(used - {""}))

    @property
    def duration(self) -> float:
        """Length in seconds, after effects."""
        return self.num_frames / self.sample_rate

    @cached_property
    def id(self) -> str:
        """Short name that comes from the content alone."""
        content = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return "e" + hashlib.sha256(content.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Plain data for a session file."""
        data = asdict(self)
        for call in data["effects"]:
            # Ids of lists from before there were such effects stay what they were.
            if not call["source"]:
                del call["source"]
        return data


def _effect_from_json(value: object) -> EffectCall:
    data = checked_fields(EffectCall, "an effect", value)
    if data["name"] not in get_args(EffectName):
        raise SessionError(f"there is no effect {data['name'][:40]!r}")
    settings = data.get("settings", ())
    for item in settings:
        is_pair = isinstance(item, list | tuple) and len(item) == 2
        if not is_pair or not isinstance(item[0], str) or type(item[1]) not in (int, float):
            raise SessionError(f"a setting of an effect is [name, number], not {repr(item)[:40]}")
    pairs = tuple((name, number) for name, number in settings)
    return EffectCall(data["name"], pairs, data.get("source", ""))

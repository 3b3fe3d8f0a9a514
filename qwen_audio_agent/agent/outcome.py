"""What a tool answers, and what was heard of it afterwards: plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from qwen_audio_agent.editing.checked_fields import checked_fields
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.verify.finding import VerdictKind
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.speech.text import quoted

ROLES = ("audio", "other")
"""The arguments of tools that are numbers of audios."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool answers; the tool itself changes nothing.

    Attributes:
        text: for the model, one or two sentences.
        edit_list: the audio that the tool makes; None when it only looked or listened.
        places: where it worked.
        redo: does the same at places that were moved; None when there is nothing to move.
        earlier: for undo, the number of the audio whose sound this is.
    """

    text: str
    edit_list: EditList | None = None
    places: tuple[Place, ...] = ()
    redo: Callable[[tuple[Place, ...]], Outcome] | None = None
    earlier: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was heard at one join of a new audio.

    Attributes:
        kind: "clean", or what is wrong.
        at: seconds of the new audio.
        heard: the words around the join, which is drawn as a bar.
        detail: the evidence in a few words; empty when clean.
    """

    kind: VerdictKind
    at: float
    heard: str
    detail: str = ""

    @property
    def is_clean(self) -> bool:
        return self.kind == "clean"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @property
    def text(self) -> str:
        """One line for a person or a model."""
        return f"{quoted(self.heard)}  {self.kind}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels before and after an edit, each a pair (before, after).

    Attributes:
        noise_floor_dbfs: of the quiet between the words.
        speech_dbfs: of the active stretches.
        loudness_lufs: integrated, after BS.1770.
    """

    noise_floor_dbfs: tuple[float, float]
    speech_dbfs: tuple[float, float]
    loudness_lufs: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Step:
    """One tool call and everything that came of it; a line of the journal.

    Attributes:
        tool: name of the tool.
        arguments: as the model or the person gave them.
        given: number of the audio that the tool was given.
        text: the tool's answer.
        audio: number of the new audio; None when the tool made none.
        duration: of the new audio, in seconds.
        places: where the tool worked.
        verdicts: what was heard at each new join.
        unheard: how many further joins were measured but not listened to.
        levels: before and after; None for tools that do not change levels.
        repairs: how many times edges were moved because of a verdict.
        call_id: of the model's tool call; empty for a call by hand.
    """

    tool: str
    arguments: Mapping[str, Any]
    given: int
    text: str
    audio: int | None = None
    duration: float | None = None
    places: tuple[Place, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    unheard: int = 0
    levels: Levels | None = None
    repairs: int = 0
    call_id: str = field(default="")

    def to_json(self) -> dict[str, Any]:
        """Plain data for a session file or a report."""
        data = asdict(replace(self, places=(), arguments={}))
        return data | {
            "arguments": dict(self.arguments),
            "places": [place.to_json() for place in self.places],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The step of a journal's line.

        Raises:
            SessionError, KeyError, TypeError, ValueError: it is none.
        """
        fields = checked_fields(cls, "a step", data)
        verdicts = (checked_fields(Verdict, "a verdict", verdict) for verdict in data["verdicts"])
        levels = data["levels"] and Levels(**{k: _pair(v) for k, v in data["levels"].items()})
        rest = {
            "places": tuple(Place.from_json(place) for place in data["places"]),
            "verdicts": tuple(Verdict(**verdict) for verdict in verdicts),
            "levels": levels or None,
        }
        return cls(**{**fields, **rest})

    @property
    def result_text(self) -> str:
        """The tool's answer with what came of it, in one message."""
        if self.audio is None:
            return self.text
        made = f"This made Audio {self.audio}, {self.duration:.2f} s."
        return " ".join(part for part in (self.text, made, self.verdict_text) if part)

    @property
    def bad(self) -> tuple[Verdict, ...]:
        """The verdicts that are not clean."""
        return tuple(verdict for verdict in self.verdicts if not verdict.is_clean)

    @property
    def verdict_text(self) -> str:
        """What was heard of the edit, in one line; empty when there was nothing to hear."""
        return "; ".join(part for part in (self._joins_text(), self._levels_text()) if part)

    def _joins_text(self) -> str:
        if not self.verdicts:
            return ""
        repaired = f", after moving edges {_times(self.repairs)}" if self.repairs else ""
        measured = f"; {self.unheard} more joins measured only" if self.unheard else ""
        if len(self.verdicts) == 1:
            return f"heard again at the join: {self.verdicts[0].text}{repaired}{measured}"
        clean = len(self.verdicts) - len(self.bad)
        text = f"heard again at {len(self.verdicts)} joins: {clean} clean{repaired}"
        for verdict in self.bad:
            text += f"; at {verdict.at:.2f} s {verdict.text}"
        return text + measured

    def _levels_text(self) -> str:
        if self.levels is None:
            return ""
        floor, speech, loudness = (
            self.levels.noise_floor_dbfs,
            self.levels.speech_dbfs,
            self.levels.loudness_lufs,
        )
        parts = []
        if abs(floor[1] - floor[0]) >= 1:
            parts.append(f"noise floor {floor[0]:.0f} -> {floor[1]:.0f} dBFS")
        if abs(speech[1] - speech[0]) < 1:
            parts.append("speech level unchanged")
        else:
            parts.append(f"speech level {speech[0]:.0f} -> {speech[1]:.0f} dBFS")
            parts.append(f"loudness {loudness[0]:.1f} -> {loudness[1]:.1f} LUFS")
        return ", ".join(parts)


def _pair(numbers: Any) -> tuple[float, float]:
    before, after = numbers
    return before + 0.0, after + 0.0


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"

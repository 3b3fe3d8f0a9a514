"""What a planner tells while it works: one value per thing that happens, each with its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qwen_audio_agent.agent.outcome import Step


@dataclass(frozen=True, slots=True)
class AudioTurn:
    """An audio that the model hears now; `duration` in seconds, `sample_rate` in Hz."""

    audio: int
    name: str
    duration: float
    sample_rate: int
    num_channels: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "type": "audio",
            "audio": self.audio,
            "name": self.name,
            "duration": round(self.duration, 3),
            "sample_rate": self.sample_rate,
            "num_channels": self.num_channels,
        }


@dataclass(frozen=True, slots=True)
class Said:
    """A turn in words: the person's instruction, or what the model says beside a tool call."""

    speaker: Literal["you", "agent"]
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"type": "turn", "speaker": self.speaker, "text": self.text}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool."""

    tool: str
    arguments: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"type": "tool_call", "tool": self.tool, "arguments": dict(self.arguments)}


@dataclass(frozen=True, slots=True)
class Edited:
    """The tool answered; `step` has its text and places, and no verdicts yet."""

    step: Step

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"type": "edit"} | self.step.to_json()


@dataclass(frozen=True, slots=True)
class Heard:
    """The new audio was listened to and is kept; `step` is complete."""

    step: Step

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"type": "verdict"} | self.step.to_json()


@dataclass(frozen=True, slots=True)
class Refused:
    """A tool call that could not be done; the model hears why and may try again."""

    tool: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"type": "error", "tool": self.tool, "text": self.text}


@dataclass(frozen=True, slots=True)
class Answer:
    """The model is done."""

    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"type": "answer", "text": self.text}


@dataclass(frozen=True, slots=True)
class Stopped:
    """The loop ends without an answer; the error that says why follows."""

    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"type": "stopped", "reason": self.reason}


Event = AudioTurn | Said | ToolCall | Edited | Heard | Refused | Answer | Stopped

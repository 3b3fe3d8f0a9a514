"""Where an edit works: a stretch of an audio, and how far its edges may still move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from qwen_audio_agent.audio.samples import Span


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of an audio that words or times were resolved to.

    Attributes:
        audio: number of the audio it lies in.
        span: frames of that audio; of length 0 for a point.
        sample_rate: of that audio, in Hz.
        words: what was looked for there, as heard; None for times and for the whole.
        slack: how many frames the start, and the end, may still be moved when the result does not
            sound right: as far as the edges of the words are uncertain; 0 for typed times.
    """

    audio: int
    span: Span
    sample_rate: int
    words: str | None = None
    slack: tuple[int, int] = (0, 0)

    @property
    def start(self) -> float:
        """Seconds."""
        return self.span.start / self.sample_rate

    @property
    def end(self) -> float:
        """Seconds."""
        return self.span.end / self.sample_rate

    @property
    def is_point(self) -> bool:
        return self.span.num_frames == 0

    def moved(self, edge: Literal["start", "end"], frames: int, num_frames: int) -> Place:
        """With one edge later, or earlier when `frames` is negative; a point moves as a whole.

        An edge moves no further than its slack, which it uses up. The place stays inside its
        audio, which has `num_frames`, and no stretch shrinks to nothing.
        """
        start, end = self.span.start, self.span.end
        at_start = edge == "start"
        left = self.slack[0 if at_start else 1]
        frames = max(-left, min(frames, left))
        if self.is_point:
            start = end = min(max(0, start + frames), num_frames)
        elif at_start:
            start = min(max(0, start + frames), end - 1)
        else:
            end = min(max(end + frames, start + 1), num_frames)
        left -= abs(frames)
        slack = (left, self.slack[1]) if at_start else (self.slack[0], left)
        return replace(self, span=Span(start, end), slack=slack)

    def rolled(self, edge: Literal["start", "end"], frames: int) -> Place:
        """With one edge where its join was rolled to."""
        start, end = self.span.start, self.span.end
        start, end = (start + frames, end) if edge == "start" else (start, end + frames)
        return replace(self, span=Span(start, end))

    def to_json(self) -> dict[str, Any]:
        """Plain data: times for people, frames for exactness."""
        return {
            "audio": self.audio,
            "words": self.words,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "frames": [self.span.start, self.span.end],
            "sample_rate": self.sample_rate,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The place of a journal's line.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        start, end = data["frames"]
        numbers = (data["audio"], start, end, data["sample_rate"])
        if any(type(number) is not int for number in numbers) or data["sample_rate"] < 1:
            raise ValueError(f"a place is of whole numbers, not {repr(numbers)[:40]}")
        if not isinstance(data["words"], str | None):
            raise TypeError(f"words of a place cannot be {repr(data['words'])[:40]}")
        return cls(data["audio"], Span(start, end), data["sample_rate"], data["words"])

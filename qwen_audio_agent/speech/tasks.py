"""What an ear is asked to do with one stretch, and its answer as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.speech.ears import Ear
from qwen_audio_agent.speech.words import Transcript


@dataclass(frozen=True, slots=True)
class Task:
    """Listen to a stretch, or search a phrase in it.

    Attributes:
        span: the stretch, in frames of the recording.
        phrase: what to search; None to write down everything.
        heard: what is known to be said in the stretch, with times from its start.
    """

    span: Span
    phrase: str | None = None
    heard: Transcript | None = None

    def do(self, ear: Ear, audio: Audio) -> Any:
        """The transcript or the matches as plain data, so that it can be kept or sent.

        Args:
            ear: who listens.
            audio: the sound of the stretch.

        Raises:
            HearingError: the ear cannot listen.
        """
        if self.phrase is None:
            return ear.listen(audio).to_json()
        return [match.to_json() for match in ear.find(audio, self.phrase, self.heard)]

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` takes it back."""
        heard = self.heard and self.heard.to_json()
        return {"span": asdict(self.span), "phrase": self.phrase, "heard": heard}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Task:
        """Read what `to_json` wrote."""
        heard = data["heard"]
        return cls(
            Span(**data["span"]),
            data["phrase"],
            None if heard is None else Transcript.from_json(heard),
        )


def do_together(tasks: Sequence[Task], ear: Ear, audios: Sequence[Audio]) -> list[Any]:
    """The answers to tasks, as `Task.do`; stretches side by side for an ear that can.

    Args:
        tasks: at most the ear's `batch_size`.
        ear: who listens; with `listen_many` it takes several stretches at once.
        audios: the sound of each stretch.

    Raises:
        HearingError: the ear cannot listen.
    """
    together = getattr(ear, "listen_many", None)
    if together is None or any(task.phrase is not None for task in tasks):
        return [task.do(ear, audio) for task, audio in zip(tasks, audios, strict=True)]
    return [transcript.to_json() for transcript in together(audios)]

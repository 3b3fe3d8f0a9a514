"""Words with their times: what an ear hears, and what every edit by word refers to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

WordKind = Literal["word", "filler"]
GapKind = Literal["silence", "breath"]


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word.

    Attributes:
        text: as it would be written, without outer punctuation.
        start: seconds from the start of the audio.
        end: seconds, >= start.
        probability: how sure the ear is of the text, 0 to 1.
        kind: "filler" for um, uh, er, hmm; else "word".
        start_error: how far off `start` may be, in seconds, each way.
        end_error: the same of `end`.
    """

    text: str
    start: float
    end: float
    probability: float = 1.0
    kind: WordKind = "word"
    start_error: float = 0.03
    end_error: float = 0.03

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a word needs 0 <= start <= end, not {self.start}, {self.end}")

    def shift(self, seconds: float) -> Word:
        """The same word, `seconds` later (or earlier, when negative)."""
        return replace(self, start=self.start + seconds, end=self.end + seconds)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch between words, in seconds."""

    start: float
    end: float
    kind: GapKind = "silence"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in one audio, in order of time.

    Attributes:
        words: words and fillers, ordered, not overlapping.
        duration: length of the audio in seconds.
        language: BCP 47 tag.
        ear: name of the ear that heard it.
        gaps: silences and breaths between the words, ordered.
    """

    words: tuple[Word, ...]
    duration: float
    language: str = "en"
    ear: str = ""
    gaps: tuple[Gap, ...] = ()

    @property
    def text(self) -> str:
        """The words in one line, without fillers."""
        return " ".join(word.text for word in self.words if word.kind == "word")

    def between(self, start: float, end: float) -> tuple[Word, ...]:
        """The words whose middle lies in [start, end) seconds."""
        return tuple(w for w in self.words if start <= (w.start + w.end) / 2 < end)


@dataclass(frozen=True, slots=True)
class Match:
    """A place where a phrase was found.

    Attributes:
        text: the phrase as it was heard there.
        start: seconds, refined on the sound.
        end: seconds.
        probability: that the phrase is really there, 0 to 1.
        doubtful: too weak to edit by without asking; the nearest thing to what was looked for.
        start_error: how far off `start` may be, in seconds, each way.
        end_error: the same of `end`.
    """

    text: str
    start: float
    end: float
    probability: float
    doubtful: bool = False
    start_error: float = 0.03
    end_error: float = 0.03

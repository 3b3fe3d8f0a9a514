"""Words with their times: what an ear hears, and what every edit by word refers to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal, get_args

from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.text_search import Passage, find_text

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
        estimated: the ear gave no time for it, or an impossible one, and where it is was worked out
            from its neighbours; `start_error` and `end_error` say how far off that may be.
    """

    text: str
    start: float
    end: float
    probability: float = 1.0
    kind: WordKind = "word"
    start_error: float = 0.03
    end_error: float = 0.03
    estimated: bool = False

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
        reliable: whether most words are what was said, as far as that is known of the ear; False
            where many are guesses.
    """

    words: tuple[Word, ...]
    duration: float
    language: str = "en"
    ear: str = ""
    gaps: tuple[Gap, ...] = ()
    reliable: bool | None = None

    @property
    def text(self) -> str:
        """The words in one line, without fillers."""
        return " ".join(word.text for word in self.words if word.kind == "word")

    def between(self, start: float, end: float) -> tuple[Word, ...]:
        """The words whose middle lies in [start, end) seconds."""
        return tuple(w for w in self.words if start <= (w.start + w.end) / 2 < end)

    def find(self, phrase: str, min_score: float = 0.8) -> tuple[Passage, ...]:
        """Find all places where the words read like `phrase`; `words[p.start : p.end]` are theirs.

        Fillers are passed over unless the phrase names them. This searches what was written down;
        to search the sound itself, which an ear may have misheard, see `speech.hearing`.

        Args:
            phrase: as a person would write it, such as "Mr. Smith's 21st".
            min_score: 0 to 1, how alike the letters must be; 1.0 is equal.

        Returns:
            Passages that do not overlap, best first, then in order of time.
        """
        named = set(normalise(phrase))
        texts = [
            word.text if word.kind == "word" or named.issuperset(normalise(word.text)) else ""
            for word in self.words
        ]
        return find_text(texts, phrase, min_score)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data, `estimated` only where true and `reliable` where it is known;
        `from_json` takes it back.
        """
        data = asdict(self)
        if self.reliable is None:
            del data["reliable"]
        for word in data["words"]:
            if not word["estimated"]:
                del word["estimated"]
        return data

    @classmethod
    def from_json(cls, data: object) -> Transcript:
        """Read outside data; what is missing takes its default, what is unknown is ignored.

        Raises:
            ValueError: something is not what it should be; says where.
        """
        fields = _Fields(data, "a transcript")
        transcript = cls(
            words=tuple(_word(item) for item in fields.items("words", "word")),
            duration=fields.number("duration"),
            language=fields.text("language", "en"),
            ear=fields.text("ear", ""),
            gaps=tuple(_gap(item) for item in fields.items("gaps", "gap")),
            reliable=fields.flag("reliable") if fields.has("reliable") else None,
        )
        if any(later.start < word.start for word, later in pairwise(transcript.words)):
            raise ValueError("the words of a transcript are ordered by their start")
        return transcript


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

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data; `from_json` takes it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> Match:
        """Read outside data; what is missing takes its default, what is unknown is ignored.

        Raises:
            ValueError: something is not what it should be; says where.
        """
        fields = _Fields(data, "a match")
        return cls(
            text=fields.text("text"),
            start=fields.number("start"),
            end=fields.number("end"),
            probability=fields.number("probability", highest=1.0),
            doubtful=fields.flag("doubtful"),
            start_error=fields.number("start_error", 0.03),
            end_error=fields.number("end_error", 0.03),
        )


def _word(fields: _Fields) -> Word:
    return Word(
        text=fields.text("text"),
        start=fields.number("start"),
        end=fields.number("end"),
        probability=fields.number("probability", 1.0, highest=1.0),
        kind="filler" if fields.choice("kind", get_args(WordKind)) == "filler" else "word",
        start_error=fields.number("start_error", 0.03),
        end_error=fields.number("end_error", 0.03),
        estimated=fields.flag("estimated"),
    )


def _gap(fields: _Fields) -> Gap:
    return Gap(
        start=fields.number("start"),
        end=fields.number("end"),
        kind="breath" if fields.choice("kind", get_args(GapKind)) == "breath" else "silence",
    )


class _Fields:
    """Named fields of outside data; every look either fits or raises a ValueError that says why."""

    def __init__(self, data: object, where: str) -> None:
        self._where = where
        self._data = data if isinstance(data, dict) else {}
        self._check(isinstance(data, dict), f"{where} is an object with named fields", data)

    @staticmethod
    def _check(fits: bool, rule: str, value: object) -> None:
        if not fits:
            raise ValueError(f"{rule}, not {value!r:.40}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._data.get(name, default)
        self._check(isinstance(value, str), f"'{name}' of {self._where} is text", value)
        return str(value)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, allowed[0])
        self._check(
            value in allowed, f"'{name}' of {self._where} is one of {', '.join(allowed)}", value
        )
        return value

    def number(self, name: str, default: float | None = None, highest: float = 1e9) -> float:
        value: Any = self._data.get(name, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        rule = f"'{name}' of {self._where} is a number from 0 to {highest:g}"
        self._check(is_number and 0 <= value <= highest, rule, value)
        return float(value)

    def has(self, name: str) -> bool:
        return self._data.get(name) is not None

    def flag(self, name: str) -> bool:
        value = self._data.get(name, False)
        self._check(isinstance(value, bool), f"'{name}' of {self._where} is true or false", value)
        return bool(value)

    def items(self, name: str, each: str) -> list[_Fields]:
        value = self._data.get(name, [])
        self._check(isinstance(value, list | tuple), f"'{name}' of {self._where} is a list", value)
        return [_Fields(item, f"{each} {i}") for i, item in enumerate(value)]

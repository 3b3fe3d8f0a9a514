"""What an ear makes of recordings with truth, in figures that can be added up."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import truth

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.ears import Ear
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.pronunciation import FILLERS
from qwen_audio_agent.speech.scoring import alignment
from qwen_audio_agent.speech.words import Match, Word

Pair = tuple[Sequence[Word], Sequence[Word]]
LONGEST_ALIGNED_S = 60.0
LONG_WORD = 7
"""Letters from which a single word counts as a long one: about six phones."""


@dataclass
class Heard:
    """What was measured on some recordings.

    Attributes:
        texts: (said, heard) words without fillers, per recording.
        free: (labelled, heard) words of the recordings that have labels.
        known: (labelled, aligned) words, where the ear was told what is said.
        fillers: how many were said, heard, and heard where one was said.
        finds: asked, and found, per kind of phrase.
        seconds: of sound, and of listening to it.
    """

    texts: list[tuple[Sequence[str], Sequence[str]]] = field(default_factory=list)
    free: list[Pair] = field(default_factory=list)
    known: list[Pair] = field(default_factory=list)
    fillers: tuple[int, int, int] = (0, 0, 0)
    finds: dict[str, list[bool]] = field(default_factory=dict)
    seconds: tuple[float, float] = (0.0, 0.0)

    def add(self, other: Heard) -> None:
        """Take in what was measured on other recordings."""
        self.texts += other.texts
        self.free += other.free
        self.known += other.known
        self.fillers = tuple(map(sum, zip(self.fillers, other.fillers, strict=True)))  # type: ignore[assignment]
        self.seconds = tuple(map(sum, zip(self.seconds, other.seconds, strict=True)))  # type: ignore[assignment]
        for name, found in other.finds.items():
            self.finds.setdefault(name, []).extend(found)


def listen(ear: Ear, recording: truth.Recording, strangers: Sequence[Sequence[str]]) -> Heard:
    """Everything about one recording.

    Args:
        ear: who listens.
        recording: with its truth.
        strangers: texts of other recordings, for phrases that are not in this one.
    """
    file = probe(recording.path)
    listener = Listener(ear, None, num_workers=1)
    began = time.perf_counter()
    heard = listener.transcribe(file)
    seconds = (file.duration, time.perf_counter() - began)
    said = [word for word in recording.text if word not in FILLERS]
    result = Heard([(said, heard.text.split())], seconds=seconds)
    labelled = [word for word in recording.words if word.kind == "word"]
    if recording.words:
        result.free = [(labelled, [word for word in heard.words if word.kind == "word"])]
    result.fillers = _fillers(recording, heard.words)
    if recording.text and file.duration <= LONGEST_ALIGNED_S:
        try:
            aligned = listener.align(read(file), recording.text)
        except HearingError:
            return result
        if recording.words:
            result.known = [(recording.words, aligned)]
        where = recording.words or aligned
        for phrase, times in _phrases(recording, where, strangers):
            found = [match for match in listener.find(file, " ".join(phrase)) if not match.doubtful]
            result.finds.setdefault(_kind(phrase, is_there=bool(times)), []).append(
                any(_overlaps(found[0], time) for time in times) if found and times else bool(found)
            )
    return result


def _fillers(recording: truth.Recording, heard: Sequence[Word]) -> tuple[int, int, int]:
    """Fillers said, heard, and heard right: where there are labels, at the place of one."""
    found = [word for word in heard if word.kind == "filler"]
    labels = [word for word in recording.words if word.kind == "filler"]
    if recording.words:
        right = sum(any(_touch(word, label) for word in found) for label in labels)
        return len(labels), len(found), right
    said = sum(word in FILLERS for word in recording.text)
    return said, len(found), min(said, len(found))


def _touch(word: Word, label: Word) -> bool:
    return label.start < (word.start + word.end) / 2 < label.end


def _phrases(
    recording: truth.Recording, words: Sequence[Word], strangers: Sequence[Sequence[str]]
) -> Iterator[tuple[tuple[str, ...], list[tuple[float, float]]]]:
    """Phrases with the times at which they are said, or none for those that are not."""
    rng = random.Random(recording.id)  # noqa: S311 - no secret is drawn
    text = [word.text for word in words]
    seen = set()
    for number in range(24):
        size = rng.choice((1, 1, 2, 3))
        source = text if number % 2 or not strangers else rng.choice(strangers)
        first = rng.randrange(max(1, len(source) - size + 1))
        phrase = tuple(source[first : first + size])
        if phrase in seen or FILLERS & set(phrase):
            continue
        seen.add(phrase)
        at = [i for i in range(len(text)) if tuple(text[i : i + len(phrase)]) == phrase]
        yield phrase, [(words[i].start, words[i + len(phrase) - 1].end) for i in at]


def _kind(phrase: Sequence[str], *, is_there: bool) -> str:
    if len(phrase) > 1:
        name = f"{len(phrase)} words"
    else:
        name = "long word" if len(phrase[0]) >= LONG_WORD else "short word"
    return name if is_there else f"{name}, not there"


def _overlaps(match: Match, times: tuple[float, float]) -> bool:
    """Whether a match lies where the phrase is said, by more than half of both together."""
    common = min(match.end, times[1]) - max(match.start, times[0])
    return common > 0.5 * (max(match.end, times[1]) - min(match.start, times[0]))


def matched(pairs: Sequence[Pair]) -> list[tuple[Pair, int, int]]:
    """The words that were heard right: their utterance, and their index in label and hearing."""
    found = []
    for labelled, heard in pairs:
        texts = [word.text for word in labelled], [word.text for word in heard]
        found += [((labelled, heard), i, j) for i, j in alignment(*texts)[1]]
    return found

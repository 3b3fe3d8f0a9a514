"""Fillers, repeats and false starts among the words of a transcript.

    we | we went | um | home          we: repeat, um: filler
    I th- | I thought                 I th-: false start

What goes is always the first of two, so that the one that the sentence goes on from stays whole.
The terms are those of E. Shriberg, "Preliminaries to a theory of speech disfluencies", 1994: what
goes is the reparandum, a filler between is the interregnum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from qwen_audio_agent.speech.lists import word_list
from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.words import Transcript, Word

DisfluencyKind = Literal["filler", "phrase", "repeat", "false start"]

_LONGEST_REPEAT: Final = 4  # words; a longer one is said on purpose, or is a second take
_LONGEST_GAP: Final = 1.2  # seconds between the two
_LONGEST_CUT_OFF: Final = 3  # words that a false start may begin with before the broken one
# Languages in which these sounds are no words; elsewhere ("um" in German) a filler may be one.
_FILLER_LANGUAGES: Final = ("en",)
# Said twice on purpose, to stress or by idiom, or because grammar doubles them ("that that").
_EMPHATIC: Final = word_list("emphatic")


@dataclass(frozen=True, slots=True)
class Disfluency:
    """Words of a transcript that a speaker did not mean to say.

    Attributes:
        kind: what it is; a phrase is a filler that somebody named.
        first: index of its first word.
        last: index of its last word.
        start: seconds at which what goes begins.
        end: seconds at which it ends: for a repeat and a false start where the second try begins.
        confidence: 0 to 1, as far as the transcript tells.
        reason: on what evidence, for a person.
    """

    kind: DisfluencyKind
    first: int
    last: int
    start: float
    end: float
    confidence: float
    reason: str


def find_disfluencies(
    transcript: Transcript, phrases: Sequence[str] = (), *, emphasis: bool = False
) -> tuple[Disfluency, ...]:
    """Find what a speaker did not mean to say.

    Args:
        transcript: the words with their times.
        phrases: further fillers, such as "you know"; every place where they are said.
        emphasis: whether "very very" and its like are repeats, too.

    Returns:
        In order of time; they do not overlap.
    """
    words = transcript.words
    found = [*_fillers(transcript), *_phrases(transcript, phrases), *_repeats(words, emphasis)]
    kept: list[Disfluency] = []
    for item in sorted(found, key=lambda d: (d.first, -d.last)):
        if not kept or item.first > kept[-1].last:
            kept.append(item)
    return tuple(kept)


def _fillers(transcript: Transcript) -> Iterator[Disfluency]:
    if transcript.language.split("-")[0].lower() not in _FILLER_LANGUAGES:
        return
    for i, word in enumerate(transcript.words):
        if word.kind == "filler":
            reason = f'heard as "{word.text}"'
            yield Disfluency("filler", i, i, word.start, word.end, word.probability, reason)


def _phrases(transcript: Transcript, phrases: Sequence[str]) -> Iterator[Disfluency]:
    words = transcript.words
    for phrase in phrases:
        for place in transcript.find(phrase, min_score=1.0):
            first, last = place.start, place.end - 1
            yield Disfluency(
                "phrase",
                first,
                last,
                words[first].start,
                words[last].end,
                min(word.probability for word in words[first : last + 1]),
                f'"{phrase}" is a filler by the recipe',
            )


def _repeats(words: Sequence[Word], emphasis: bool) -> Iterator[Disfluency]:
    """Words that are said again at once, fillers between them passed over."""
    spoken = [i for i, word in enumerate(words) if word.kind == "word"]
    texts = [" ".join(normalise(words[i].text)) for i in spoken]
    at = 0
    while at < len(spoken):
        found = _repeat_at(words, spoken, texts, at, emphasis)
        if found is None:
            at += 1
        else:
            yield found
            at += sum(1 for i in spoken[at:] if i <= found.last)


def _repeat_at(
    words: Sequence[Word], spoken: Sequence[int], texts: Sequence[str], at: int, emphasis: bool
) -> Disfluency | None:
    """The longest repeat, or else a false start, that begins at a spoken word."""
    for length in range(_LONGEST_REPEAT, 0, -1):
        middle, end = at + length, at + 2 * length
        if end > len(texts) or texts[at:middle] != texts[middle:end] or not all(texts[at:middle]):
            continue
        if not emphasis and all(text in _EMPHATIC for text in texts[at:middle]):
            continue
        return _given_up(words, spoken, (at, middle), "repeat", texts[at:middle])
    for length in range(_LONGEST_CUT_OFF + 1):
        broken, middle = at + length, at + length + 1
        end = middle + length
        if end >= len(texts) or texts[at:broken] != texts[middle:end]:
            continue
        if _is_cut_off(words[spoken[broken]].text, texts[broken], texts[end]):
            return _given_up(words, spoken, (at, middle), "false start", texts[at:middle])
    return None


def _is_cut_off(written: str, text: str, whole: str) -> bool:
    """Whether a word is the beginning of another, and written as one that was broken off."""
    return (
        written.endswith(("-", "\u2013", "\u2014", "..."))
        and bool(text)
        and whole != text
        and (whole.startswith(text))
    )


def _given_up(
    words: Sequence[Word],
    spoken: Sequence[int],
    place: tuple[int, int],
    kind: Literal["repeat", "false start"],
    texts: Sequence[str],
) -> Disfluency | None:
    """What goes: from the first try to where the second begins; None if they lie too far apart."""
    at, middle = place
    first, last, again = spoken[at], spoken[middle - 1], spoken[middle]
    if words[again].start - words[last].end > _LONGEST_GAP:
        return None
    involved = [words[i] for i in spoken[at : middle + len(texts)]]
    said = " ".join(texts)
    reason = f'"{said}" is said again at {words[again].start:.2f} s'
    if kind == "false start":
        reason = f'"{said}-" is begun again at {words[again].start:.2f} s'
    return Disfluency(
        kind,
        first,
        last,
        words[first].start,
        words[again].start,
        min(word.probability for word in involved),
        reason,
    )

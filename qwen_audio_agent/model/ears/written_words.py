"""Words as a network writes them: from tokens, with punctuation, with the silence around them.

tokens    | mid|dle| classes|,| and|
words     | middle | classes, | and|          -> middle, classes, and
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.audio.resampling import EAR_RATE
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.speech.edges import refine_edges
from qwen_audio_agent.speech.pronunciation import FILLERS
from qwen_audio_agent.speech.words import Gap, Match, Transcript, Word

SHORTEST: Final = 0.02
"""Seconds; no word is shorter."""

_SHORTEST_GAP: Final = 0.05
_CLEAR_PAUSE: Final = 0.3  # seconds in which nobody speaks for certain
_SPOKEN_SIGNS: Final = frozenset("%&#@*'\u2019")  # punctuation that may belong to a word
_NEAR: Final = 0.6  # of the letters alike: worth showing as the nearest thing
_ALIKE: Final = 0.8
_SURE: Final = 0.3


@dataclass(frozen=True, slots=True)
class TokenWord:
    """A written word, made of the tokens [start, end)."""

    text: str
    start: int
    end: int


def token_words(
    decode: Callable[[list[int]], str], ids: Sequence[int], *, spaced: bool = True
) -> tuple[TokenWord, ...]:
    """Group tokens into written words; every token is in exactly one.

    Args:
        decode: gives the text of some tokens, with the space before it.
        ids: tokens of a text, none of them special.
        spaced: words are parted by spaces; else each token that is a whole letter is one.

    Source: openai/whisper, tokenizer.py, split_to_word_tokens.
    """
    words: list[TokenWord] = []
    start = 0
    for end in range(1, len(ids) + 1):
        text = decode(list(ids[start:end]))
        if text.endswith("\ufffd") and end < len(ids):
            continue  # the rest of the letter is in the next token
        is_start = text[:1].isspace() if spaced else any(c.isalnum() for c in text)
        if is_start or not words:
            words.append(TokenWord(text.strip(), start, end))
        else:
            last = words[-1]
            words[-1] = TokenWord((last.text + text).strip(), last.start, end)
        start = end
    return tuple(words)


def stripped(text: str) -> str:
    """Without the punctuation around it."""
    inside = [i for i, c in enumerate(text) if not _is_outer(c)]
    return text[inside[0] : inside[-1] + 1].rstrip("'\u2019") if inside else ""


def _is_outer(character: str) -> bool:
    return character.isspace() or (
        unicodedata.category(character).startswith("P") and character not in _SPOKEN_SIGNS
    )


def spoken(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words without punctuation, none where that is all there is, and fillers told apart."""
    bare = [replace(word, text=stripped(word.text)) for word in words]
    return tuple(
        replace(word, kind="filler" if word.text.lower() in FILLERS else "word")
        for word in bare
        if any(c.isalnum() for c in word.text)
    )


def outside_pauses(words: Sequence[Word], samples: NDArray[np.float32]) -> tuple[Word, ...]:
    """Each word cut down to its longest part in which somebody speaks.

    given     | end         (pause)          | of |
    result    | end |                        | of |

    Args:
        words: in order of time.
        samples: float32 (frames,) of 16 kHz.
    """
    activity = find_activity(Audio(samples[np.newaxis], EAR_RATE))
    pauses = [pause.seconds(EAR_RATE) for pause in activity.pauses]
    clear = [(start, end) for start, end in pauses if end - start >= _CLEAR_PAUSE]
    edges = [0.0, *(edge for pause in clear for edge in pause), len(samples) / EAR_RATE]
    speech = list(zip(edges[::2], edges[1::2], strict=True))

    def cut(word: Word) -> Word:
        parts = [(max(word.start, start), min(word.end, end)) for start, end in speech]
        start, end = max(parts, key=lambda part: part[1] - part[0])
        return replace(word, start=start, end=end) if end - start >= SHORTEST else word

    return tuple(cut(word) for word in words)


def refined(
    words: Sequence[Word],
    probabilities: Sequence[float],
    samples: NDArray[np.float32],
    duration: float,
) -> tuple[Word, ...]:
    """The words with their probabilities, edges moved to where a cut is heard least.

    Args:
        words: in order of time, not overlapping.
        probabilities: of each word.
        samples: float32 (frames,) of 16 kHz.
        duration: of the audio, in seconds.
    """
    edges = refine_edges(samples, EAR_RATE, [e for word in words for e in (word.start, word.end)])
    return tuple(
        replace(
            word,
            start=min(start, duration),
            end=min(end, duration),
            probability=min(max(float(probability), 0.0), 1.0),
        )
        for word, start, end, probability in zip(
            words, edges[::2], edges[1::2], probabilities, strict=True
        )
    )


def gaps_between(words: Sequence[Word], duration: float) -> tuple[Gap, ...]:
    """What lies between the words, and before and after them."""
    edges = [0.0, *(edge for word in words for edge in (word.start, word.end)), duration]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Gap(start, end) for start, end in pairs if end - start >= _SHORTEST_GAP)


def find(heard: Transcript, phrase: str) -> tuple[Match, ...]:
    """All places that read like `phrase`, best first; if there is none, the nearest, doubtful."""
    matches = []
    for passage in heard.find(phrase, _NEAR):
        words = heard.words[passage.start : passage.end]
        named = [word for word in words if word.kind == "word"] or words
        sure = float(np.mean([word.probability for word in named]))
        probability = passage.score * sure
        matches.append(
            Match(
                " ".join(word.text for word in words),
                words[0].start,
                words[-1].end,
                probability,
                doubtful=passage.score < _ALIKE or probability < _SURE,
                start_error=words[0].start_error,
                end_error=words[-1].end_error,
            )
        )
    matches.sort(key=lambda match: (match.doubtful, -match.probability, match.start))
    certain = tuple(match for match in matches if not match.doubtful)
    return certain or tuple(matches[:1])

"""Times that a network writes as `<|t|>`: kept in order while it writes, and read.

    the<|0.21|>middle<|0.60|><|sil|><|0.75|>classes<|1.30|>          a transcript
    it starts at <|2.33|> seconds and ends at <|3.26|> seconds        an answer

What is read is taken as it stands, or refused; `model.time_repair` makes sense of times that cannot
be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from transformers import LogitsProcessor

from qwen_audio_agent.speech.srwt import SILENCE

_TAG: Final = re.compile(r"(<\|[^|<>]*\|>)")
_TIME: Final = re.compile(r"<\|(\d{1,2}\.\d{1,2})\|>")
_HEADER: Final = re.compile(r"\s*(?:<\|(?!sil\|)[a-z_]+\|>)*")  # of a transcript: task, language
_WITHIN: Final = r"(?:(?!\bstart|\bbegin)[^<>])*?"  # what says where one thing is
_MENTION: Final = re.compile(
    rf"\b(?:starts?|starting|begins?|beginning|from|between)\b{_WITHIN}{_TIME.pattern}"
    rf"(?:{_WITHIN}(?:\b(?:and|to|until|ends?)\b|[-\u2013]){_WITHIN}{_TIME.pattern})?",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"[\"\u201c\u201d]([^\"\u201c\u201d]+)[\"\u201c\u201d]")


@dataclass(frozen=True, slots=True)
class TimedText:
    """A word, or words, with the times that a model gave.

    Attributes:
        text: what is said; empty where an answer does not quote it.
        start: seconds; None if it was not given. Nothing is promised about it.
        end: the same of the end.
    """

    text: str
    start: float | None
    end: float | None


def parse_transcript(text: str, start: float = 0.0) -> tuple[TimedText, ...]:
    """Read words and shared times that take turns, as Qwen-Audio writes them; silences are dropped.

    Args:
        text: the answer, with or without its prompt, without an end-of-text token.
        start: the time that the prompt ended in, which is the start of what comes first.

    Returns:
        One for each word; of several between two times the inner times are missing, and so is the
        end of a last word that no time follows.

    Raises:
        ValueError: a tag that has no place there, or text without any time.

    Source: Qwen-Audio, eval_audio/evaluate_srwt.py, for the form.
    """
    pieces = _TAG.split(_HEADER.sub("", text, count=1))
    words: list[TimedText] = []
    since: float = start
    waiting: list[str] = []
    for piece in pieces:
        if time := _TIME.fullmatch(piece):
            words += _spread(waiting, since, float(time[1]))
            since, waiting = float(time[1]), []
        elif _TAG.fullmatch(piece) and piece != SILENCE:
            raise ValueError(f"{piece!r:.40} is no word and no time in {text!r:.60}")
        elif piece != SILENCE:
            waiting += piece.split()
    if waiting and not _TIME.search(text):
        raise ValueError(f"no time such as <|0.00|> in {text!r:.60}")
    return (*words, *_spread(waiting, since, None))


def _spread(words: Sequence[str], start: float, end: float | None) -> list[TimedText]:
    last = len(words) - 1
    return [
        TimedText(word, start if i == 0 else None, end if i == last else None)
        for i, word in enumerate(words)
    ]


def parse_answer(text: str) -> tuple[TimedText, ...]:
    """Read where something is, out of a sentence of a chat model.

    Args:
        text: such as 'The word "classes" starts at <|2.33|> seconds and ends at <|3.26|> seconds.'

    Returns:
        One for each place, in the order in which they are named; the text is what is quoted before
        it. The end may be missing.

    Raises:
        ValueError: a tag that is no time, or a time of which the sentence does not say what it is.
    """
    mentions = list(_MENTION.finditer(text))
    if strange := next((t for t in _TAG.findall(text) if not _TIME.fullmatch(t)), None):
        raise ValueError(f"{strange!r:.40} is no time in {text!r:.60}")
    if len(_TIME.findall(text)) != sum(1 + (m[2] is not None) for m in mentions):
        raise ValueError(f"a time that is neither a start nor an end in {text!r:.120}")
    places = []
    before = 0
    for mention in mentions:
        quotes = _QUOTED.findall(text, before, mention.start())
        before = mention.end()
        end = None if mention[2] is None else float(mention[2])
        places.append(TimedText(quotes[-1] if quotes else "", float(mention[1]), end))
    return tuple(places)


@dataclass(frozen=True, slots=True)
class TimeTokens:
    """Which ids of a vocabulary are times; those of Qwen-Audio by default.

    Attributes:
        first: id of `<|0.00|>`.
        num: how many there are, one after the other.
        step: seconds from each to the next.

    Source: Qwen-Audio, tokenization_qwen.py: `<|0.00|>` to `<|30.00|>`.
    """

    first: int = 151_871
    num: int = 3001
    step: float = 0.01

    def id_of(self, seconds: float) -> int:
        """The id of the nearest time."""
        return self.first + min(max(0, round(seconds / self.step)), self.num - 1)


class RisingTimes(LogitsProcessor):
    """Times never run backwards while a model writes, nor beyond the end of the clip.

    It remembers nothing: what each row may write is decided by the last time in the row. Hand it to
    `generate` of transformers, or call it on ids and scores.

    Args:
        durations: length of the clip of each row, in seconds; of beams and of several answers for a
            clip the rows follow each other.
        prompt_length: ids at the start of each row that do not count, as they may hold times of
            other audios.
        tokens: which ids are times.
    """

    def __init__(
        self,
        durations: Sequence[float],
        prompt_length: int = 0,
        tokens: TimeTokens | None = None,
    ) -> None:
        self._tokens = tokens or TimeTokens()
        self._prompt_length = prompt_length
        self._latest = torch.tensor([self._tokens.id_of(d) for d in durations])

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Forbid the times that cannot come next.

        Args:
            input_ids: int64 (B, T), what was written until now.
            scores: float (B, V), of what may come next.

        Returns:
            float (B, V), -inf for a time before the last one or after the end.
        """
        first, num = self._tokens.first, self._tokens.num
        ids = torch.arange(first, first + num, device=scores.device)  # (num,)
        written = input_ids[:, self._prompt_length :]
        is_time = (written >= first) & (written < first + num)
        # Each time written is at least as late as those before, so the last is the highest.
        earliest = torch.where(is_time, written, first)
        earliest = torch.nn.functional.pad(earliest, (1, 0), value=first).amax(1)  # (B,)
        rows = len(scores) // len(self._latest)
        latest = self._latest.to(scores.device).repeat_interleave(rows)  # (B,)
        forbidden = (ids < earliest[:, None]) | (ids > latest[:, None])
        allowed = scores.clone()
        allowed[:, first : first + num].masked_fill_(forbidden, -torch.inf)
        return allowed

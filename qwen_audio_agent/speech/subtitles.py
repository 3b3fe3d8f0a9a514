"""A transcript in the formats of other programs: subtitles, labels, Praat, JSON."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from qwen_audio_agent.speech.words import Transcript, Word

# Source: BBC Subtitle Guidelines 1.2 and Netflix Timed Text Style Guide, rounded.
MAX_LINE_LENGTH: Final = 42
MAX_LINES: Final = 2
SHORTEST: Final = 1.0
LONGEST: Final = 7.0
_PAUSE: Final = 0.7  # seconds after which a new caption starts
_LEAST: Final = 0.001  # Praat has no empty intervals
_WORD_JOINER: Final = "\u2060"  # invisible; keeps what looks like markup from being markup


@dataclass(frozen=True, slots=True)
class _Caption:
    """What is shown at once, in seconds; at most `MAX_LINES` lines, unless one word is longer."""

    start: float
    end: float
    lines: tuple[str, ...]


def to_text(transcript: Transcript) -> str:
    """The words in one line, without fillers."""
    return _clean(transcript.text) + "\n"


def to_json(transcript: Transcript, audio: str) -> dict[str, Any]:
    """Plain data: {"audio", "duration", "language", "words": [{"text", "start", "end", ...}]}.

    A word whose time is no more than an estimate has "estimated": true.

    Args:
        transcript: what was heard.
        audio: name of the recording, as it was given.
    """
    return {
        "audio": audio,
        "duration": round(transcript.duration, 6),
        "language": transcript.language,
        "words": [
            {
                "text": _clean(word.text),
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "kind": word.kind,
                "probability": round(word.probability, 3),
            }
            | ({"estimated": True} if word.estimated else {})
            for word in transcript.words
        ],
    }


def to_srt(transcript: Transcript) -> str:
    """SubRip subtitles. Source: the SubRip 1.50 text format, as players read it."""
    blocks = []
    for number, caption in enumerate(_captions(transcript), 1):
        text = re.sub(r"[<{]|--(?=>)", rf"\g<0>{_WORD_JOINER}", "\n".join(caption.lines))
        times = f"{clock(caption.start, ',')} --> {clock(caption.end, ',')}"
        blocks.append(f"{number}\n{times}\n{text}\n")
    return "\n".join(blocks)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT subtitles. Source: W3C WebVTT 1."""
    blocks = ["WEBVTT\n"]
    for caption in _captions(transcript):
        text = html.escape("\n".join(caption.lines), quote=False)
        blocks.append(f"{clock(caption.start, '.')} --> {clock(caption.end, '.')}\n{text}\n")
    return "\n".join(blocks)


def to_textgrid(transcript: Transcript) -> str:
    """A Praat TextGrid with a tier "words" that covers the recording; nothing said is empty.

    Source: Praat manual, "TextGrid file formats".
    """
    intervals = list(_intervals(transcript))
    end = intervals[-1][1] if intervals else transcript.duration
    body = "".join(
        f"        intervals [{number}]:\n"
        f"            xmin = {first!r}\n"
        f"            xmax = {last!r}\n"
        f'            text = "{text}"\n'
        for number, (first, last, text) in enumerate(intervals, 1)
    )
    return (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {end!r}\ntiers? <exists>\nsize = 1\nitem []:\n"
        '    item [1]:\n        class = "IntervalTier"\n        name = "words"\n'
        f"        xmin = 0\n        xmax = {end!r}\n        intervals: size = {len(intervals)}\n"
        f"{body}"
    )


def to_audacity(transcript: Transcript) -> str:
    """Labels for Audacity: start, end and text, parted by tabs.

    Source: Audacity manual, "Importing and Exporting Labels".
    """
    return "".join(
        f"{word.start:.6f}\t{word.end:.6f}\t{_clean(word.text)}\n" for word in transcript.words
    )


def _intervals(transcript: Transcript) -> Iterator[tuple[float, float, str]]:
    """(start, end, text with doubled quotes) without a hole from 0 to the end."""
    now = 0.0
    for word in transcript.words:
        start = max(now, min(round(word.start, 6), transcript.duration - _LEAST))
        end = max(min(round(word.end, 6), transcript.duration), start + _LEAST)
        if start > now:
            yield now, start, ""
        yield start, end, _clean(word.text).replace('"', '""')
        now = end
    if transcript.duration > now:
        yield now, transcript.duration, ""


def _captions(transcript: Transcript) -> list[_Caption]:
    words = [word for word in transcript.words if word.kind == "word" and _clean(word.text)]
    groups = [group for phrase in _phrases(words) for group in _fitting(phrase)]
    next_starts = [*(group[0].start for group in groups), transcript.duration][1:]
    captions = []
    for group, next_start in zip(groups, next_starts, strict=True):
        start = group[0].start
        longer = min(max(group[-1].end, start + SHORTEST), max(next_start, group[-1].end))
        captions.append(_Caption(start, min(longer, start + LONGEST), tuple(_lines(group))))
    return captions


def _phrases(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """What is said between pauses; none starts sooner than `SHORTEST` after the one before."""
    first = 0
    for i, (word, following) in enumerate(pairwise(words), 1):
        long_enough = following.start - words[first].start >= SHORTEST
        if following.start - word.end >= _PAUSE and long_enough:
            yield words[first:i]
            first = i
    if words:
        yield words[first:]


def _fitting(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Part `words` until each part fits one caption: in the longest gaps, near the middle."""
    fits = words[-1].end - words[0].start <= LONGEST and len(_lines(words)) <= MAX_LINES
    if fits or len(words) == 1:
        yield words
        return

    def worth(i: int) -> float:
        gap = min(words[i].start - words[i - 1].end, _PAUSE)
        shorter = min(words[i].start - words[0].start, words[-1].end - words[i].start)
        return gap - 2 * abs(i / len(words) - 0.5) - (_PAUSE if shorter < SHORTEST else 0)

    middle = max(range(1, len(words)), key=worth)
    yield from _fitting(words[:middle])
    yield from _fitting(words[middle:])


def _lines(words: Sequence[Word]) -> list[str]:
    """The words in lines, those of two as alike in length as they can be."""
    text = " ".join(_clean(word.text) for word in words)
    lines = textwrap.wrap(text, MAX_LINE_LENGTH, break_on_hyphens=False)
    if len(lines) != MAX_LINES or " ".join(lines) != text:
        return lines
    spaces = [i for i, letter in enumerate(text) if letter == " "]
    split = min(spaces, key=lambda i: abs(2 * i + 1 - len(text)))
    return [text[:split], text[split + 1 :]]


def _clean(text: str) -> str:
    """One line without control characters, which could end a field or a caption."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def clock(seconds: float, point: str) -> str:
    """hh:mm:ss.mmm with the given decimal point."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"

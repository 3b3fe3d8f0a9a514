"""Lyrics whose lines begin with their times, "[01:23.45]words", as texts in tags have them.

Source: the LRC format, as players read it: [minutes:seconds.hundredths], one or more to a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from qwen_audio_agent.audio.tags.values import Chapter, TimedText, in_order, time_of

LRC: Final = "LRC"
"""Key of timed lyrics that come from such a text."""
_STAMP: Final = re.compile(r"\[(\d{1,4}):(\d{1,2}(?:[.:]\d{1,3})?)\]", re.ASCII)
_STAMPS: Final = re.compile(rf"((?:{_STAMP.pattern})+)(.*)", re.ASCII)
_HEADER: Final = re.compile(r"\[[a-z#]{1,10}:.*\]", re.ASCII)


def parse_lrc(
    text: str, sample_rate: int, num_frames: int, key: str = LRC
) -> tuple[TimedText, ...]:
    """The lines of a text with times; none if it is a text without.

    Args:
        text: of a tag.
        sample_rate: of the sound, in Hz.
        num_frames: of the sound.
        key: what the lines are to be called.
    """
    lines: list[Chapter] = []
    for line in text.splitlines():
        found = _STAMPS.fullmatch(line.strip())
        if found:
            for minutes, seconds in _STAMP.findall(found[1]):
                time = int(minutes) * 60 + Fraction(seconds.replace(":", "."))
                lines.append(Chapter(round(time * sample_rate), -1, found[4]))
        elif line.strip() and not _HEADER.fullmatch(line.strip()):
            return ()  # a poem in which a line happens to look like one with a time
    return tuple(
        TimedText(line.start, line.end, line.title, key) for line in in_order(lines, num_frames, [])
    )


def to_lrc(lines: Sequence[TimedText], sample_rate: int) -> str:
    """The text for lines with times."""
    result = []
    for line in lines:
        minutes, hundredths = divmod(time_of(line.start, 100, sample_rate), 6000)
        text = " ".join(line.text.split())
        result.append(f"[{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}]{text}")
    return "\n".join(result)


def lyrics_of(timed: Sequence[TimedText], unless: str) -> tuple[TimedText, ...]:
    """The lines of the first lyrics among timed texts whose key does not begin with `unless`."""
    lyrics = [line for line in timed if not line.key.startswith(unless)]
    return tuple(line for line in lyrics if line.key == lyrics[0].key)

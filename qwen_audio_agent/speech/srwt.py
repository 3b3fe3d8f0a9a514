"""Text with word times as Qwen-Audio writes it (speech recognition with word-level timestamps).

        <|0.00|>the<|0.21|>middle<|0.60|><|sil|><|0.75|>classes<|1.30|>

Words and times take turns, and the end of a word is the start of the next; silence is a word.

Source: Qwen-Audio, eval_audio/evaluate_srwt.py.
"""

from __future__ import annotations

import re
from itertools import pairwise

from qwen_audio_agent.speech.words import Word

SILENCE = "<|sil|>"
_TIME = re.compile(r"<\|(\d{1,2}\.\d+)\|>")
_TASK = ("<|startoftranscript|>", "<|transcribe|>")
_LANGUAGES = ("<|en|>", "<|zh|>")
_SPECIAL = re.compile(r"<\|[^|]*\|>")


def parse(text: str) -> tuple[Word, ...]:
    """The words of a text, silences among them; what stands before its first time is dropped.

    Raises:
        ValueError: the text has no time, or one that runs backwards.
    """
    for tag in _TASK:
        text = text.replace(tag, "")
    # Only one language is named in a text: the other would be a word.
    text = text.replace(next((tag for tag in _LANGUAGES if tag in text), ""), "")
    times = list(_TIME.finditer(text))
    if not times:
        raise ValueError(f"no time such as <|0.00|> in {text[:60]!r}")
    return tuple(
        Word(text[left.end() : right.start()], float(left[1]), float(right[1]))
        for left, right in pairwise(times)
    )


def plain(text: str, language: str = "en") -> str:
    """A text without times and tags, as it is compared for word errors.

    Args:
        text: of words and `<|...|>`.
        language: "zh" drops all spaces.
    """
    text = re.sub(r" +", " ", _SPECIAL.sub(" ", text))
    text = re.sub(r" ([!,.?;:])", r"\1", text).lstrip(" ")
    return text.replace(" ", "") if language == "zh" else text


def tokens(text: str, language: str = "en") -> list[str]:
    """What word errors are counted in: lower-case words, or characters for "zh"."""
    cleaned = plain(text, language).lower()
    return list(cleaned) if language == "zh" else cleaned.split()

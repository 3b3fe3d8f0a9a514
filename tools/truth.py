"""Recordings with truth: a folder of sound files and its `truth.json`.

The list in it has, for each recording, `id`, `file`, `kind` and `transcript`, and where somebody
labelled them `words` (text, start, end in seconds) and `labels` ("hand" or "automatic").
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qwen_audio_agent.speech.pronunciation import FILLERS
from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.words import Word

# Sounds that are no words: <vocnoise>, <cutoff-montreal>, [adif].
_NO_WORD = re.compile(r"<[^>]*>|\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and what is said in it.

    Attributes:
        id: short name.
        path: of the sound file.
        kind: of speech, such as "read".
        text: what is said, in words as `normalise` writes them.
        words: the labelled words with their times; empty where nobody labelled them.
        labels: who did: "hand", "automatic" or "".
    """

    id: str
    path: Path
    kind: str
    text: tuple[str, ...]
    words: tuple[Word, ...]
    labels: str


def folders(given: Sequence[Path]) -> list[Path]:
    """The folders that were named, or that of the variable SPEECH_DATA."""
    if not given and "SPEECH_DATA" not in os.environ:
        sys.exit("name a folder with a truth.json, or set SPEECH_DATA")
    return list(given) or [Path(os.environ["SPEECH_DATA"])]


def read_folder(folder: Path) -> list[Recording]:
    """All recordings of a folder."""
    data = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    items = data if isinstance(data, list) else data["recordings"]
    return [
        Recording(
            id=item["id"],
            path=folder / item["file"],
            kind=item["kind"],
            text=tuple(normalise(_NO_WORD.sub(" ", item["transcript"]))),
            words=tuple(_word(word) for word in item.get("words") or ()),
            labels=item.get("labels") or "",
        )
        for item in items
    ]


def _word(data: dict[str, object]) -> Word:
    text = " ".join(normalise(str(data["text"])))
    start, end = float(str(data["start"])), float(str(data["end"]))
    return Word(text, start, end, kind="filler" if text in FILLERS else "word")

"""Transcripts in JSON, of whatever program: each list of things with times is re-timed.

{"segments": [{"start": 0.5, "end": 2.0, "text": "...", "words": [{"start": ...}]}]}   Whisper
{"segments": [{"startTime": 0.5, "endTime": 2.0, "body": "..."}]}               podcast hosts
{"words": [{"start": 0.5, "end": 0.9, "text": "..."}], "duration": 14.9}        `words --json`
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from qwen_audio_agent.editing.heard_runs import HeardRuns
from qwen_audio_agent.errors import EditError

_PAIRS: Final = (("start", "end"), ("startTime", "endTime"))
_SEGMENT_SHARE: Final = 0.25
_WORD_SHARE: Final = 0.5
_MAX_SECONDS: Final = 1e9


def retime_json(text: str, runs: HeardRuns) -> str:
    """A transcript with the times of a programme; see `retime_subtitles`.

    Times are seconds. Where words of a segment went, its text is put together from those left.

    Raises:
        EditError: it is no JSON, or nothing in it has times.
    """
    try:
        document = json.loads(text)
        found = [0]
        result = _retimed(document, runs, found)
    except (ValueError, RecursionError):
        raise EditError("this is no JSON with times that can be read") from None
    if not found[0]:
        raise EditError("nothing in this JSON has a start and an end in seconds")
    if isinstance(result, dict) and _number(result.get("duration")) is not None:
        result["duration"] = round(runs.duration, 6)
    return json.dumps(result, ensure_ascii=False, indent=2) + "\n"


def _retimed(value: Any, runs: HeardRuns, found: list[int], run: int | None = None) -> Any:
    """Any part of a document; `found` counts what has times."""
    if isinstance(value, dict):
        return {name: _retimed(item, runs, found, run) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    result: list[tuple[float, Any]] = []
    latest = 0.0
    for item in value:
        names = _names_of_times(item)
        if names is None:
            result.append((latest, _retimed(item, runs, found, run)))
            continue
        found[0] += 1
        start, end = (float(item[name]) for name in names)
        least = _SEGMENT_SHARE if _is_segment(item) else _WORD_SHARE
        for place in runs.places(start, end, least, run):
            moved = _retimed(item, runs, found, place.run)
            moved |= {names[0]: round(place.start, 3), names[1]: round(place.end, 3)}
            result.append((place.start, _with_text_of_words(item, moved)))
            latest = place.start
    result.sort(key=lambda pair: pair[0])
    return [item for _, item in result]


def _names_of_times(item: Any) -> tuple[str, str] | None:
    """What an item calls its start and its end, if it has both."""
    if isinstance(item, dict):
        for names in _PAIRS:
            if all(_number(item.get(name)) is not None for name in names):
                return names
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < _MAX_SECONDS else None


def _is_segment(item: dict[str, Any]) -> bool:
    """Whether an item is of several words."""
    texts = (item.get(name) for name in ("text", "body", "word"))
    return "words" in item or any(isinstance(text, str) and " " in text.strip() for text in texts)


def _with_text_of_words(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    before, after = old.get("words"), new.get("words")
    if not isinstance(before, list) or not isinstance(after, list) or len(after) == len(before):
        return new
    for name in ("text", "body"):
        if isinstance(old.get(name), str) and all(isinstance(word, dict) for word in after):
            words = [str(word.get("word", word.get("text", ""))).strip() for word in after]
            new[name] = " ".join(words)
    return new

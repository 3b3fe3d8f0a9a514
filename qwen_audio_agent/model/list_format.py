"""Queries that carry audio: texts that know which part of them is an audio, and replies.

The original puts `<audio>path</audio>` into plain text and later opens whatever stands between such
tags, whoever wrote them. Here a query is a string too, for printing and for old code, but what is
audio in it is known by structure; a tag in a plain string is only text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen_audio_agent.model.features import AudioClip
from qwen_audio_agent.model.special_tokens import AUDIO_END, AUDIO_START


@dataclass(frozen=True, slots=True)
class AudioPart:
    """An audio of a query.

    Attributes:
        source: a path, a URL, or the clip itself.
    """

    source: str | AudioClip

    @property
    def name(self) -> str:
        """What stands between the tags when the query is printed."""
        return self.source.path if isinstance(self.source, AudioClip) else self.source


Part = str | AudioPart


class Query(str):
    """What a person asks, as text, with the audio in it.

    Attributes:
        parts: the texts and audios that it is made of.
    """

    parts: tuple[Part, ...]

    __slots__ = ("parts",)

    def __new__(cls, *parts: Part) -> Query:
        """A query of texts and audios, in order."""
        shown = (p if isinstance(p, str) else f"{AUDIO_START}{p.name}{AUDIO_END}" for p in parts)
        query = super().__new__(cls, "".join(shown))
        query.parts = parts
        return query

    def __getnewargs__(self) -> tuple[Any, ...]:
        """For copies and pickles."""
        return self.parts


class Reply(str):
    """What the model answered, as text, with the tokens that it is made of.

    Attributes:
        token_ids: the very tokens, so that a later turn need not guess them from the text.
    """

    token_ids: tuple[int, ...]

    __slots__ = ("token_ids",)

    def __new__(cls, text: str, token_ids: Sequence[int]) -> Reply:
        """A reply."""
        reply = super().__new__(cls, text)
        reply.token_ids = tuple(token_ids)
        return reply

    def __getnewargs__(self) -> tuple[Any, ...]:
        """For copies and pickles."""
        return str(self), self.token_ids


def query_of(items: Sequence[Mapping[str, Any]]) -> Query:
    """A query from {"audio": path or clip} and {"text": ...}, in order; audios are numbered.

    Raises:
        TypeError: an audio is neither a path nor a clip.
        ValueError: an item is neither.
    """
    parts: list[Part] = []
    number = 0
    for item in items:
        if "audio" in item:
            number += 1
            source = item["audio"]
            if not isinstance(source, AudioClip):
                if not isinstance(source, str | Path):
                    kind = type(source).__name__
                    raise TypeError(f"an audio is a path or an AudioClip, not a {kind}")
                source = str(source)
            parts += [f"Audio {number}:", AudioPart(source), "\n"]
        elif "text" in item:
            parts.append(str(item["text"]))
        else:
            raise ValueError(f'an item needs "audio" or "text", not {sorted(item)}')
    return Query(*parts)

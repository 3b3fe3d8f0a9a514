"""Questions about the recording (grammar/asking.lark)."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import Duration, Find, Passage, Phrase, Side, Transcribe
from qwen_audio_agent.chat_models.reading.stretches import all_after, all_before


@v_args(inline=True)
class Asking(Transformer[Token, Any]):
    """What the rules of grammar/asking.lark mean."""

    def during(self, place: Passage | tuple[Side, Any] | None = None) -> Passage | None:
        """A stretch, or all before or after something."""
        if isinstance(place, tuple):
            side, edge = place
            return all_after(edge) if side == "after" else all_before(edge)
        return place

    def transcribe(self, passage: Passage | None = None) -> Transcribe:
        return Transcribe(passage)

    def find(self, phrase: Phrase) -> Find:
        return Find(phrase)

    def duration(self) -> Duration:
        return Duration()

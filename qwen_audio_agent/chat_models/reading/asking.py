"""Questions about the recording (grammar/asking.lark)."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import Duration, Find, Transcribe
from qwen_audio_agent.chat_models.named import Near, Passage, Phrase
from qwen_audio_agent.chat_models.reading.stretches import all_after, all_before
from qwen_audio_agent.errors import InstructionError


@v_args(inline=True)
class Asking(Transformer[Token, Any]):
    """What the rules of grammar/asking.lark mean."""

    def during(self, place: Passage | Near | None = None) -> Passage | None:
        """A stretch, or all before or after something."""
        match place:
            case Near("after", edge):
                return all_after(edge)
            case Near("before", edge):
                return all_before(edge)
            case Near():
                raise InstructionError("From when to when? Give both times, or name words.")
        return place

    def transcribe(self, passage: Passage | None = None) -> Transcribe:
        return Transcribe(passage)

    def find(self, phrase: Phrase) -> Find:
        return Find(phrase)

    def duration(self) -> Duration:
        return Duration()

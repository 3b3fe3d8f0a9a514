"""What is only named, for a later "it" (grammar/mentioning.lark)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import Mention, Passage, Phrase


@v_args(inline=True)
class Mentioning(Transformer[Token, Any]):
    """What the rules of grammar/mentioning.lark mean; what is told of a thing changes nothing."""

    def told(self, *_words: Token) -> None:
        return None

    def mention(self, *children: Any) -> Mention:
        thing = next(child for child in children if isinstance(child, Passage | Phrase))
        return Mention(thing if isinstance(thing, Passage) else Passage(thing))

    def mention_count(self, phrase: Phrase, *told: Any) -> Mention:
        times = next((number for number in told if isinstance(number, int)), phrase.times)
        return Mention(Passage(replace(phrase, times=times)))

    def mention_every(self, phrase: Phrase) -> Mention:
        return Mention(Passage(replace(phrase, which="every")))

    def how_often(self, number: float) -> int:
        return int(number)

    def twice(self) -> int:
        return 2

    def once(self) -> int:
        return 1

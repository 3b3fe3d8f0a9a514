"""What was said, which occurrence of it, and which audio (grammar/words.lark)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import (
    AudioName,
    AudioNumber,
    AudioRef,
    It,
    Pause,
    Phrase,
    Which,
)
from qwen_audio_agent.errors import InstructionError

_Edge = TypeVar("_Edge")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which occurrence, and how often the words are said if that is told ("both": 2)."""

    which: Which
    times: int | None = None

    def of(self, edge: _Edge) -> _Edge:
        """A phrase or "it" with this choice; anything else unchanged."""
        if isinstance(edge, Phrase | It):
            return replace(edge, which=self.which, times=self.times)
        return edge


@v_args(inline=True)
class Words(Transformer[Token, Any]):
    """What the rules of grammar/words.lark mean."""

    sentence: str

    def quoted(self, token: Token) -> Phrase:
        return Phrase(token.value.text)

    def free(self, *tokens: Token) -> Phrase:
        first, last = tokens[0].value, tokens[-1].value
        return Phrase(" ".join(self.sentence[first.start : last.end].split()), quoted=False)

    def phrase(self, *parts: Any) -> Phrase:
        """[which] phrase."""
        phrase: Phrase = parts[-1]
        for chosen in parts[:-1]:
            if isinstance(chosen, Chosen):
                phrase = chosen.of(phrase)
        return phrase

    def phrase_which(self, *parts: Any) -> Phrase:
        *_, phrase, chosen = parts
        return self.phrase(chosen, phrase)

    def phrase_plural(self, *parts: Any) -> Phrase:
        """ "All the "damn"s"; a plural alone means all of them too."""
        choice = parts[:-2]
        phrase: Phrase = parts[-2]
        chosen = next((part for part in choice if isinstance(part, Chosen)), Chosen("every"))
        if chosen.which != "every":
            raise InstructionError(
                f'I do not know whether you mean the {chosen.which} "{phrase.text}" or every one.'
            )
        return chosen.of(phrase)

    def first(self) -> Chosen:
        return Chosen("first")

    def second(self) -> Chosen:
        return Chosen("second")

    def third(self) -> Chosen:
        return Chosen("third")

    def fourth(self) -> Chosen:
        return Chosen("fourth")

    def fifth(self) -> Chosen:
        return Chosen("fifth")

    def last(self) -> Chosen:
        return Chosen("last")

    def every(self) -> Chosen:
        return Chosen("every")

    everywhere = every

    def both(self) -> Chosen:
        return Chosen("every", times=2)

    def all_of_them(self, number: float) -> Chosen:
        return Chosen("every", times=int(number))

    def which_one(self, chosen: Chosen) -> Chosen:
        return chosen

    def the_pause(self) -> Pause:
        return Pause()

    def which_pause(self, chosen: Chosen) -> Pause:
        return Pause(chosen.which)

    def longest_pause(self) -> Pause:
        return Pause("longest")

    def it(self) -> It:
        return It()

    def it_which(self, chosen: Chosen) -> It:
        return It(chosen.which, chosen.times)

    def it_both(self) -> It:
        return It("every", times=2)

    def it_every(self) -> It:
        return It("every")

    def file(self, token: Token) -> AudioName:
        return AudioName(token.value.text)

    def audio_number(self, number: float) -> AudioNumber:
        if number < 1 or number != int(number):
            raise InstructionError(f"Audios are numbered 1, 2, 3; there is no Audio {number:g}.")
        return AudioNumber(int(number))

    def second_audio(self) -> AudioNumber:
        return AudioNumber(2)

    def named_audio(self, *words: Token) -> AudioName:
        first, last = words[0].value, words[0].value
        return AudioName(self.sentence[first.start : last.end])

    def scope(self, audio: AudioRef | None = None) -> tuple[AudioRef | None]:
        return (audio,)

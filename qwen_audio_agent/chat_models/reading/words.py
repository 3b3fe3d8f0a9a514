"""What was said, which occurrence of it, and which audio (grammar/words.lark)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.named import (
    AudioEvery,
    AudioIt,
    AudioMade,
    AudioName,
    AudioNumber,
    AudioRef,
    It,
    Pause,
    Phrase,
    Several,
)
from qwen_audio_agent.chat_models.reading.choosing import Chosen
from qwen_audio_agent.errors import InstructionError


@dataclass(frozen=True, slots=True)
class OfAudio:
    """An audio that is told inside an action, with what is read of the action so far."""

    audio: AudioRef
    value: Any = None


@v_args(inline=True)
class Words(Transformer[Token, Any]):
    """What the rules of grammar/words.lark mean."""

    sentence: str

    def quoted(self, token: Token) -> Phrase:
        return Phrase(token.value.text)

    def free(self, *tokens: Token) -> Phrase:
        first, last = tokens[0].value, tokens[-1].value
        beside = self.sentence[: first.start], self.sentence[last.end :]
        text = " ".join(self.sentence[first.start : last.end].split())
        return Phrase(text, quoted=False, beside=beside)

    def phrase(self, *parts: Any) -> Phrase:
        """[which] phrase."""
        phrase: Phrase = parts[-1]
        for chosen in parts[:-1]:
            if isinstance(chosen, Chosen):
                phrase = chosen.of(phrase)
        return phrase

    def phrase_told(self, *parts: Any) -> Phrase:
        """ "The greeting "hello"": with a word of what it is."""
        return self.phrase(*(part for part in parts if isinstance(part, Chosen | Phrase)))

    def phrase_which(self, *parts: Any) -> Phrase:
        *_, phrase, chosen = parts
        return self.phrase(chosen, phrase)

    def phrase_plural(self, *parts: Any) -> Phrase:
        """ "All the "damn"s"; a plural alone means all of them too."""
        choice = parts[:-2]
        phrase: Phrase = parts[-2]
        chosen = next((part for part in choice if isinstance(part, Chosen)), Chosen("every"))
        if chosen.which != "every" and not isinstance(chosen.which, Several):
            raise InstructionError(
                f'I do not know whether you mean the {chosen.which} "{phrase.text}" or every one.'
            )
        return chosen.of(phrase)

    def the_pause(self) -> Pause:
        return Pause()

    def which_pause(self, chosen: Chosen) -> Pause:
        if isinstance(chosen.which, Several):
            raise InstructionError("Which pause? Name one of them, such as the second pause.")
        return Pause(chosen.which)

    def longest_pause(self) -> Pause:
        return Pause("longest")

    def it(self) -> It:
        return It()

    def it_which(self, chosen: Chosen) -> It:
        return It(chosen.which, chosen.times)

    def that_part(self) -> It:
        return It(part=True)

    def it_known(self, it: It) -> It:
        return it

    def it_both(self) -> It:
        return It("every", times=2)

    def it_others(self) -> It:
        return It(Several(others=True))

    def it_every(self) -> It:
        return It("every")

    def open_audio(self, audio: AudioName) -> AudioName:
        return audio

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

    def made_audio(self) -> AudioMade:
        return AudioMade()

    def whole_it(self) -> OfAudio:
        return OfAudio(AudioIt())

    def every_audio(self) -> OfAudio:
        return OfAudio(AudioEvery())

    def first_audio(self) -> AudioNumber:
        return AudioNumber(1)

    def other_audio(self, audio: AudioRef) -> OfAudio:
        return OfAudio(audio)

    def audio_told(self, *told: AudioRef | Token) -> tuple[AudioRef | None]:
        """ "Audio 2 is too loud": a scope for the order behind it."""
        return (next((audio for audio in told if not isinstance(audio, Token)), None),)

    def scope(self, audio: AudioRef | OfAudio | None = None) -> tuple[AudioRef | None]:
        return (audio.audio if isinstance(audio, OfAudio) else audio,)

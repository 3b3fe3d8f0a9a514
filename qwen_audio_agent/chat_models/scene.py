"""What a plan is made in: the audios of the conversation, and how they sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qwen_audio_agent.chat_models.conversation import Conversation
from qwen_audio_agent.chat_models.named import (
    ORDINALS,
    AudioEvery,
    AudioIt,
    AudioMade,
    AudioName,
    AudioNumber,
    AudioRef,
    Pause,
    Phrase,
)
from qwen_audio_agent.errors import InstructionError, QwenAudioAgentError
from qwen_audio_agent.speech.hearing import Hearable
from qwen_audio_agent.speech.text import quoted
from qwen_audio_agent.speech.words import Gap, Match

SHORTEST_PAUSE = 0.4
"""Seconds; a shorter silence is not what people call a pause."""
_BESIDE_ENDS = 0.1


@dataclass(frozen=True, slots=True)
class Scene:
    """The conversation with its sound.

    Attributes:
        talk: the conversation.
        hear: gives the audio of a number; may raise.
    """

    talk: Conversation
    hear: Callable[[int], Hearable]

    def as_it_was(self) -> Scene:
        """The scene when the instruction was given."""
        return replace(self, talk=replace(self.talk, current=self.talk.at_start, done=[]))

    def sound(self, number: int) -> Hearable | None:
        """An audio as it is heard; None when it cannot be listened to here."""
        try:
            return self.hear(number)
        except (QwenAudioAgentError, KeyError):
            return None

    def listened(self, number: int, what_for: str) -> Hearable:
        """An audio as it is heard.

        Raises:
            InstructionError: it cannot be listened to here.
        """
        try:
            return self.hear(number)
        except (QwenAudioAgentError, KeyError) as error:
            raise InstructionError(
                f"I cannot listen to Audio {number}, which I must for {what_for}: {error}"
            ) from error

    def duration(self, number: int) -> float | None:
        """Length of an audio in seconds, if it is known."""
        sound = self.sound(number)
        return self.talk.audios[number].seconds if sound is None else sound.duration

    def number(self, audio: AudioRef | None) -> int:
        """The number of an audio that the person named; without a name, the one at hand.

        An audio that was edited since the instruction was given stands for what became of it.

        Raises:
            InstructionError: there is no such audio, or several.
        """
        match audio:
            case None:
                if self.talk.at_start is None:
                    raise InstructionError(
                        "There is no recording in this conversation; give me one."
                    )
                return self._newest(self.talk.at_start)
            case AudioNumber(number):
                if number not in self.talk.audios:
                    raise InstructionError(
                        f"There is no Audio {number}; there is {self.audios_text}."
                    )
                return self._newest(number)
            case AudioEvery():
                raise InstructionError("I can do that to one audio at a time; say to which.")
            case AudioMade():
                start = self.talk.at_start
                if start is None or self.talk.audios[start].name is not None:
                    raise InstructionError("Nothing was edited yet; which audio do you mean?")
                if any(n > start and audio.name for n, audio in self.talk.audios.items()):
                    raise InstructionError(
                        "A file was opened after the edit; say which audio by its number."
                    )
                return self._newest(start)
            case AudioIt():
                raise InstructionError('Which audio is "it"? Name the file, or its number.')
            case AudioName(name):
                numbers = self.talk.named(name)
                if len(numbers) != 1:
                    problem = "is open more than once" if numbers else "is not open"
                    raise InstructionError(
                        f"{name} {problem}; there is {self.audios_text}. "
                        "Open the file, or name an audio by its number."
                    )
                return self._newest(numbers[0])

    def _newest(self, number: int) -> int:
        for done in self.talk.done:
            if done.made is not None and done.arguments.get("audio") == number:
                number = done.made
        return number

    @property
    def audios_text(self) -> str:
        """The audios of the conversation, for a person."""
        names = [
            f"Audio {audio.number}" + (f" ({audio.name})" if audio.name else "")
            for audio in self.talk.audios.values()
        ]
        return listed(names) if names else "none"

    def places(self, number: int, words: str) -> tuple[Match, ...] | None:
        """Where words are surely said, in order of time, apart; None if I cannot listen."""
        sound = self.sound(number)
        return None if sound is None else apart(sound.find(words))

    def missing(self, number: int, phrase: Phrase) -> str:
        """What to say of words that are not heard."""
        found = self.listened(number, "finding words").find(phrase.text)
        text = f'I do not hear "{phrase.text}" in Audio {number}.'
        if found:
            near = found[0]
            text += (
                f" The nearest is {quoted(near.text)}, "
                f"from <|{near.start:.2f}|> to <|{near.end:.2f}|>."
            )
        if not phrase.quoted:
            text += " Put words of the recording between quotation marks."
        return text

    def place(self, number: int, phrase: Phrase) -> Match:
        """The one place of a phrase.

        Raises:
            InstructionError: it is not there, or not the only one, or I cannot listen.
        """
        sound = self.listened(number, f'finding "{phrase.text}"')
        return pick(apart(sound.find(phrase.text)), phrase, number)

    def pause(self, number: int, pause: Pause) -> Gap:
        """The pause that a person names.

        Raises:
            InstructionError: there is none, or it is not clear which.
        """
        sound = self.listened(number, "finding a pause")
        transcript = sound.transcript()
        last = transcript.duration - _BESIDE_ENDS
        gaps = [
            gap
            for gap in transcript.gaps
            if gap.end - gap.start >= SHORTEST_PAUSE and gap.start > _BESIDE_ENDS and gap.end < last
        ]
        if not gaps:
            raise InstructionError(
                f"There is no pause of {SHORTEST_PAUSE:g} s or more in Audio {number}."
            )
        if pause.which == "longest":
            return max(gaps, key=lambda gap: gap.end - gap.start)
        if pause.which == "only" and len(gaps) == 1:
            return gaps[0]
        if pause.which == "last":
            return gaps[-1]
        if pause.which in ORDINALS and ORDINALS.index(pause.which) < len(gaps):
            return gaps[ORDINALS.index(pause.which)]
        times = listed([f"{gap.start:.2f}-{gap.end:.2f} s" for gap in gaps[:6]])
        raise InstructionError(
            f"Which pause? There are {len(gaps)} of {SHORTEST_PAUSE:g} s or more ({times}). "
            'Say for example "the second pause", "the longest pause", or give a time.'
        )


def apart(matches: Sequence[Match]) -> tuple[Match, ...]:
    """The sure ones of some matches in order of time; of those that overlap, the best."""
    kept: list[Match] = []
    for match in matches:
        if not match.doubtful and all(
            match.end <= other.start or match.start >= other.end for other in kept
        ):
            kept.append(match)
    return tuple(sorted(kept, key=lambda match: match.start))


def pick(matches: Sequence[Match], phrase: Phrase, number: int) -> Match:
    """The match that a phrase means, out of all its matches in order of time.

    Raises:
        InstructionError: there is none, or it is not clear which.
    """
    count = len(matches)
    if not count:
        raise InstructionError(f'I do not hear "{phrase.text}" in Audio {number}.')
    times = listed([f"{match.start:.2f}-{match.end:.2f} s" for match in matches[:6]])
    said = f'"{phrase.text}" is said {often(count)} in Audio {number} ({times})'
    if phrase.which == "last" or (phrase.which == "only" and count == 1):
        return matches[-1]
    if phrase.which in ORDINALS:
        if (index := ORDINALS.index(phrase.which)) < count:
            return matches[index]
        raise InstructionError(f"{said}; there is no {phrase.which} one.")
    raise InstructionError(f"{said}. Which one: the first, the second, the last, or every one?")


def often(count: int) -> str:
    """How often, in words: "once", "3 times"."""
    return "once" if count == 1 else f"{count} times"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a person lists them: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"

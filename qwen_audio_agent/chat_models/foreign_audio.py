"""Audio in messages for chat models that know no `file_id`: as base64, or as words in its place.

    {"type": "audio", "file_id": "audio-2"}
      ->  {"type": "audio", "base64": "UklGR...", "mime_type": "audio/wav"}   for models that hear
      ->  "Words heard, with seconds: welcome 0.31-0.74, back 0.74-1.02"      for those that do not

The messages that are given stay as they are: a conversation holds references, never sound.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import soundfile
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.content import create_audio_block

from qwen_audio_agent.audio.resampling import to_16k_mono
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.chat_models.conversation import AUDIO_BLOCKS
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.hearing import Audible, Hearable
from qwen_audio_agent.speech.text import on_one_line
from qwen_audio_agent.speech.words import Word

Block = Mapping[str, Any]
Stretch = tuple[float, float]

MAX_PLACES = 4
"""Stretches of one long audio that are told of, each around a place that was changed."""

_SHORTEST = 0.03
_EARLIER = "(an earlier audio, not told again)"
_NO_SOUND_HERE = "(an audio that cannot be told of here)"


def with_sound(
    messages: Sequence[BaseMessage],
    hear: Callable[[str], Hearable],
    *,
    num_audios: int = 2,
    max_seconds: float = 30.0,
) -> list[BaseMessage]:
    """The messages for a model that hears: the last audios as WAV of 16 kHz mono, in base64.

    Args:
        messages: a conversation; audio blocks may name their sound by a `file_id`.
        hear: gives the audio behind a `file_id`.
        num_audios: how many audios are sent, the last ones; in the place of others stands a text.
        max_seconds: the most that is sent of one audio. Of a longer one these are the seconds
            around what was changed, which its block says in `extras`, else those at its start; a
            text says what was not sent.

    Raises:
        UsageError: the sound of an audio cannot be had.
    """

    def tell(block: Block) -> list[Any]:
        if not block.get("file_id"):
            return [block]
        return list(_sounds(block, _audible(hear, block), max_seconds))

    return _rewritten(messages, num_audios, tell)


def with_words(
    messages: Sequence[BaseMessage],
    hear: Callable[[str], Hearable],
    *,
    num_audios: int = 3,
    max_seconds: float = 120.0,
    max_words: int = 300,
) -> list[BaseMessage]:
    """The messages for a model that knows only text: the words of the last audios, with times.

    What was heard again at the joins of an edit stands in the text before its audio anyway.

    Args:
        messages: as for `with_sound`.
        hear: as for `with_sound`; it is asked for words, not for sound.
        num_audios: how many audios are told of, the last ones.
        max_seconds: the most that is listened to of one audio, as for `with_sound`.
        max_words: the most words of one audio; a text says what was left out.
    """

    def tell(block: Block) -> list[Any]:
        if not block.get("file_id"):
            return [_text(_NO_SOUND_HERE)]
        audio = hear(str(block["file_id"]))
        stretches = told_stretches(audio.duration, changed_at(block), max_seconds)
        return [_text(_words_text(audio, stretches, max_words))]

    return [_as_string(message) for message in _rewritten(messages, num_audios, tell)]


def changed_at(block: Block) -> tuple[float, ...]:
    """Where an audio was changed, in seconds of it, as its block says; empty if it does not."""
    extras = block.get("extras")
    places = extras.get("changed") if isinstance(extras, Mapping) else None
    return tuple(float(at) for at in places or () if isinstance(at, int | float))


def told_stretches(
    duration: float, changed: Sequence[float], max_seconds: float
) -> tuple[Stretch, ...]:
    """What is told of an audio: at most `max_seconds` in all, shared among the changed places."""
    if duration <= max_seconds:
        return ((0.0, duration),)
    places = sorted(changed)[:MAX_PLACES] or [0.0]
    length = max_seconds / len(places)
    told: list[Stretch] = []
    for at in places:
        start = min(max(0.0, at - length / 2), duration - length)
        if told and start <= told[-1][1]:
            told[-1] = (told[-1][0], max(told[-1][1], start + length))
        else:
            told.append((start, start + length))
    return tuple(told)


def _rewritten(
    messages: Sequence[BaseMessage], num_audios: int, tell: Callable[[Block], list[Any]]
) -> list[BaseMessage]:
    """The messages with the last audios of people's turns told, and texts for all others."""
    left = num_audios
    changed: list[BaseMessage] = []
    for message in reversed(messages):
        if isinstance(message, AIMessage) or not any(map(_is_audio, message.content)):
            changed.append(message)
            continue
        blocks: list[Any] = []
        for block in reversed(message.content):
            if not _is_audio(block):
                blocks.append(block)
            elif left > 0 and isinstance(message, HumanMessage):
                left -= 1
                blocks += reversed(tell(cast(Block, block)))
            else:  # no provider takes sound in the result of a tool
                blocks.append(_text(_EARLIER))
        changed.append(message.model_copy(update={"content": blocks[::-1]}))
    return changed[::-1]


def _is_audio(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") in AUDIO_BLOCKS


def _audible(hear: Callable[[str], Hearable], block: Block) -> Audible:
    audio = hear(str(block["file_id"]))
    if not hasattr(audio, "stretch"):
        raise UsageError(f"the sound of {str(block['file_id'])[:40]!r} cannot be had")
    return cast(Audible, audio)


def _sounds(block: Block, audio: Audible, max_seconds: float) -> Iterator[Any]:
    if audio.duration < _SHORTEST:
        yield _text(f"(only {audio.duration:.3f} s long, nothing to hear)")
        return
    stretches = told_stretches(audio.duration, changed_at(block), max_seconds)
    is_whole = stretches == ((0.0, audio.duration),)
    for start, end in stretches:
        if not is_whole:
            yield _text(f"from {start:.2f} s to {end:.2f} s:")
        data = base64.b64encode(wav_bytes(audio.stretch(start, end))).decode("ascii")
        yield create_audio_block(base64=data, mime_type="audio/wav")
    if not is_whole:
        yield _text(_rest(audio.duration, stretches))


def wav_bytes(audio: Audio) -> bytes:
    """A WAV file of 16 bits, 16 kHz and one channel."""
    heard = to_16k_mono(audio)
    file = io.BytesIO()
    soundfile.write(file, heard.samples.T, heard.sample_rate, "PCM_16", format="WAV")
    return file.getvalue()


def _words_text(audio: Hearable, stretches: Sequence[Stretch], max_words: int) -> str:
    words = [word for start, end in stretches for word in _words_between(audio, start, end)]
    told = ", ".join(
        f"{on_one_line(word.text)} {word.start:.2f}-{word.end:.2f}" for word in words[:max_words]
    )
    parts = [f"Words heard, with seconds: {told}" if told else "No words are heard."]
    if len(words) > max_words:
        after = f" after {words[max_words - 1].end:.2f} s" if max_words else ""
        parts.append(f"(and {len(words) - max_words} more words{after})")
    if stretches != ((0.0, audio.duration),):
        parts.append(_rest(audio.duration, stretches))
    return " ".join(parts)


def _words_between(audio: Hearable, start: float, end: float) -> Sequence[Word]:
    """The words of a stretch; an audio of a session listens to no more than that."""
    if hasattr(audio, "words_between"):
        return cast(Sequence[Word], audio.words_between(start, end))
    return audio.transcript().between(start, end)


def _rest(duration: float, stretches: Sequence[Stretch]) -> str:
    told = " and ".join(f"{start:.2f}-{end:.2f} s" for start, end in stretches)
    return f"(told only of {told}, of {duration:.2f} s; look for words elsewhere with a tool)"


def _as_string(message: BaseMessage) -> BaseMessage:
    """A turn of texts as one: small servers take nothing else. No line of it can look like two."""
    if isinstance(message, AIMessage) or isinstance(message.content, str):
        return message
    texts = [b if isinstance(b, str) else b.get("text") for b in message.content]
    if not all(isinstance(text, str) for text in texts):
        return message
    return message.model_copy(update={"content": "\n".join(cast(list[str], texts))})


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}

"""What a model gets in the place of references to audios: their sound, or their words with times.

Both are made anew for each call and kept nowhere, so that the state of a graph stays small:

    state       Audio 2: 13.69 s ...  {"type": "audio", "file_id": "audio-2"}
    to a model  Audio 2: 13.69 s ...  {"type": "audio", "base64": ...}
    or          Audio 2: 13.69 s ...  welcome 0.31-0.62, back 0.62-1.10, ...
"""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from langchain_core.messages import AnyMessage, HumanMessage

from qwen_audio_agent.agent import conversation
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.resampling import to_16k_mono
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.speech.text import on_one_line

Block = dict[str, Any]

_AROUND = 5.0
"""Seconds that are brought on each side of a join, when not all of an audio is."""


def with_sound(
    messages: Sequence[AnyMessage], session: Session, *, num_audios: int, max_seconds: float
) -> list[AnyMessage]:
    """The messages for a model that hears: the newest audios as 16 kHz mono WAV.

    Args:
        messages: they keep their references.
        session: has the audios.
        num_audios: how many are sent; in the place of older ones stands a remark.
        max_seconds: the most that is sent of one audio; of a longer one it is where it was edited.
    """
    return _attached(messages, lambda number: _sound(session, number, max_seconds), num_audios)


def with_words(
    messages: Sequence[AnyMessage], session: Session, *, num_audios: int, max_seconds: float
) -> list[AnyMessage]:
    """The messages for a model that knows only text: the words of the newest audios, with times.

    Args: as for `with_sound`.
    """
    return _attached(messages, lambda number: _words(session, number, max_seconds), num_audios)


def _attached(
    messages: Sequence[AnyMessage], show: Callable[[int], Iterator[Block]], num_audios: int
) -> list[AnyMessage]:
    newest = set(sorted(conversation.told(messages))[-num_audios:] if num_audios else ())

    def shown(block: Any) -> list[Any]:
        is_audio = isinstance(block, dict) and block.get("type") == "audio"
        number = conversation.audio_number(str(block.get("file_id", ""))) if is_audio else None
        if number is None:
            return [block]
        if number in newest:
            return list(show(number))
        return [_text(f"(Audio {number} is not brought again; the tool listen tells its words.)")]

    return [
        message.model_copy(update={"content": [new for b in message.content for new in shown(b)]})
        if isinstance(message, HumanMessage) and isinstance(message.content, list)
        else message
        for message in messages
    ]


def _sound(session: Session, number: int, max_seconds: float) -> Iterator[Block]:
    audio = session.audio(number)
    for start, end in stretches(session, number, max_seconds):
        if (start, end) != (0.0, audio.duration):
            yield _text(f"Of Audio {number} you hear {_from_to(start, end)}:")
        data = base64.b64encode(wav_bytes(audio.stretch(start, end))).decode("ascii")
        yield {"type": "audio", "base64": data, "mime_type": "audio/wav"}


def _words(session: Session, number: int, max_seconds: float) -> Iterator[Block]:
    audio = session.audio(number)
    for start, end in stretches(session, number, max_seconds):
        words = audio.words_between(start, end)
        said = ", ".join(f"{on_one_line(w.text)} {w.start:.2f}-{w.end:.2f}" for w in words)
        part = "" if (start, end) == (0.0, audio.duration) else f" {_from_to(start, end)}"
        yield _text(f"Words of Audio {number}{part}, with seconds: {said or 'none are heard'}")


def stretches(session: Session, number: int, max_seconds: float) -> list[tuple[float, float]]:
    """What of an audio is brought, in seconds: all, or around its new joins, or its beginning."""
    length = session.audio(number).duration
    if length <= max_seconds:
        return [(0.0, length)]
    made = next((step for step in session.steps if step.audio == number), None)
    joins = sorted(verdict.at for verdict in made.verdicts) if made else []
    found: list[tuple[float, float]] = []
    for at in joins:
        start, end = max(0.0, at - _AROUND), min(length, at + _AROUND)
        beside = bool(found) and start <= found[-1][1]
        wider = [*found[:-1], (found[-1][0], end)] if beside else [*found, (start, end)]
        if sum(last - first for first, last in wider) > max_seconds:
            break
        found = wider
    return found or [(0.0, max_seconds)]


def wav_bytes(audio: Audio) -> bytes:
    """A sound as a WAV file of 16 kHz, mono, 16 bit."""
    heard = to_16k_mono(audio)
    numbers = np.round(np.clip(heard.samples[0], -1.0, 1.0) * 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(heard.sample_rate)
        written.writeframes(numbers.tobytes())
    return file.getvalue()


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _from_to(start: float, end: float) -> str:
    return f"from {start:.2f} s to {end:.2f} s"

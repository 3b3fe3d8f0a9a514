"""What a network hears of the audio in messages: clips as long as it takes, and what it was spared.

Audio 1: talk.wav, 70.00 s        | up to the limit ...                         | not heard
                                  | clip 0-28.1 s | clip 28.1-55.9 s | clip ... |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.chat_models.audio_blocks import BlockListener
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.model.features import AudioClip, clip_of
from qwen_audio_agent.model.list_format import AudioPart, Part
from qwen_audio_agent.speech.hearing import Audible, Hearable
from qwen_audio_agent.speech.stretches import cut_at_pauses

SHORTEST = 0.03
"""Seconds; nothing shorter is heard."""


class ClipReader:
    """Makes parts of a prompt from content blocks that bring sound.

    Args:
        hear: gives the audio behind a `file_id`; it must have its sound, as a session's have.
        folder: blocks may name files inside it; None: none.
        ear: for what else listens to the sound in blocks; networks do not use it.
        max_seconds: the most that is heard of one audio; of the rest the prompt says that it was
            not heard.
        max_clip_seconds: the longest clip that the network takes.

    Attributes:
        hear: as it was given.
    """

    def __init__(
        self,
        hear: Callable[[str], Hearable] | None,
        folder: Path | None,
        ear: str,
        max_seconds: float,
        max_clip_seconds: float,
    ) -> None:
        self.hear = hear
        self._blocks = BlockListener(folder, ear)
        self._max_seconds = max_seconds
        self._max_clip_seconds = max_clip_seconds

    def parts(self, block: Mapping[str, Any]) -> list[Part]:
        """The sound of a block, in clips; longer ones with the times that they begin at.

        Raises:
            AudioFileError: it holds no sound, or none that may be opened.
            UsageError: its sound cannot be had.
        """
        audio = self.audio(block)
        heard = min(audio.duration, self._max_seconds)
        if heard < SHORTEST:
            return [f"(only {audio.duration:.3f} s long, nothing to hear)\n"]
        sound = audio.stretch(0.0, heard)
        if heard <= self._max_clip_seconds:
            clip = clip_of(sound, longest_seconds=self._max_clip_seconds)
            return [AudioPart(_unnamed(clip)), "\n", *self._rest(audio, heard)]
        parts: list[Part] = ["in parts, times count from the start of each part:\n"]
        for span in cut_at_pauses(find_activity(iter([sound]))):
            start, end = span.seconds(sound.sample_rate)
            clip = clip_of(sound.slice(span))
            parts += [f"from {start:.2f} s to {end:.2f} s:", AudioPart(_unnamed(clip)), "\n"]
        return [*parts, *self._rest(audio, heard)]

    def audio(self, block: Mapping[str, Any]) -> Audible:
        """The audio of a block.

        Raises:
            AudioFileError: it holds no sound, or none that may be opened.
            UsageError: its sound cannot be had.
        """
        if self.hear is None or not block.get("file_id"):
            return self._blocks.hear(block)
        audio = self.hear(str(block["file_id"]))
        if not hasattr(audio, "stretch"):
            raise UsageError(f"the sound of {str(block['file_id'])[:40]!r} cannot be had")
        return cast(Audible, audio)

    def _rest(self, audio: Audible, heard: float) -> list[Part]:
        if audio.duration - heard < SHORTEST:
            return []
        stretch = f"from {heard:.2f} s to {audio.duration:.2f} s"
        return [f"(not heard: {stretch}, too long at once; look for words there with a tool)\n"]


def _unnamed(clip: AudioClip) -> AudioClip:
    """A model sees numbers of audios, never paths."""
    return AudioClip(clip.samples)

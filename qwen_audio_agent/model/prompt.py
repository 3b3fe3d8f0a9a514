"""Prompts: turns of a conversation as ids, and the clips that stand in them.

Source: QwenLM/Qwen-Audio, qwen_generation_utils.py, at 0b0e882e (ChatML, and how old turns are
dropped).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from qwen_audio_agent.model.features import AudioClip
from qwen_audio_agent.model.fetching import open_clip
from qwen_audio_agent.model.list_format import AudioPart, Part, Query, Reply
from qwen_audio_agent.model.tokenizer import AUDIO_TAG, QWenTokenizer, Specials

SYSTEM: Final = "You are a helpful assistant."
History = Sequence[tuple[str, str | None]]
"""Turns of before: what was asked, and what was answered (None: not yet)."""


@dataclass(frozen=True)
class Prompt:
    """What the model reads.

    Attributes:
        ids: tokens, with places for the clips.
        clips: in the order of their places.
    """

    ids: tuple[int, ...] = ()
    clips: tuple[AudioClip, ...] = ()
    _places: tuple[range, ...] = field(default=(), repr=False)

    def __add__(self, other: Prompt) -> Prompt:
        """One after the other."""
        shift = len(self.ids)
        places = (range(place.start + shift, place.stop + shift) for place in other._places)
        return Prompt(
            (*self.ids, *other.ids), (*self.clips, *other.clips), (*self._places, *places)
        )

    @classmethod
    def of_clip(cls, clip: AudioClip, ids: Sequence[int]) -> Prompt:
        """The places of one clip: its own tokens, and those that open and close it."""
        return cls(tuple(ids), (clip,), (range(len(ids)),))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_audio_tokens(self) -> int:
        """Places of all clips."""
        return sum(len(places) for places in self._places)

    @cached_property
    def identity(self) -> tuple[int, ...]:
        """Equal to that of another prompt as far as both read the same, sound for sound.

        An id stands for itself; a place of an audio, for its clip.
        """
        identity = list(self.ids)
        for places, clip in zip(self._places, self.clips, strict=True):
            mark = -1 - int(clip.key[:15], 16)
            identity[places.start : places.stop] = [mark] * len(places)
        return tuple(identity)

    def clips_from(self, place: int) -> list[AudioClip]:
        """The clips that begin at a place or after it."""
        pairs = zip(self._places, self.clips, strict=True)
        return [clip for places, clip in pairs if places.start >= place]

    def whole(self, place: int) -> int:
        """The last place, up to the one given, that is not inside an audio."""
        inside = (places.start for places in self._places if places.start < place < places.stop)
        return next(inside, place)


def audio_prompt(tokenizer: QWenTokenizer, clip: AudioClip) -> Prompt:
    """The places of one clip."""
    return Prompt.of_clip(clip, tokenizer.audio_ids(clip.lengths.num_tokens))


@dataclass(frozen=True)
class ChatPrompts:
    """Makes prompts in ChatML.

    Attributes:
        tokenizer: of the model.
        trust_text: read audio tags, task tags and times in plain text as the original does, which
            lets whoever wrote the text open files. Off, plain text is only text.
        allow_urls: fetch http and https addresses that a query names as audio.
        cut_at_limit: drop what is over 30 s of an audio, as the original does.
    """

    tokenizer: QWenTokenizer
    trust_text: bool = False
    allow_urls: bool = False
    cut_at_limit: bool = False

    def opened(self, query: str) -> Query:
        """A query with every audio of it read.

        Raises:
            AudioFileError: an audio cannot be read, or is too short or too long.
            TypeError: it is no text.
            UsageError: an address is named and addresses are not allowed.
        """
        if not isinstance(query, str):
            kind = type(query).__name__
            raise TypeError(f"a query is a text or what from_list_format makes, not a {kind}")
        parts = query.parts if isinstance(query, Query) else (query,)
        if self.trust_text:
            parts = tuple(part for given in parts for part in _tagged(given))
        return Query(*(self._opened(part) for part in parts))

    def chat(
        self,
        query: str,
        history: History = (),
        system: str = SYSTEM,
        max_window: int = 6144,
    ) -> Prompt:
        """The prompt of a chat.

        Args:
            query: what is asked now; it is never cut.
            history: turns before, oldest first; the oldest are dropped beyond the window.
            system: instruction that stands before everything.
            max_window: the most tokens of `system` and `history`.

        Raises:
            TypeError: a turn of the history is no pair.
        """
        opening = self._role("system", system)
        kept = Prompt()
        for old in reversed(history):
            if isinstance(old, Mapping):  # whose keys would pass for what was said
                raise TypeError("a history is pairs of what was asked and what was answered")
            asked, answered = old
            turn = self._newline() + self._role("user", asked)
            if answered is not None:
                turn = turn + self._newline() + self._role("assistant", answered)
            if len(opening) + len(turn) + len(kept) >= max_window:
                break
            kept = turn + kept
        return opening + kept + self._newline() + self._role("user", query) + self._opening()

    def turns(self, turns: Sequence[tuple[str, str]]) -> Prompt:
        """The prompt of a whole conversation, nothing dropped.

        Args:
            turns: of (role, what it says); an assistant's turn at the end is left open, to be gone
                on with.
        """
        prompt = Prompt()
        for number, (role, said) in enumerate(turns):
            prompt += self._newline() if number else Prompt()
            is_open = role == "assistant" and number == len(turns) - 1
            prompt += self._role(role, said, is_open=is_open)
        is_open = bool(turns) and turns[-1][0] == "assistant"
        return prompt if is_open else prompt + self._opening()

    def raw(self, *parts: Part) -> Prompt:
        """A developer's prompt of the base model: texts with task tags, and audios."""
        prompt = Prompt()
        for part in parts:
            prompt += self._part(part, "all")
        return prompt

    def _role(self, role: str, said: str, *, is_open: bool = False) -> Prompt:
        """`<|im_start|>role` newline, what it says, `<|im_end|>` unless it is left open."""
        start = (self.tokenizer.im_start_id, *self._encode(role), *self._newline().ids)
        prompt = Prompt(start) + self._said(said)
        return prompt if is_open else prompt + Prompt((self.tokenizer.im_end_id,))

    def _opening(self) -> Prompt:
        """What comes before the answer."""
        start = (self.tokenizer.im_start_id, *self._encode("assistant"), *self._newline().ids)
        return self._newline() + Prompt(start)

    def _newline(self) -> Prompt:
        return Prompt(tuple(self._encode("\n")))

    def _said(self, said: str) -> Prompt:
        if isinstance(said, Reply) and not self.trust_text:
            return Prompt(said.token_ids)
        prompt = Prompt()
        for part in self.opened(said).parts:
            prompt += self._part(part, "audio" if self.trust_text else "none")
        return prompt

    def _part(self, part: Part, specials: Specials) -> Prompt:
        if isinstance(part, str):
            return Prompt(tuple(self.tokenizer.encode_text(part, specials)))
        return audio_prompt(self.tokenizer, self._clip(part))

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode_text(text))

    def _opened(self, part: Part) -> Part:
        return part if isinstance(part, str) else AudioPart(self._clip(part))

    def _clip(self, part: AudioPart) -> AudioClip:
        if isinstance(part.source, AudioClip):
            return part.source
        return open_clip(part.source, allow_urls=self.allow_urls, cut_at_limit=self.cut_at_limit)


def _tagged(part: Part) -> list[Part]:
    """A text with its audio tags taken for audios."""
    if not isinstance(part, str):
        return [part]
    pieces = AUDIO_TAG.split(part)
    return [AudioPart(p) if index % 2 else p for index, p in enumerate(pieces)]

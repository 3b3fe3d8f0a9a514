"""Prompts of the later families: the ids that their chat templates make, built without templates.

A template writes everything into one string, where a text can say `<|im_end|>`. Here control tokens
are ids from the start, and what people, files and tools say is text between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from qwen_audio_agent.model.features import AudioClip, read_clip
from qwen_audio_agent.model.later_models import FrontEnd
from qwen_audio_agent.model.list_format import Part, Query, Reply
from qwen_audio_agent.model.prompt import Prompt
from qwen_audio_agent.model.text_tokenizer import TextTokenizer

Piece = str | Prompt

_NUMBERED: Final = re.compile(r"(?:(?<=\n)|\A)Audio ([0-9]{1,9}):([^\n]*)\n?\Z")
"""The end of a text that announces the audio behind it, with more about it or without."""


@dataclass(frozen=True)
class LaterPrompts:
    """Makes prompts in ChatML.

    Attributes:
        tokenizer: of the model.
        front_end: of the model.
        audio_ids: a place of sound, the token before the places, and the one after them.
    """

    tokenizer: TextTokenizer
    front_end: FrontEnd
    audio_ids: tuple[int, int, int]

    def turns(self, turns: Sequence[tuple[str, str]]) -> Prompt:
        """The prompt of a whole conversation.

        Args:
            turns: of (role, what it says); an assistant's turn at the end is left open, to be gone
                on with.

        Raises:
            AudioFileError: an audio cannot be read, or is too short or too long.
            UsageError: a text is too long for any prompt.
        """
        start, end = Prompt((self.tokenizer.im_start_id,)), Prompt((self.tokenizer.im_end_id,))
        pieces: list[Piece] = []
        num_audios = 0
        for role, said in turns:
            pieces += [start, f"{role}\n"]
            if isinstance(said, Reply):
                pieces.append(Prompt(said.token_ids))
            else:
                for part in said.parts if isinstance(said, Query) else (said,):
                    num_audios += not isinstance(part, str)
                    self._add(pieces, part, num_audios)
            pieces += [end, "\n"]
        is_open = bool(turns) and turns[-1][0] == "assistant"
        return self._joined(pieces[:-2] if is_open else [*pieces, start, "assistant\n"])

    def _add(self, pieces: list[Piece], part: Part, number: int | str) -> None:
        """Put a part of a turn behind the others; an audio as the model's template has it.

        Where the template numbers audios, a text that announces one decides its number.
        """
        if isinstance(part, str):
            pieces.append(part)
            return
        family, before = self.front_end.family, pieces[-1]
        if family.label and isinstance(before, str) and (found := _NUMBERED.search(before)):
            number = found[1]
            if not found[2].strip():  # the label itself, which the template writes
                pieces[-1] = before[: found.start()]
        pieces += [family.label.format(number=number), self._places(part.source), family.behind]

    def _places(self, source: str | AudioClip) -> Prompt:
        longest = self.front_end.longest_seconds
        clip = read_clip(source, longest_seconds=longest) if isinstance(source, str) else source
        pad, before, after = self.audio_ids
        places = [pad] * self.front_end.num_places(clip)
        return Prompt.of_clip(clip, [before, *places, after])

    def _joined(self, pieces: Iterable[Piece]) -> Prompt:
        """All pieces; neighbouring texts are encoded as one, as a template would have it."""
        prompt = Prompt()
        for kind, neighbours in groupby(pieces, type):
            if kind is Prompt:
                prompt = sum((piece for piece in neighbours if isinstance(piece, Prompt)), prompt)
            else:
                text = "".join(str(piece) for piece in neighbours)
                prompt += Prompt(tuple(self.tokenizer.encode_text(text)))
        return prompt

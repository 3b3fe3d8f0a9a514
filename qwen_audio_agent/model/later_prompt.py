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
from qwen_audio_agent.model.list_format import AudioPart, Part, Query, Reply
from qwen_audio_agent.model.prompt import Prompt
from qwen_audio_agent.model.text_tokenizer import TextTokenizer

Piece = str | Prompt

_ANNOUNCED: Final = re.compile(r"^Audio ([0-9]{1,9}):", re.MULTILINE)
_BARE_LABEL: Final = re.compile(r"^Audio [0-9]{1,9}: ?\Z", re.MULTILINE)


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
        num_clips = 0
        for role, said in turns:
            pieces += [start, f"{role}\n"]
            if isinstance(said, Reply):
                pieces.append(Prompt(said.token_ids))
            else:
                parts = said.parts if isinstance(said, Query) else (said,)
                pieces += self._said(parts, num_clips)
                num_clips += sum(isinstance(part, AudioPart) for part in parts)
            pieces += [end, "\n"]
        is_open = bool(turns) and turns[-1][0] == "assistant"
        return self._joined(pieces[:-2] if is_open else [*pieces, start, "assistant\n"])

    def _said(self, parts: Iterable[Part], num_clips: int) -> list[Piece]:
        """What a turn says, its audios as the model's template has them.

        Where the template numbers audios by their order, a text of the turn that announces one by
        its number decides: a long audio may come in several clips, and early ones may be gone.

        Args:
            parts: of the turn.
            num_clips: in the turns before.
        """
        family = self.front_end.family
        pieces: list[Piece] = []
        announced = ""
        for part in parts:
            if isinstance(part, str):
                announced = [announced, *_ANNOUNCED.findall(part)][-1]
                pieces.append(part)
                continue
            num_clips += 1
            if family.label and pieces and isinstance(pieces[-1], str):
                pieces[-1] = _BARE_LABEL.sub("", pieces[-1])  # the template writes it
            label = family.label.format(number=announced or num_clips)
            pieces += [label, self._places(part.source), family.behind]
        return pieces

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

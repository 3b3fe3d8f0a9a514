"""A fast tokenizer of transformers that makes no control token out of what people say.

Its `split_special_tokens=True` is not enough: it splits the tokens that a tokenizer calls special,
and Qwen's have others, such as `<|fim_prefix|>` or `<think>`, which it still reads in any text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tokenizers import Tokenizer
from transformers import TokenizersBackend
from transformers.convert_slow_tokenizer import bytes_to_unicode

from qwen_audio_agent.errors import CheckpointError, UsageError
from qwen_audio_agent.model.special_tokens import END_OF_TEXT, IM_END, IM_START
from qwen_audio_agent.model.tokenizer import MAX_CHARACTERS

CALL_TAGS: Final = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
"""Tags of the Hermes format: what writes the format escapes them in the texts of others."""

_BYTE_OF: Final = {letter: byte for byte, letter in bytes_to_unicode().items()}


class TextTokenizer:
    """Text to ids and ids to bytes, and the ids of the control tokens.

    Args:
        tokenizer: byte-level BPE, as Qwen2 and later have it.

    Attributes:
        tokenizer: the one given.
        im_start_id: opens a turn.
        im_end_id: closes it.
        end_of_text_id: ends everything.
        ends: tokens that end a reply.

    Raises:
        CheckpointError: it has no tokens for turns.
    """

    def __init__(self, tokenizer: TokenizersBackend) -> None:
        self.tokenizer = tokenizer
        self._added = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items()}
        self._ids = {token: i for i, token in self._added.items()}
        self.im_start_id, self.im_end_id = self.control_id(IM_START), self.control_id(IM_END)
        self.end_of_text_id = self.control_id(END_OF_TEXT)
        self.ends = (self.im_end_id, self.im_start_id, self.end_of_text_id)
        tags = [re.escape(tag) for tag in CALL_TAGS if tag in self._ids]
        self._tags = re.compile(f"({'|'.join(tags)})") if tags else None
        # The same without any added token.
        backend = tokenizer.backend_tokenizer
        self._plain = Tokenizer(backend.model)
        self._plain.normalizer = backend.normalizer
        self._plain.pre_tokenizer = backend.pre_tokenizer

    def control_id(self, token: str) -> int:
        """The id of a control token.

        Raises:
            CheckpointError: there is none.
        """
        if token not in self._ids:
            raise CheckpointError(f"the tokenizer has no token {token}; is it that of the model?")
        return self._ids[token]

    def encode_text(self, text: str) -> list[int]:
        """Ids of a text; of all added tokens it can hold the tags of calls only.

        Args:
            text: any text; lone surrogates become U+FFFD.

        Raises:
            UsageError: it has over a million characters.
        """
        if len(text) > MAX_CHARACTERS:
            raise UsageError(f"a text of {len(text):,} characters is too long for any prompt")
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        pieces = self._tags.split(text) if self._tags else [text]
        ids: list[int] = []
        for index, piece in enumerate(pieces):
            is_tag = index % 2 == 1
            ids += [self._ids[piece]] if is_tag else self._plain.encode(piece).ids
        return ids

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for; of an id without a token, those of U+FFFD."""
        if token_id in self._added:
            return self._added[token_id].encode()
        letters = self._plain.id_to_token(token_id)
        return bytes(_BYTE_OF[letter] for letter in letters or "") or "\ufffd".encode()

    def unwritable(self, num_rows: int) -> Sequence[int]:
        """Ids that stand for no text: added tokens but the tags of calls, and rows without a token.

        Args:
            num_rows: of the model's head.
        """
        tags = {self._ids.get(tag) for tag in CALL_TAGS}
        return sorted({*self._added, *range(len(self.tokenizer), num_rows)} - tags)

    def unspeakable(self, num_rows: int) -> Sequence[int]:
        """Ids that no reply may hold: control tokens but its ends, and rows without a token.

        Args:
            num_rows: of the model's head.
        """
        special = {i for i, t in self.tokenizer.added_tokens_decoder.items() if t.special}
        unused = range(len(self.tokenizer), num_rows)
        return sorted({*special, *unused} - set(self.ends))

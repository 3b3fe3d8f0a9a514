"""The tokenizer of Qwen-Audio: byte-level BPE through tiktoken, and audio in prompts.

Two kinds of text are kept apart. What people, files and other programs say is encoded by
`encode_text`, which never makes a special token. A raw prompt of a developer, with task tags, goes
through the tokenizer's call as transformers has it, where special tokens are read.

Source: QwenLM/Qwen-Audio, tokenization_qwen.py, at 0b0e882e.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import tiktoken
import torch
from transformers import BatchEncoding, PreTrainedTokenizer
from transformers.tokenization_utils_base import TruncationStrategy
from transformers.utils.generic import PaddingStrategy

from qwen_audio_agent.errors import CheckpointError, UsageError
from qwen_audio_agent.model.features import AudioClip
from qwen_audio_agent.model.fetching import open_clip
from qwen_audio_agent.model.list_format import Query, query_of
from qwen_audio_agent.model.special_tokens import (
    AUDIO_END,
    AUDIO_PLACEHOLDER,
    AUDIO_START,
    END_OF_TEXT,
    IM_END,
    IM_START,
    special_tokens,
)
from qwen_audio_agent.model.vocabulary import VOCABULARY, Vocabulary, read_ranks

MAX_CHARACTERS: Final = 1_000_000
Specials = Literal["none", "audio", "all"]

_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Runs that are too long for the backtracking of tiktoken's regex engine, which fails on them.
_LONG_RUN = re.compile(r"\s{20000}|\S{20000}")
AUDIO_TAG = re.compile(f"{AUDIO_START}(.*?){AUDIO_END}")


class QWenTokenizer(PreTrainedTokenizer):
    """The tokenizer; its name is the one that checkpoints give in tokenizer_config.json.

    Args:
        vocab_file: path of a qwen.tiktoken: a base64 token and its rank on each line.
        errors: what becomes of bytes that are no UTF-8 in `decode`, as of `bytes.decode`.
        **kwargs: as every tokenizer of transformers.

    Raises:
        CheckpointError: there is no file, or it is no such vocabulary.
    """

    vocab_files_names = {"vocab_file": VOCABULARY}
    model_input_names = ["input_ids", "attention_mask"]

    def __init__(
        self, vocab_file: str | None = None, errors: str = "replace", **kwargs: Any
    ) -> None:
        if vocab_file is None:  # what transformers says of a folder without one
            raise CheckpointError(f"there is no {VOCABULARY}: is the download complete?")
        self.vocab_file = str(vocab_file)
        self.errors = errors
        ranks = read_ranks(Path(vocab_file))
        self.vocabulary = Vocabulary(len(ranks))
        self.num_text_tokens = len(ranks)
        specials = {token: len(ranks) + i for i, token in enumerate(special_tokens())}
        self.special_ids = specials
        self.encoding = tiktoken.Encoding(
            "qwen-audio", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens=specials
        )
        first_of_audio = specials[AUDIO_PLACEHOLDER]
        self._allowed: dict[Specials, set[str]] = {
            "none": set(),
            "audio": {token for token, i in specials.items() if i >= first_of_audio},
            "all": set(specials),
        }
        self.eod_id = specials[END_OF_TEXT]
        self.im_start_id = specials[IM_START]
        self.im_end_id = specials[IM_END]
        self.audio_start_id = specials[AUDIO_START]
        self.audio_end_id = specials[AUDIO_END]
        self.audio_pad_id = first_of_audio
        self.first_timestamp_id = specials["<|0.00|>"]
        kwargs.setdefault("pad_token", END_OF_TEXT)
        kwargs.setdefault("eos_token", END_OF_TEXT)
        super().__init__(errors=errors, **kwargs)

    # --- what people say, and what prompts are made of -------------------------------------------

    def encode_text(self, text: str, specials: Specials = "none") -> list[int]:
        """Ids of a text.

        Args:
            text: any text; NFC-normalised first, lone surrogates become U+FFFD.
            specials: which special tokens are read in it: none; those of audio, tasks and times, as
                the original does in a chat; or all.

        Raises:
            UsageError: it has over a million characters.
        """
        if len(text) > MAX_CHARACTERS:
            raise UsageError(f"a text of {len(text):,} characters is too long for any prompt")
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = unicodedata.normalize("NFC", text)
        ends = [run.end() for run in _LONG_RUN.finditer(text)]
        encode = partial(
            self.encoding.encode, allowed_special=self._allowed[specials], disallowed_special=()
        )
        return [
            i for start, end in pairwise([0, *ends, len(text)]) for i in encode(text[start:end])
        ]

    def audio_ids(self, num_tokens: int) -> list[int]:
        """The places of an audio in a prompt."""
        return [self.audio_start_id, *[self.audio_pad_id] * num_tokens, self.audio_end_id]

    def unspeakable(self, num_rows: int) -> tuple[int, ...]:
        """Ids that no reply may hold: what would be taken for an audio, and rows without a token.

        Args:
            num_rows: of the model's head.
        """
        audio = (self.audio_start_id, self.audio_end_id, self.audio_pad_id)
        return (*audio, *range(self.vocab_size, num_rows))

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for; of an id without a token, those of U+FFFD."""
        try:
            return self.encoding.decode_single_token_bytes(token_id)
        except (KeyError, OverflowError):  # such as -100 in labels
            return "\ufffd".encode()

    def from_list_format(self, items: Sequence[Mapping[str, Any]]) -> Query:
        """A query from {"audio": path or clip} and {"text": ...}, in order.

        Raises:
            ValueError: an item is neither.
        """
        return query_of(items)

    # --- the raw prompts of the base model -------------------------------------------------------

    def process_audio(
        self,
        text: str,
        read: Callable[[str], AudioClip] | None = None,
        *,
        allow_urls: bool = False,
    ) -> dict[str, Any] | None:
        """Read the audio files that a developer's raw prompt names in its audio tags.

        Never call it with text of others: it opens what stands between the tags.

        Args:
            text: a prompt with `<audio>path</audio>`.
            read: what opens a path; None: `open_clip`.
            allow_urls: fetch http and https addresses that the tags name.

        Returns:
            `input_audios` float32 (n, 80, 3000), `input_audio_lengths` int32 (n, 2),
            `audio_span_tokens` and `audio_urls`; None if the prompt names none.

        Raises:
            AudioFileError: a file cannot be read, or is longer than 30 s.
            UsageError: an address is named and addresses are not allowed.
        """
        read = read or partial(open_clip, allow_urls=allow_urls)
        paths = AUDIO_TAG.findall(text)
        if not paths:
            return None
        clips = [read(path) for path in paths]
        lengths = [(clip.lengths.conv_frames, clip.lengths.num_tokens) for clip in clips]
        return {
            "input_audios": torch.stack([clip.mel() for clip in clips]),
            "input_audio_lengths": torch.tensor(lengths, dtype=torch.int32),
            "audio_span_tokens": [clip.lengths.span for clip in clips],
            "audio_urls": paths,
        }

    def encode_raw(
        self, text: str, spans: Sequence[int] = (), specials: Specials = "all"
    ) -> list[int]:
        """Ids of a developer's raw prompt, with room for the audio that it names.

        Args:
            text: a prompt with `<audio>path</audio>`.
            spans: places of each audio, its two tokens counted.
            specials: which special tokens are read.

        Raises:
            ValueError: an audio tag is not closed, or there are not as many spans as audios.
        """
        pieces = AUDIO_TAG.split(text)
        texts, paths = pieces[::2], pieces[1::2]
        if any(AUDIO_START in piece for piece in texts):
            raise ValueError(f"an {AUDIO_START} is not closed by {AUDIO_END} on its line")
        if len(spans) != len(paths):
            raise ValueError(
                f"the prompt names {len(paths)} audios and audio_info has {len(spans)}; "
                "get it from process_audio"
            )
        ids = self.encode_text(texts[0], specials)
        for span, following in zip(spans, texts[1:], strict=True):
            ids += self.audio_ids(span - 2) + self.encode_text(following, specials)
        return ids

    # --- what transformers asks for --------------------------------------------------------------

    @property
    def vocab_size(self) -> int:
        """Number of tokens, special ones counted."""
        return self.encoding.n_vocab

    def get_vocab(self) -> dict[str, int]:
        """Every token and its id; bytes that are no printable text are written as GPT-2 does."""
        texts = {_shown(self.token_bytes(i)): i for i in range(self.num_text_tokens)}
        return texts | self.special_ids

    def _add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:  # noqa: ARG002
        """Only tokens that the vocabulary has: ids beyond it belong to no row of the checkpoint."""
        for token in new_tokens:
            if str(token) not in self.special_ids:
                raise ValueError(f"the vocabulary is fixed; {str(token)!r} is not in it")
        return 0

    def _update_total_vocab_size(self) -> None:
        self.total_vocab_size = self.vocab_size

    def tokenize(self, text: str, *_: Any, **__: Any) -> list[str]:
        """Tokens of a raw prompt without audio."""
        return [self._convert_id_to_token(i) for i in self.encode_raw(text)]

    def _convert_token_to_id(self, token: str) -> int:
        if token in self.special_ids:
            return self.special_ids[token]
        return self.encoding.encode_single_token(_unshown(token))

    def _convert_id_to_token(self, index: int) -> str:
        data = self.token_bytes(index)
        return data.decode() if index >= self.num_text_tokens else _shown(data)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text of tokens."""
        data = b"".join(t.encode() if t in self.special_ids else _unshown(t) for t in tokens)
        return data.decode("utf-8", self.errors)

    def _encode_plus(  # type: ignore[override]  # no pairs
        self,
        text: Any,
        text_pair: Any = None,
        add_special_tokens: bool = True,  # noqa: ARG002 - there are none
        padding_strategy: PaddingStrategy = PaddingStrategy.DO_NOT_PAD,
        truncation_strategy: TruncationStrategy = TruncationStrategy.DO_NOT_TRUNCATE,
        audio_info: Any = None,
        **kwargs: Any,
    ) -> BatchEncoding:
        """Encode a raw prompt or several, with room for their audio."""
        if text_pair is not None or kwargs.get("is_split_into_words"):
            raise ValueError("prompts are single texts, neither pairs nor split into words")
        is_batch = not isinstance(text, str)
        texts = list(text) if is_batch else [text]
        infos = [audio_info] * len(texts)
        if is_batch and audio_info:
            infos = [audio_info] if isinstance(audio_info, Mapping) else list(audio_info)
        if len(infos) != len(texts):
            raise ValueError(f"{len(texts)} prompts need as many audio_info, not {len(infos)}")
        rows = [self.encode_raw(t, _spans(i)) for t, i in zip(texts, infos, strict=True)]
        longest = kwargs.get("max_length")
        if truncation_strategy != TruncationStrategy.DO_NOT_TRUNCATE and longest:
            from_left = self.truncation_side == "left"
            rows = [row[-longest:] if from_left else row[:longest] for row in rows]
        unpadded: dict[str, Any] = {"input_ids": rows if is_batch else rows[0]}
        padded = self.pad(
            unpadded,
            padding=padding_strategy.value,
            max_length=longest,
            pad_to_multiple_of=kwargs.get("pad_to_multiple_of"),
            padding_side=kwargs.get("padding_side"),
            return_attention_mask=kwargs.get("return_attention_mask"),
        )
        tensors = kwargs.get("return_tensors")
        return BatchEncoding(dict(padded), tensor_type=tensors, prepend_batch_axis=not is_batch)

    def _decode(
        self,
        token_ids: int | Sequence[int],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,  # noqa: ARG002
        errors: str | None = None,
        audio_info: Any = None,
        **_: Any,
    ) -> str:
        """The text of ids; an audio is its tags, with its path between them if that is known."""
        ids = [token_ids] if isinstance(token_ids, int) else list(token_ids)
        paths: Iterator[str] = iter((audio_info or {}).get("audio_urls", ()))
        data = bytearray()
        in_audio = False
        for token in ids:
            if token == self.audio_pad_id and in_audio:
                continue
            if token < self.num_text_tokens or not skip_special_tokens:
                data += self.token_bytes(token)
            in_audio = token == self.audio_start_id
            if in_audio:
                data += next(paths, "").encode("utf-8", "surrogateescape")
        return data.decode("utf-8", errors or self.errors)

    def save_vocabulary(
        self, save_directory: str, filename_prefix: str | None = None
    ) -> tuple[str]:
        """Write the vocabulary beside a checkpoint."""
        name = f"{filename_prefix}-{VOCABULARY}" if filename_prefix else VOCABULARY
        path = Path(save_directory) / name
        data = Path(self.vocab_file).read_bytes()
        path.write_bytes(data)
        return (str(path),)


def _spans(audio_info: Any) -> list[int]:
    return list(audio_info["audio_span_tokens"]) if audio_info else []


_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
_LETTER_OF = {byte: chr(byte) for byte in _PRINTABLE} | {
    byte: chr(256 + i) for i, byte in enumerate(_OTHERS)
}
_BYTE_OF = {letter: byte for byte, letter in _LETTER_OF.items()}


def _shown(data: bytes) -> str:
    """Bytes as letters, one for each (the table is GPT-2's, so that other tools can read it)."""
    return "".join(_LETTER_OF[byte] for byte in data)


def _unshown(text: str) -> bytes:
    return bytes(_BYTE_OF[letter] for letter in text)

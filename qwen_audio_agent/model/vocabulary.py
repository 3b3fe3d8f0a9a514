"""The file of text tokens, and whether it is the one that a network was trained with."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model.config import QwenAudioConfig
from qwen_audio_agent.model.downloads import flaw_of
from qwen_audio_agent.model.special_tokens import AUDIO_START, special_tokens

VOCABULARY: Final = "qwen.tiktoken"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The sizes of a vocabulary.

    Attributes:
        num_text_tokens: that the file holds; the special ones follow them.
    """

    num_text_tokens: int

    @property
    def num_tokens(self) -> int:
        """Special ones counted."""
        return self.num_text_tokens + len(special_tokens())

    @property
    def audio_start_id(self) -> int:
        """The id of `<audio>`."""
        return self.num_text_tokens + special_tokens().index(AUDIO_START)

    def raise_if_foreign(self, config: QwenAudioConfig) -> None:
        """Tell a vocabulary of another network, or one that is cut off at the end of a line.

        Raises:
            CheckpointError: it does not fit.
        """
        wanted = config.audio_config.audio_start_id
        if self.audio_start_id != wanted:
            raise CheckpointError(
                f"the vocabulary does not fit the network: <audio> is token {self.audio_start_id} "
                f"and config.json says {wanted}; is {VOCABULARY} whole, and of this checkpoint?"
            )
        if self.num_tokens > config.vocab_size:
            raise CheckpointError(
                f"the vocabulary does not fit the network: it has {self.num_tokens} tokens and "
                f"config.json says {config.vocab_size}"
            )


def read_ranks(path: Path) -> dict[bytes, int]:
    """The tokens of a .tiktoken file and their ranks.

    A file that is cut off at the end of a line looks whole: `Vocabulary.raise_if_foreign` tells.

    Raises:
        CheckpointError: the file cannot be read, or a line is no token, or ranks are missing.
    """
    if flaw := flaw_of(path):
        raise CheckpointError(f"the vocabulary {path} {flaw.text}")
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line:
            continue
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise CheckpointError(
                f"{path} is no vocabulary of tiktoken: line {number} is no token with its rank; is "
                "the download complete?"
            ) from error
    if sorted(ranks.values()) != list(range(len(ranks))):
        raise CheckpointError(
            f"{path} is no whole vocabulary: its {len(ranks):,} tokens do not have the ranks 0 to "
            f"{len(ranks) - 1:,}; is the download complete?"
        )
    if any(bytes([byte]) not in ranks for byte in range(256)):
        raise CheckpointError(f"{path} is no byte-level vocabulary: some bytes have no token")
    return ranks

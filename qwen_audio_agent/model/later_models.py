"""The later families that hear: their networks in transformers, and how sound stands in prompts.

Source: transformers 5.23, processing_qwen2_audio.py, processing_qwen2_5_omni.py and
processing_qwen3_omni_moe.py (options of the feature extractor, number of places), and the chat
templates of the public checkpoints (what surrounds an audio).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    PreTrainedModel,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen2AudioForConditionalGeneration,
    Qwen3OmniMoeThinkerForConditionalGeneration,
    WhisperFeatureExtractor,
)

from qwen_audio_agent.errors import AudioFileError
from qwen_audio_agent.model.features import SAMPLE_RATE, AudioClip

SHORTEST_SAMPLES: Final = 1280
"""Shorter sounds are filled up with silence: Qwen2-Audio's class takes an audio of a single place
for one whose places have not been counted yet."""


@dataclass(frozen=True)
class Family:
    """What tells the models of one family from those of another.

    Attributes:
        title: what people call it.
        network: the class of transformers.
        audio_tokens: a place of sound, the token before the places, and the one after them; for
            tokenizers that do not name them.
        label: stands before an audio, with its number; "": nothing does.
        behind: stands behind an audio.
        is_padded: whether a sound is filled up to the longest that the front end takes.
        count: places of a sound from its mel frames and the window of the encoder.
    """

    title: str
    network: type[PreTrainedModel]
    audio_tokens: tuple[str, str, str]
    label: str
    behind: str
    is_padded: bool
    count: Callable[[int, int], int]


def _count_pooled(mel_frames: int, n_window: int) -> int:  # noqa: ARG001
    """One place for four mel frames, 25 per second."""
    return ((mel_frames - 1) // 2 + 1 - 2) // 2 + 1


def _count_windowed(mel_frames: int, n_window: int) -> int:
    """Three halvings of each window by itself: 13 places for a window of 100 frames."""
    windows, rest = divmod(mel_frames, 2 * n_window)
    for _ in range(3):
        rest = (rest + 1) // 2
    return 13 * windows + rest


QWEN2_AUDIO: Final = Family(
    "Qwen2-Audio",
    Qwen2AudioForConditionalGeneration,
    ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"),
    label="Audio {number}: ",
    behind="\n",
    is_padded=True,
    count=_count_pooled,
)
QWEN2_5_OMNI: Final = Family(
    "Qwen2.5-Omni",
    Qwen2_5OmniThinkerForConditionalGeneration,
    ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"),
    label="",
    behind="",
    is_padded=True,
    count=_count_pooled,
)
QWEN3_OMNI: Final = Family(
    "Qwen3-Omni",
    Qwen3OmniMoeThinkerForConditionalGeneration,
    ("<|audio_pad|>", "<|audio_start|>", "<|audio_end|>"),
    label="",
    behind="",
    is_padded=False,
    count=_count_windowed,
)
FAMILIES: Final[Mapping[str, Family]] = {
    "qwen2_audio": QWEN2_AUDIO,
    "qwen2_5_omni": QWEN2_5_OMNI,
    "qwen2_5_omni_thinker": QWEN2_5_OMNI,
    "qwen3_omni_moe": QWEN3_OMNI,
    "qwen3_omni_moe_thinker": QWEN3_OMNI,
}
"""By the `model_type` of config.json; of an Omni model only the thinker is opened, which writes."""


@dataclass(frozen=True)
class FrontEnd:
    """Clips as the network of a family takes them.

    Attributes:
        family: of the network.
        extractor: of the checkpoint.
        n_window: of the audio encoder.
    """

    family: Family
    extractor: WhisperFeatureExtractor
    n_window: int

    @property
    def longest_seconds(self) -> float:
        """The longest sound that it takes whole."""
        return float(self.extractor.n_samples / self.extractor.sampling_rate)

    def num_places(self, clip: AudioClip) -> int:
        """Places of a clip's sound in a prompt.

        Raises:
            AudioFileError: it is too long.
        """
        if clip.seconds > self.longest_seconds:
            raise AudioFileError(
                f"an audio is {clip.seconds:.1f} s long and the model hears "
                f"{self.longest_seconds:.0f} s at once; give it a part"
            )
        num_samples, hop = max(len(clip.samples), SHORTEST_SAMPLES), self.extractor.hop_length
        mel_frames = -(-num_samples // hop) if self.family.is_padded else num_samples // hop
        return self.family.count(mel_frames, self.n_window)

    def inputs(self, clips: Sequence[AudioClip], device: torch.device) -> dict[str, Tensor]:
        """What `forward` wants for clips, one or more.

        Each is extracted by itself, so that it comes out the same whatever stands beside it.

        Returns:
            `input_features` float32 (N, num_mels, T), `feature_attention_mask` int64 (N, T).
        """
        extracted = [self._extract(clip) for clip in clips]
        mels = pad_sequence([mel.T for mel, _ in extracted], batch_first=True)  # (N, T, num_mels)
        masks = pad_sequence([mask for _, mask in extracted], batch_first=True)
        return {
            "input_features": mels.transpose(1, 2).to(device),
            "feature_attention_mask": masks.to(device),
        }

    def _extract(self, clip: AudioClip) -> tuple[Tensor, Tensor]:
        missing = max(SHORTEST_SAMPLES - len(clip.samples), 0)
        features: Any = self.extractor(
            np.pad(clip.samples, (0, missing)),
            sampling_rate=SAMPLE_RATE,
            padding="max_length" if self.family.is_padded else "longest",
            truncation=False,
            return_attention_mask=True,
            return_tensors="pt",
        )
        return features["input_features"][0], features["attention_mask"][0].long()

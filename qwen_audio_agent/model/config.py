"""The sizes of the network, read from a checkpoint's config.json."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from transformers import PreTrainedConfig

from qwen_audio_agent.errors import CheckpointError


@dataclass(frozen=True)
class AudioConfig:
    """Sizes of the audio encoder; defaults are those of the public checkpoint.

    Attributes:
        n_mels: mel bands of the front end.
        n_ctx: the most frames after the convolutions, 1500 for 30 s.
        n_state: width of the encoder.
        n_head: attention heads.
        n_layer: blocks.
        output_dim: width of the features that come out, the decoder's hidden size.
        audio_start_id: id of the token that opens an audio in a prompt.
        avg_pool: must be true: pairs of frames are averaged to 25 per second.
        add_audio_bos_eos_token: must be true: learnt rows surround the features of a clip.
    """

    n_mels: int = 80
    n_ctx: int = 1500
    n_state: int = 1280
    n_head: int = 20
    n_layer: int = 32
    output_dim: int = 4096
    audio_start_id: int = 155163
    avg_pool: bool = True
    add_audio_bos_eos_token: bool = True


class QwenAudioConfig(PreTrainedConfig):
    """Configuration of Qwen-Audio and Qwen-Audio-Chat, under the names of its config.json.

    Args:
        vocab_size: rows of the embedding and of the head; more than there are tokens.
        hidden_size: width of the decoder.
        num_hidden_layers: blocks of the decoder.
        num_attention_heads: heads of the decoder, each `kv_channels` wide.
        kv_channels: width of a head.
        intermediate_size: twice the width of the MLP.
        layer_norm_epsilon: of the decoder's RMSNorm.
        rotary_emb_base: base of the rotary angles before dynamic NTK.
        seq_length: the length of the training; beyond it dynamic NTK and log-n scaling act.
        max_position_embeddings: the longest prompt that a conversation takes; the network itself
            reads any.
        use_dynamic_ntk: widen the rotary base for prompts over `seq_length`.
        use_logn_attn: scale queries beyond `seq_length`.
        use_cache: keep keys and values of what was read.
        initializer_range: standard deviation of fresh weights.
        audio: sizes of the audio encoder; its presence tells Qwen-Audio from text-only Qwen.
        reference_exact: compute as the original code does where it couples what is apart: clips of
            one prompt are encoded in one padded batch, and log-n counts padding as positions. Off,
            a clip and a row come out as if they were alone.
        **kwargs: further keys, kept as they are.

    Raises:
        CheckpointError: there is no `audio`, or a size contradicts another.

    Source: QwenLM/Qwen-Audio, config.json and configuration_qwen.py at 0b0e882e.
    """

    model_type = "qwen"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(  # noqa: PLR0913 - the keys of config.json
        self,
        vocab_size: int = 155947,
        hidden_size: int = 4096,
        num_hidden_layers: int = 32,
        num_attention_heads: int = 32,
        kv_channels: int = 128,
        intermediate_size: int = 22016,
        layer_norm_epsilon: float = 1e-6,
        rotary_emb_base: float = 10000.0,
        seq_length: int = 2048,
        max_position_embeddings: int = 8192,
        use_dynamic_ntk: bool = True,
        use_logn_attn: bool = True,
        use_cache: bool = True,
        initializer_range: float = 0.02,
        audio: dict[str, Any] | None = None,
        reference_exact: bool = False,
        **kwargs: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.kv_channels = kv_channels
        self.intermediate_size = intermediate_size
        self.layer_norm_epsilon = layer_norm_epsilon
        self.rotary_emb_base = rotary_emb_base
        self.seq_length = seq_length
        self.max_position_embeddings = max_position_embeddings
        self.use_dynamic_ntk = use_dynamic_ntk
        self.use_logn_attn = use_logn_attn
        self.use_cache = use_cache
        self.initializer_range = initializer_range
        self.audio = audio
        self.reference_exact = reference_exact
        kwargs.setdefault("tie_word_embeddings", False)
        super().__init__(**kwargs)

    @property
    def audio_config(self) -> AudioConfig:
        """The sizes of the audio encoder, checked.

        Raises:
            CheckpointError: there is no `audio`, or a size contradicts another.
        """
        if not isinstance(self.audio, dict):
            raise CheckpointError(
                "config.json has no 'audio': this is a text-only Qwen, not Qwen-Audio"
            )
        known = {field.name for field in fields(AudioConfig)}
        sizes = AudioConfig(**{key: value for key, value in self.audio.items() if key in known})
        if not (sizes.avg_pool and sizes.add_audio_bos_eos_token):
            raise CheckpointError(
                "only encoders with 'avg_pool' and 'add_audio_bos_eos_token' are supported"
            )
        for what, left, right in (
            ("audio.output_dim and hidden_size", sizes.output_dim, self.hidden_size),
            (
                "hidden_size and num_attention_heads * kv_channels",
                self.hidden_size,
                self.num_attention_heads * self.kv_channels,
            ),
        ):
            if left != right:
                raise CheckpointError(f"config.json: {what} must be equal, not {left} and {right}")
        if sizes.n_state % sizes.n_head:
            raise CheckpointError(
                f"config.json: audio.n_state {sizes.n_state} is no multiple of n_head "
                f"{sizes.n_head}"
            )
        return sizes

    def ntk_alpha(self, num_tokens: int) -> float:
        """The widening of the rotary base for a prompt of `num_tokens`: 1, 3, 7, 15 ...

        It doubles its bucket at `seq_length`, twice, four times `seq_length` and so on.
        """
        if not self.use_dynamic_ntk or num_tokens <= self.seq_length:
            return 1.0
        return float(2 ** math.ceil(math.log2(num_tokens / self.seq_length) + 1) - 1)


def public_audio_sizes() -> dict[str, Any]:
    """The `audio` entry of the public checkpoint's config.json."""
    return asdict(AudioConfig())

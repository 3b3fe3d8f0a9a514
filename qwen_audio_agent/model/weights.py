"""Whether a folder holds a whole checkpoint of Qwen-Audio, told from headers in a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model.config import QwenAudioConfig
from qwen_audio_agent.model.differences import KeyDifferences, differences, in_words
from qwen_audio_agent.model.downloads import partial_downloads, read_json, shown
from qwen_audio_agent.model.shards import Shard, read_shards
from qwen_audio_agent.model.vocabulary import VOCABULARY, Vocabulary, read_ranks

T = TypeVar("T")

_MOST_LAYERS = 1000  # of a folder of others: the network is built, if without memory


@dataclass(frozen=True)
class CheckpointReport:
    """What a folder holds.

    Attributes:
        directory: the folder.
        config: its config.json, or the one that was given; None if that is broken.
        vocabulary: of its qwen.tiktoken; None if that is broken, or was not asked for.
        shards: files of weights, in the order of their names.
        partial: names of downloads that are under way or were interrupted.
        keys: how the weights differ from those of the network. Empty where the weights are stored
            quantised, for then keys and shapes are up to the method.
        num_parameters: of the network that the config describes.
        memory: bytes that its weights need, by precision.
        problems: what keeps it from loading, the first to be mended first.
    """

    directory: Path
    config: QwenAudioConfig | None = None
    vocabulary: Vocabulary | None = None
    shards: tuple[Shard, ...] = ()
    partial: tuple[str, ...] = ()
    keys: KeyDifferences = field(default_factory=KeyDifferences)
    num_parameters: int = 0
    memory: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Of all files of weights, as far as they are there."""
        return sum(shard.num_bytes for shard in self.shards)

    @property
    def dtypes(self) -> Mapping[str, int]:
        """How many weights are stored in each."""
        return Counter(tensor.dtype for shard in self.shards for tensor in shard.tensors.values())

    @property
    def verdict(self) -> str:
        """One line: it loads, or why not."""
        if not self.problems:
            return "loads"
        more = len(self.problems) - 1
        return self.problems[0] + (f" (and {more} more)" if more else "")

    def raise_if_broken(self) -> None:
        """Do nothing if it loads.

        Raises:
            CheckpointError: it does not; the text is the verdict.
        """
        if self.problems:
            raise CheckpointError(f"{self.directory}: {self.verdict}")


def check_checkpoint(
    directory: str | Path,
    config: QwenAudioConfig | None = None,
    *,
    with_vocabulary: bool = True,
    any_shape: bool = False,
) -> CheckpointReport:
    """Look at a checkpoint without loading it.

    Args:
        directory: a folder with config.json, weights and qwen.tiktoken.
        config: in the place of its config.json.
        with_vocabulary: whether there must be a vocabulary that fits.
        any_shape: whether weights of other shapes are no problem.
    """
    folder = Path(directory)
    if not folder.is_dir():
        what = "is a file, not the folder of a checkpoint" if folder.exists() else "does not exist"
        return CheckpointReport(folder, problems=(what,))
    problems: list[str] = []
    config = config or _tried(problems, read_config, folder)
    network = _tried(problems, network_on_meta, config) if config else None
    shards = _tried(problems, read_shards, folder) or ()
    problems += _flaws(shards)
    keys = KeyDifferences()
    if network and shards and getattr(config, "quantization_config", None) is None:
        keys = differences(network, shards)
        problems += KeyDifferences(
            keys.missing, keys.surplus, () if any_shape else keys.misshapen
        ).problems()
    problems += _repeated(shards)
    if (folder / "generation_config.json").exists():  # transformers ignores it if it is broken
        _tried(problems, read_json, folder / "generation_config.json")
    vocabulary = _tried(problems, _read_vocabulary, folder) if with_vocabulary else None
    if vocabulary and network:
        _tried(problems, vocabulary.raise_if_foreign, network.config)
    return CheckpointReport(
        folder,
        config,
        vocabulary,
        shards,
        tuple(partial_downloads(folder)),
        keys,
        sum(weight.numel() for weight in network.parameters()) if network else 0,
        memory_needed(network) if network else {},
        tuple(problems),
    )


def read_config(folder: Path, **overrides: Any) -> QwenAudioConfig:
    """The config.json of a folder.

    Args:
        folder: that holds it.
        **overrides: values in the place of its own; names that it does not know are ignored.

    Raises:
        CheckpointError: it is missing, broken or that of another kind of model.
    """
    raw = read_json(folder / "config.json")
    if raw.get("model_type") != QwenAudioConfig.model_type:
        kind = shown(str(raw.get("model_type")))
        raise CheckpointError(f"config.json is that of a model of type {kind}, not of Qwen-Audio")
    try:
        return QwenAudioConfig.from_dict(raw, **overrides)
    except Exception as error:  # transformers raises what it comes upon
        raise CheckpointError(f"config.json makes no sense: {shown(str(error))}") from error


def network_on_meta(config: QwenAudioConfig) -> PreTrainedModel:
    """The network without memory for its weights: what a checkpoint must hold.

    Raises:
        CheckpointError: the sizes make no network.
    """
    from qwen_audio_agent.model.network import QwenAudioForCausalLM  # which checks by this module

    try:
        if max(config.num_hidden_layers, config.audio_config.n_layer) > _MOST_LAYERS:
            raise ValueError("too many layers")
        with torch.device("meta"):
            return QwenAudioForCausalLM(config)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise CheckpointError("the sizes in config.json make no network") from error


def memory_needed(network: nn.Module) -> dict[str, int]:
    """Bytes that the weights take by precision; keys, values and features of prompts come on top.

    8-bit and 4-bit are as bitsandbytes stores them: linear layers but the head, with a scale in
    float32 for each row, or for each 64 weights; all else in 16 bits.
    """
    weights = sum(tensor.numel() for tensor in network.state_dict().values())
    linear = [
        module.weight
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and name != "lm_head"
    ]
    quantised = sum(weight.numel() for weight in linear)
    rest = 2 * (weights - quantised)
    return {
        "float32": 4 * weights,
        "bfloat16": 2 * weights,
        "float16": 2 * weights,
        "8-bit": quantised + sum(4 * weight.shape[0] for weight in linear) + rest,
        "4-bit": quantised // 2 + quantised // 64 * 4 + rest,
    }


def _tried(problems: list[str], read: Callable[..., T], *arguments: object) -> T | None:
    try:
        return read(*arguments)
    except CheckpointError as error:
        problems.append(str(error))
        return None


def _read_vocabulary(folder: Path) -> Vocabulary:
    settings = folder / "tokenizer_config.json"
    if settings.exists():  # it may be left out
        name = read_json(settings).get("tokenizer_class", "QWenTokenizer")
        if name != "QWenTokenizer":
            raise CheckpointError(f"{settings.name} is that of a {shown(str(name))}, not of Qwen")
    return Vocabulary(len(read_ranks(folder / VOCABULARY)))


def _flaws(shards: Sequence[Shard]) -> list[str]:
    """A line for each way in which files are flawed."""
    flawed: dict[str, list[str]] = {}
    for shard in shards:
        if shard.flaw:
            flawed.setdefault(shard.flaw.kind, []).append(f"{shard.name} {shard.flaw.text}")
    return [
        lines[0] + (f" ({len(lines)} of {len(shards)} files are so)" if len(lines) > 1 else "")
        for lines in flawed.values()
    ]


def _repeated(shards: Sequence[Shard]) -> list[str]:
    """Only one of two weights of one name would be loaded, and nobody would hear of it."""
    counts = Counter(key for shard in shards for key in shard.tensors)
    twice = [key for key, count in counts.items() if count > 1]
    if not twice:
        return []
    count = in_words(len(twice), "stands", "stand")
    return [f"{count} in several files, such as {shown(twice[0])}: are they of one checkpoint?"]

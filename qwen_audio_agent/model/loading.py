"""Opens a checkpoint: which network it holds, its config says.

    load_engine("path/of/Qwen-Audio-Chat")                        native
    load_engine("path/of/Qwen2.5-Omni-7B", device_map="auto")     transformers' own class

Code that a checkpoint brings along is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from transformers import (
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Tokenizer,
    WhisperFeatureExtractor,
)
from transformers.utils.quantization_config import QuantizationConfigMixin

from qwen_audio_agent.errors import CheckpointError, UsageError
from qwen_audio_agent.model.engine import Engine, QwenAudioEngine
from qwen_audio_agent.model.later_engines import LaterEngine
from qwen_audio_agent.model.later_models import FAMILIES
from qwen_audio_agent.model.network import QwenAudioForCausalLM
from qwen_audio_agent.model.tokenizer import QWenTokenizer
from qwen_audio_agent.model.transformers_calls import (
    FAULTS,
    one_line,
    quiet,
    shown,
    told_in_one_line,
)

DTYPES: Final = ("auto", "bfloat16", "float16", "float32")
QUANTIZATIONS: Final[Mapping[str, Callable[[], BitsAndBytesConfig]]] = {
    "8bit": partial(BitsAndBytesConfig, load_in_8bit=True),
    "4bit": partial(
        BitsAndBytesConfig,
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
    ),
}
_COMPUTED_IN: Final = {"8bit": "float16", "4bit": "bfloat16"}
"""What bitsandbytes computes in; it warns at every layer and step where it has to convert."""

_LATER_FILES: Final = (
    ("tokenizer.json", "vocab.json"),
    ("preprocessor_config.json", "processor_config.json"),
)
"""What a later model needs besides its weights: one of each."""

_SUPPORTED: Final = "Qwen-Audio, " + ", ".join(
    sorted({family.title for family in FAMILIES.values()})
)


def load_engine(
    checkpoint: str | Path,
    *,
    device_map: str | Mapping[str, Any] | None = None,
    dtype: str | None = None,
    quantization: str | QuantizationConfigMixin | None = None,
    adapter: str | Path | None = None,
    local_files_only: bool = True,
) -> Engine:
    """Open a checkpoint of Qwen-Audio, Qwen2-Audio, Qwen2.5-Omni or Qwen3-Omni.

    Args:
        checkpoint: a folder, or an id of the Hugging Face hub.
        device_map: where it computes, as transformers takes it: "auto", "cuda" ...; None: the CPU.
        dtype: of the weights: "bfloat16", "float16", "float32", or "auto", as they are stored;
            None: float32 on the CPU, as they are stored elsewhere, as bitsandbytes computes where
            it quantizes.
        quantization: "8bit" or "4bit", by bitsandbytes; or a config of transformers, such as
            `TorchAoConfig`.
        adapter: folder or id of a PEFT adapter, such as LoRA.
        local_files_only: do not fetch what is not on this machine.

    Raises:
        CheckpointError: it is not there, of another model, or not whole; or the adapter is.
        UsageError: a setting is unknown, or needs a package that is missing.
    """
    options = _options(device_map, dtype, quantization)
    if adapter is not None:
        _require("peft", "an adapter", "large")
    source, here = str(checkpoint), {"local_files_only": local_files_only}
    with quiet():
        config = _read_config(source, local_files_only=local_files_only)
        with told_in_one_line(source):
            engine = _opener(source, config)(source, options | here, here)
        if adapter is not None:
            with told_in_one_line(str(adapter)):
                _adapt(engine.model, str(adapter), here)
    return engine


def _options(
    device_map: str | Mapping[str, Any] | None,
    dtype: str | None,
    quantization: str | QuantizationConfigMixin | None,
) -> dict[str, Any]:
    """What transformers is to be told."""
    name = quantization if isinstance(quantization, str) else ""
    if dtype is None:
        unquantized = "float32" if device_map in (None, "cpu") else "auto"
        dtype = _COMPUTED_IN.get(name, unquantized)
    if dtype not in DTYPES:
        raise UsageError(f"there is no dtype {dtype!r}; there are: {', '.join(DTYPES)}")
    options: dict[str, Any] = {"dtype": dtype if dtype == "auto" else getattr(torch, dtype)}
    if device_map is not None:
        _require("accelerate", "device_map", "large")
        options["device_map"] = device_map
    if isinstance(quantization, str):
        if quantization not in QUANTIZATIONS:
            known = ", ".join(QUANTIZATIONS)
            raise UsageError(f"there is no quantization {quantization!r}; there are: {known}")
        _require("accelerate", "quantization", "quantized")
        _require("bitsandbytes", "quantization", "quantized")
        options["quantization_config"] = QUANTIZATIONS[quantization]()
    elif quantization is not None:
        options["quantization_config"] = quantization
    return options


def _require(package: str, what_for: str, extra: str) -> None:
    if find_spec(package) is None:
        raise UsageError(
            f"{what_for} needs the package {package}: pip install 'qwen-audio-agent[{extra}]'"
        )


def _read_config(source: str, *, local_files_only: bool) -> dict[str, Any]:
    """The config.json of a checkpoint."""
    folder = Path(source)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise CheckpointError(
            f"{shown(source)} has no config.json; is it the folder of a checkpoint?"
        )
    try:
        config, _ = PreTrainedConfig.get_config_dict(source, local_files_only=local_files_only)
    except FAULTS as error:
        if folder.exists():
            problem = f"the config.json of {shown(source)} cannot be read"
        elif local_files_only:
            problem = (
                f"there is no folder {shown(source)}, nor a checkpoint of that id that was fetched "
                "before; to fetch one, pass local_files_only=False"
            )
        else:
            problem = (
                f"there is no folder {shown(source)}, nor can it be fetched: {one_line(error)}"
            )
        raise CheckpointError(problem) from error
    return config


Opened = QwenAudioEngine | LaterEngine
Opener = Callable[[str, Mapping[str, Any], Mapping[str, Any]], Opened]


def _opener(source: str, config: Mapping[str, Any]) -> Opener:
    """What opens a checkpoint of this config.

    Raises:
        CheckpointError: nothing does.
    """
    kind = str(config.get("model_type"))[:60]
    if kind in FAMILIES:
        return partial(_open_later, FAMILIES[kind].network)
    if kind == "qwen" and isinstance(config.get("audio"), dict):
        return _open_native
    if kind == "qwen":
        found = "a text-only Qwen, which cannot hear"
    elif kind.startswith("qwen3_asr"):
        found = "Qwen3-ASR, an ear: it writes down what is said and cannot chat"
    else:
        found = f"a model of type {kind!r}"
    raise CheckpointError(f"{shown(source)} is {found}; supported are {_SUPPORTED}")


def _open_native(
    source: str, options: Mapping[str, Any], here: Mapping[str, Any]
) -> QwenAudioEngine:
    tokenizer = QWenTokenizer.from_pretrained(source, **here)
    network = _load_whole(QwenAudioForCausalLM, source, options)
    return QwenAudioEngine(network, tokenizer, Path(source).name)


def _open_later(
    network: type[PreTrainedModel],
    source: str,
    options: Mapping[str, Any],
    here: Mapping[str, Any],
) -> LaterEngine:
    for files in _LATER_FILES:
        if Path(source).is_dir() and not any(Path(source, file).is_file() for file in files):
            raise CheckpointError(f"{shown(source)} has no {files[0]}; is the download complete?")
    # Not the whole processor: its parts for pictures and videos need more packages.
    tokenizer = Qwen2Tokenizer.from_pretrained(source, **here)
    extractor = WhisperFeatureExtractor.from_pretrained(source, **here)
    loaded = _load_whole(network, source, options)
    return LaterEngine(loaded, tokenizer, extractor, Path(source).name)


def _load_whole(network: type[PreTrainedModel], source: str, options: Mapping[str, Any]) -> Any:
    """The network with its weights; transformers would fill gaps with random numbers."""
    load: Any = network.from_pretrained
    model, info = load(source, output_loading_info=True, ignore_mismatched_sizes=True, **options)
    missing = sorted(info["missing_keys"])
    if missing:
        raise CheckpointError(
            f"{shown(source)} lacks {len(missing)} weights of its network, such as {missing[0]}; "
            "is the download complete?"
        )
    misshapen = sorted(info["mismatched_keys"])
    if misshapen:
        raise CheckpointError(
            f"{len(misshapen)} weights of {shown(source)} have another shape than its config.json "
            f"says, such as {misshapen[0][0]}"
        )
    return model


def _adapt(model: Any, adapter: str, here: Mapping[str, Any]) -> None:
    """Put the weights of an adapter into a network."""
    if Path(adapter).is_dir() and not (Path(adapter) / "adapter_config.json").is_file():
        raise CheckpointError(f"{shown(adapter)} has no adapter_config.json; is it a PEFT adapter?")
    info = model.load_adapter(adapter, adapter_kwargs=dict(here))
    strange = sorted({*info.missing_keys, *info.unexpected_keys})
    if strange:
        raise CheckpointError(
            f"the adapter {shown(adapter)} is not of this model: {len(strange)} of its weights do "
            f"not fit, such as {strange[0]}"
        )

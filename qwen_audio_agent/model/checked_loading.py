"""Loading that never goes wrong in silence: transformers would fill gaps with random numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model.config import QwenAudioConfig
from qwen_audio_agent.model.differences import KeyDifferences, Misshapen
from qwen_audio_agent.model.downloads import read_json
from qwen_audio_agent.model.weights import check_checkpoint, read_config

_PRECISIONS: Final = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
Source = str | os.PathLike[str] | None

_OTHER_FILES: Final = ("gguf_file", "variant", "key_mapping")
"""Options that make transformers read other files, or other keys, than `check_checkpoint` does."""


def load_checked(
    load: Callable[..., Any],
    source: Source,
    *args: Any,
    config: Any = None,
    ignore_mismatched_sizes: bool = False,
    **kwargs: Any,
) -> Any:
    """Load a model, but only whole.

    Args:
        load: `from_pretrained` of transformers.
        source: a folder, a name on a hub, or None with `state_dict`.
        *args: for `load`.
        config: in the place of the checkpoint's.
        ignore_mismatched_sizes: let weights of other shapes be made anew.
        **kwargs: for `load`; or `bf16`, `fp16` or `fp32`, as the card has it, for a dtype.

    Returns:
        What `load` does.

    Raises:
        CheckpointError: a weight is missing, surplus or misshapen.
    """
    asked = [dtype for flag, dtype in _PRECISIONS.items() if kwargs.pop(flag, _flag(config, flag))]
    if asked and not {"dtype", "torch_dtype"} & kwargs.keys():
        kwargs["dtype"] = asked[0]
    try:
        checked = _checkable(source, config, kwargs)
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {error}") from error
    if checked:
        folder, effective = checked
        check_checkpoint(
            folder, effective, with_vocabulary=False, any_shape=ignore_mismatched_sizes
        ).raise_if_broken()
    wants_info = kwargs.pop("output_loading_info", False)
    # Misshapen weights are let through to be told below in one line, as the others are.
    model, info = load(
        source,
        *args,
        config=config,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **kwargs,
    )
    found = _differences(info, any_shape=ignore_mismatched_sizes).problems()
    if found:
        raise CheckpointError(f"{source or 'the state_dict'}: {found[0]}")
    return (model, info) if wants_info else model


def _flag(config: Any, name: str) -> bool:
    """A switch for a precision that the auto classes put into the config."""
    return bool(getattr(config, name, False))


def _differences(info: Mapping[str, Any], *, any_shape: bool) -> KeyDifferences:
    misshapen = () if any_shape else sorted(info["mismatched_keys"])
    return KeyDifferences(
        tuple(sorted(info["missing_keys"])),
        tuple(sorted(info["unexpected_keys"])),
        tuple(Misshapen(key, tuple(stored), tuple(wanted)) for key, stored, wanted in misshapen),
    )


def _checkable(
    source: Source, config: Any, kwargs: Mapping[str, Any]
) -> tuple[Path, QwenAudioConfig | None] | None:
    """The folder that can be checked before loading and the config to come; None: afterwards only.

    Of the folder of an adapter it is the one of its base model, of whose weights transformers says
    nothing once the adapter is loaded.
    """
    others = any(kwargs.get(option) for option in _OTHER_FILES)
    if source is None or others or kwargs.get("use_safetensors") is False:
        return None
    subfolder = kwargs.get("subfolder") or ""
    folder = Path(source, subfolder)
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").exists():
        base = read_json(folder / "adapter_config.json").get("base_model_name_or_path")
        folder = Path(str(base), subfolder)
    if not folder.is_dir():
        # A file with a config of its own may be loaded; a name on a hub is no path.
        is_path = folder.is_absolute() or folder.is_file()
        return (folder, None) if is_path and config is None else None
    if any(folder.glob("shard-*-model-*.safetensors")):  # of distributed training: loads strictly
        return None
    if isinstance(config, QwenAudioConfig):
        return folder, config
    place = Path(config or folder)
    return (folder, read_config(place, **kwargs)) if place.is_dir() else None

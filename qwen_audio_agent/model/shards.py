"""The files of a checkpoint that hold its weights, read no further than their headers.

Source: the safetensors format, https://huggingface.co/docs/safetensors; which files are taken is
as in transformers 5.
"""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model.downloads import Flaw, flaw_of, read_json, shown

SINGLE_FILES: Final = ("model.safetensors", "pytorch_model.bin")
"""The names of unsharded weights; the first of them that is there, or whose index is, is loaded."""

_LONGEST_HEADER = 100_000_000  # bytes; longer ones are refused by safetensors too
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A weight as a header describes it."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of weights.

    Attributes:
        name: of the file.
        num_bytes: that are there.
        tensors: what it holds, by key.
        flaw: why it cannot be loaded; None if it can.
    """

    name: str
    num_bytes: int = 0
    tensors: Mapping[str, StoredTensor] = field(default_factory=dict)
    flaw: Flaw | None = None


def read_shards(folder: Path) -> tuple[Shard, ...]:
    """The files that transformers would load from a folder, flawed ones too.

    Raises:
        CheckpointError: there are none, or their index is broken.
    """
    return tuple(_read_shard(folder / name) for name in _names(folder))


def _names(folder: Path) -> list[str]:
    for single in SINGLE_FILES:
        if (folder / single).exists():
            return [single]
        if (folder / f"{single}.index.json").exists():
            return _names_in_index(folder / f"{single}.index.json")
    for pattern in ("model-*.safetensors", "pytorch_model-*.bin"):
        if any(folder.glob(pattern)):
            index = f"{pattern.partition('-')[0]}.{pattern.rpartition('.')[2]}.index.json"
            raise CheckpointError(f"{index} is missing: is the download complete?")
    raise CheckpointError(f"holds no weights: neither {' nor '.join(SINGLE_FILES)}, nor an index")


def _names_in_index(index: Path) -> list[str]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index.name} names no files: it has no 'weight_map'")
    for name in weight_map.values():
        # Text of others: a path out of the folder is not followed.
        if not isinstance(name, str) or Path(name).name != name:
            raise CheckpointError(f"{index.name} names {shown(str(name))}, which is no file name")
    return sorted(set(weight_map.values()))


def _read_shard(path: Path) -> Shard:
    if flaw := flaw_of(path):
        return Shard(path.name, path.stat().st_size if path.exists() else 0, flaw=flaw)
    read = _read_safetensors if path.suffix == ".safetensors" else _read_pickle
    found = read(path)
    if isinstance(found, Flaw):
        return Shard(path.name, path.stat().st_size, flaw=found)
    return Shard(path.name, path.stat().st_size, found)


def _read_safetensors(path: Path) -> dict[str, StoredTensor] | Flaw:
    """The header, which says where the last byte of the file is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if length > _LONGEST_HEADER:
            return Flaw("unreadable", "is no safetensors file")
        header = file.read(length)
    if not length or len(header) < length:
        return Flaw("truncated", f"is cut off after {size:,} bytes: is the download complete?")
    try:
        entries: dict[str, Any] = json.loads(header)
        entries.pop("__metadata__", None)
        ends = [entry["data_offsets"][1] for entry in entries.values()]
        missing = 8 + length + max(ends, default=0) - size
        tensors = {
            key: StoredTensor(tuple(entry["shape"]), _dtype(entry["dtype"]))
            for key, entry in entries.items()
        }
        if missing > 0:
            whole = f"{size:,} of {size + missing:,} bytes are there"
            return Flaw("truncated", f"is cut off, {whole}: is the download complete?")
        with safe_open(path, "pt"):  # says of all else whether it will load
            return tensors
    except (SafetensorError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return Flaw("unreadable", "is no safetensors file: its header makes no sense")


def _read_pickle(path: Path) -> dict[str, StoredTensor] | Flaw:
    """Keys and shapes of a .bin, without its data."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on typed storages of old files
            tensors = torch.load(path, map_location="meta", weights_only=True, mmap=True)
        return {
            key: StoredTensor(tuple(tensor.shape), _dtype(str(tensor.dtype)))
            for key, tensor in tensors.items()
        }
    except Exception as error:  # noqa: BLE001 - torch's reader of pickles raises what it comes upon
        if "mmap can only be used" in str(error):  # before torch 1.6, or no weights at all
            return Flaw("unreadable", "is no zip of torch.save: its weights cannot be listed")
        return Flaw("unreadable", "is no file of torch.save, or cut off: is the download complete?")


def _dtype(name: str) -> str:
    return _DTYPES.get(name, name.removeprefix("torch.").lower())

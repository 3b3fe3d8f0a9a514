"""Where the weights of an ear are, which ones they are, and how they are loaded.

Weights come from a folder or, by their id, from the cache of the Hugging Face hub. Only an id that
somebody named just now is downloaded; one that a variable of the environment names is not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import torch
from huggingface_hub import snapshot_download

from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.transformers_calls import quiet
from qwen_audio_agent.speech.text import on_one_line

_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS: Final = ("*.safetensors", "pytorch_model*.bin")
_WANTED: Final = ["*.json", "*.txt", "*.jinja", "*.tiktoken", "*.safetensors"]
_UNWANTED: Final = ["*fp32*", "*/*"]  # a second copy of the weights, of twice the size
_SHOWN: Final = 200  # letters of what went wrong


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with weights, their configuration and what prepares their input.

    Attributes:
        folder: as `from_pretrained` takes it.
        version: another one for other files; 16 hexadecimal digits.
    """

    folder: Path
    version: str


def find_checkpoint(weights: str, model_type: str, *, download: bool) -> Checkpoint:
    """The checkpoint that a person named.

    Args:
        weights: a folder, or an id of the hub such as "openai/whisper-small".
        model_type: what its configuration must say it is.
        download: whether an id may be fetched; else it is taken from the cache only.

    Raises:
        HearingError: it is not there, or is of another kind; says what to do.
    """
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        folder = _of_hub(weights, download=download)
    try:
        found = json.loads((folder / "config.json").read_bytes())["model_type"]
    except FileNotFoundError:
        raise HearingError(f"{shown(folder)} holds no model: there is no config.json") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HearingError(
            f"{shown(folder / 'config.json')} cannot be read ({_line(error)})"
        ) from None
    if found != model_type:
        raise HearingError(
            f"{shown(folder)} holds a model of the type {on_one_line(str(found))!r:.40}, "
            f"and not {model_type!r}"
        )
    if not any(any(folder.glob(pattern)) for pattern in _WEIGHTS):
        raise HearingError(
            f"{shown(folder)} holds no weights: there is neither *.safetensors nor "
            "pytorch_model*.bin; fetch the whole checkpoint"
        )
    return Checkpoint(folder, _version(folder))


def _of_hub(weights: str, *, download: bool) -> Path:
    """The folder of an id in the cache of the hub.

    Raises:
        HearingError: it is no id, or cannot be had.
    """
    if not _HUB_ID.fullmatch(weights):
        raise HearingError(f"there is no folder {shown(Path(weights))} with weights")
    try:
        return Path(
            snapshot_download(
                weights,
                allow_patterns=_WANTED,
                ignore_patterns=_UNWANTED,
                local_files_only=not download,
            )
        )
    except (OSError, ValueError, httpx.HTTPError) as error:
        raise HearingError(
            f"{weights} is neither a folder nor at hand on this machine"
            + (f", and cannot be fetched ({_line(error)})" if download else "")
            + f"; fetch it where there is a network: hf download {weights}"
        ) from error


def _version(folder: Path) -> str:
    """Decided by what the small files hold, and by size and time of the big ones."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".txt", ".jinja"}:
            digest.update(f"{path.name}:{path.stat().st_size}:".encode() + path.read_bytes())
        elif path.suffix in {".safetensors", ".bin"}:
            found = path.stat()
            digest.update(f"{path.name}:{found.st_size}:{found.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def best_device() -> torch.device:
    """A GPU if there is one."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def best_dtype(device: torch.device, half: torch.dtype = torch.bfloat16) -> torch.dtype:
    """`half`, or what comes nearest to it, where the device is quick with it; else float32."""
    if device.type != "cuda":
        return torch.float32
    if half == torch.bfloat16 and not torch.cuda.is_bf16_supported():
        return torch.float16
    return half


def load_model(
    model_class: Any, folder: Path, device: torch.device, dtype: torch.dtype, **settings: Any
) -> Any:
    """A network of transformers with all of its weights, ready to be used.

    Args:
        model_class: has `from_pretrained`.
        folder: of a `Checkpoint`.
        device: where it goes.
        dtype: of its weights there.
        **settings: for `from_pretrained`.

    Raises:
        HearingError: the files are damaged, or weights are missing.
    """
    with loading(folder):
        model, told = model_class.from_pretrained(
            folder, dtype=dtype, local_files_only=True, output_loading_info=True, **settings
        )
        model = model.eval().to(device)
    if missing := sorted(told["missing_keys"]) + sorted(map(str, told["mismatched_keys"])):
        raise HearingError(
            f"{shown(folder)} lacks {len(missing)} of the weights that it should hold, as "
            f"{missing[0]:.80}; fetch it again"
        )
    return model


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Load in silence, and tell in one line what went wrong.

    Raises:
        HearingError: in place of anything else.
    """
    try:
        with quiet():
            yield
    except Exception as error:  # damaged files fail in as many ways as there are
        raise HearingError(f"{shown(folder)} cannot be loaded ({_line(error)})") from error


def _line(error: Exception) -> str:
    text = on_one_line(str(error)) or type(error).__name__
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."

"""Calling transformers to load something: silent, and with its errors in one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from huggingface_hub.errors import StrictDataclassError
from huggingface_hub.utils import logging as hub_logging
from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)
from safetensors import SafetensorError
from transformers.utils import logging

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.speech.text import on_one_line

FAULTS: Final = (
    OSError, ValueError, TypeError, RuntimeError, LookupError, AttributeError, ImportError,
    SafetensorError, StrictDataclassError,
)  # fmt: skip
"""What transformers raises where the files of others are not as it expects."""


@contextmanager
def told_in_one_line(source: str) -> Iterator[None]:
    """Turn what transformers raises into the error of this package.

    Raises:
        CheckpointError: `source` cannot be loaded.
    """
    try:
        yield
    except FAULTS as error:
        raise CheckpointError(f"{shown(source)} cannot be loaded: {one_line(error)}") from error


def shown(source: str) -> str:
    """The path or id of a checkpoint as a message shows it."""
    return f"'{on_one_line(source)[:200]}'"


def one_line(error: Exception) -> str:
    """What an error says, cut where it becomes a lecture."""
    return (on_one_line(str(error)) or type(error).__name__)[:300]


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, no warnings and no chat of libraries on the terminal of others."""
    bars, hub_bars = logging.is_progress_bar_enabled(), not are_progress_bars_disabled()
    verbosity, hub_verbosity = logging.get_verbosity(), hub_logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        hub_logging.set_verbosity(hub_verbosity)
        if bars:
            logging.enable_progress_bar()
        if hub_bars:
            enable_progress_bars()

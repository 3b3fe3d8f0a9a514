"""The tiny network and its tokenizer; the network of the golden data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from qwen_audio_agent.model import QwenAudioForCausalLM, QWenTokenizer
from tests.model.tiny import tiny_model, tiny_tokenizer


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The networks are tiny, and the tests already run side by side."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> QWenTokenizer:
    return tiny_tokenizer(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture(scope="module")
def model() -> QwenAudioForCausalLM:
    return tiny_model()


@pytest.fixture(scope="session")
def golden_tokenizer(golden_data: Path) -> QWenTokenizer:
    return AutoTokenizer.from_pretrained(golden_data / "checkpoint")


@pytest.fixture(scope="module")
def golden_model(golden_data: Path) -> QwenAudioForCausalLM:
    """The checkpoint of the golden data, computing as the original does."""
    folder = golden_data / "checkpoint"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.config.reference_exact = True
    return model.eval()

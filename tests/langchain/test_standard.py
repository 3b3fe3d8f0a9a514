"""LangChain's own unit tests, on a tiny network with random weights whose calls are constrained."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests

from qwen_audio_agent.chat_models.qwen_audio import ChatQwenAudio
from qwen_audio_agent.model.engine import QwenAudioEngine
from tests.model.tiny import tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> QwenAudioEngine:
    model = tiny_model(max_position_embeddings=32_768)
    return QwenAudioEngine(model, tiny_tokenizer(tmp_path_factory.mktemp("vocabulary")), "tiny")


class TestChatQwenAudio(ChatModelUnitTests):
    @pytest.fixture(autouse=True)
    def _engine(self, engine: QwenAudioEngine) -> None:
        type(self).engine = engine

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatQwenAudio

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"engine": self.engine, "constrained": True}

    @property
    def supports_audio_inputs(self) -> bool:
        return True

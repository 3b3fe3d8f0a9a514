"""What the suites of langchain-tests are told of our models, and why some of their tests skip.

| suite class | model | engine |
|---|---|---|
| `TestReAct...` | `ChatQwenAudio` | a writer of ReAct, its calls and JSON under the grammar |
| `TestHermes...` | `ChatQwenAudio` | a writer of Hermes, free, which makes up results of tools |
| `TestNetwork...` | `ChatQwenAudio` | random weights; where words matter (`WRITTEN`), the writer |
| `TestOffline...` | `OfflineChatModel` | none |

A writer (tests/model: `writer.py`, `writing_engine.py`) stands in the place of the products of
matrices and of nothing else. A test that skips without being listed here fails, and so does one
that is listed and does not skip (`conftest.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_tests.integration_tests import chat_models

from qwen_audio_agent.langchain import ChatQwenAudio, OfflineChatModel

WRITTEN = (
    "test_tool_calling", "test_tool_calling_async", "test_agent_loop", "test_json_mode",
    "test_unicode_tool_call_integration",
)  # fmt: skip
"""Tests that ask for certain words, which random weights do not write."""

NO_PICTURES = {
    "test_image_inputs": "it hears and reads, and sees no pictures",
    "test_image_tool_message": "it sees no pictures",
    "test_pdf_inputs": "it takes text and audio, and no documents",
    "test_pdf_tool_message": "it takes text and audio, and no documents",
}
NOT_SERIALIZABLE = {
    "test_serdes": "langchain-core loads no class of others, and no weights: not serializable",
}
_EDITS_ONLY = "it plans edits of speech by a grammar, with the agent's tools, and calls no others"
_NO_JSON = "it writes no JSON to order"
ONLY_EDITING = {
    "test_tool_calling": _EDITS_ONLY,
    "test_tool_calling_async": _EDITS_ONLY,
    "test_bind_runnables_as_tools": _EDITS_ONLY,
    "test_tool_choice": _EDITS_ONLY,
    "test_tool_calling_with_no_arguments": _EDITS_ONLY,
    "test_structured_few_shot_examples": _EDITS_ONLY,
    "test_agent_loop": _EDITS_ONLY,
    "test_unicode_tool_call_integration": _EDITS_ONLY,
    "test_structured_output": _NO_JSON,
    "test_structured_output_async": _NO_JSON,
    "test_structured_output_pydantic_2_v1": _NO_JSON,
    "test_structured_output_optional_param": _NO_JSON,
    "test_json_mode": _NO_JSON,
}


def with_reason(report: pytest.TestReport, reason: str | None) -> pytest.TestReport:
    """The report, with the listed reason of a skip; failed if it skips unlisted, or if it should.

    Args:
        report: of one phase of a test.
        reason: why the test is listed to be skipped; None: it is not.
    """
    if report.skipped and reason:
        path, line, _ = report.longrepr
        report.longrepr = (path, line, f"Skipped: {reason}")
    elif report.skipped or (reason and report.when == "call" and report.passed):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: it skips if, and only if, `skips` lists it"
    return report


@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
class Suite:
    """What all models have in common."""

    supports_audio_inputs = True
    supports_anthropic_inputs = True
    enable_vcr_tests = True  # there is no traffic to record
    skips = NO_PICTURES

    @pytest.fixture(autouse=True)
    def _sound(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, spoken_wav: str
    ) -> None:
        """The suite fetches a bird from the internet; a person speaks here."""
        monkeypatch.setattr(chat_models, "_get_base64_from_url", lambda _: spoken_wav)
        self._wav = spoken_wav
        self._test = getattr(request.node, "originalname", "")


class QwenAudioSuite(Suite):
    """What is told of `ChatQwenAudio`."""

    chat_model_class = ChatQwenAudio
    constrained = True
    supports_json_mode = True
    supported_usage_metadata_details: ClassVar = {
        "invoke": ["audio_input"],
        "stream": ["audio_input"],
    }

    @pytest.fixture(autouse=True)
    def _engines(self, engines: dict[str, Any], checkpoint: Path, _sound: None) -> None:
        self._engine = engines[self._engine_name()]
        self._checkpoint = checkpoint

    def _engine_name(self) -> str:
        return self.engine

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"engine": self._engine, "constrained": self.constrained}

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        # A token is a byte here, and the grammar allows a string 200 letters of up to four bytes: a
        # joke of two may have more than 1,600. Random weights write on to the limit where no
        # grammar ends what they write.
        wants_form = any(word in self._test for word in ("tool", "structured"))
        limit = 3000 if wants_form or self._engine.name != "tiny" else 100
        return super().standard_chat_model_params | {"max_tokens": limit}

    @property
    def model_override_value(self) -> str:
        return self._engine.name

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"QWEN_AUDIO_AGENT_MODEL": str(self._checkpoint)}, {}, {"model": "Tiny-Audio-Chat"}

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        block = {"type": "audio", "base64": self._wav, "mime_type": "audio/wav"}
        messages = [HumanMessage([block, {"type": "text", "text": "what does the person say?"}])]
        model = ChatQwenAudio(**self.chat_model_params, max_tokens=40)
        if not stream:
            return model.invoke(messages)
        first, *others = model.stream(messages)
        return sum(others, first)


class OfflineSuite(Suite):
    """What is told of `OfflineChatModel`."""

    chat_model_class = OfflineChatModel
    has_structured_output = False
    model_override_value = "offline"
    skips = NO_PICTURES | ONLY_EDITING

    @property
    def has_tool_calling(self) -> bool:
        # It reads the calls of others in a conversation, and may be bound to their tools.
        return "tool_message" in self._test

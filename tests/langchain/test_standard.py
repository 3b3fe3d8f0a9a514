"""LangChain's own suites on our chat models; `suites.py` says which on what."""

from __future__ import annotations

from typing import ClassVar

from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.langchain.suites import NOT_SERIALIZABLE, WRITTEN, OfflineSuite, QwenAudioSuite


class TestReAct(QwenAudioSuite, ChatModelIntegrationTests):
    """ChatQwenAudio, a writer of ReAct under the grammar."""

    engine = "react"


class TestHermes(QwenAudioSuite, ChatModelIntegrationTests):
    """ChatQwenAudio, a writer of Hermes without a grammar, JSON by its schema."""

    engine = "free hermes"
    constrained = False
    structured_output_kwargs: ClassVar = {"method": "json_schema"}


class TestNetwork(QwenAudioSuite, ChatModelIntegrationTests):
    """ChatQwenAudio, random weights under the grammar; where words matter, the writer."""

    engine = "tiny"

    def _engine_name(self) -> str:
        return "react" if self._test in WRITTEN else "tiny"


class TestNetworkUnit(QwenAudioSuite, ChatModelUnitTests):
    """ChatQwenAudio, random weights."""

    engine = "tiny"
    skips = NOT_SERIALIZABLE


class TestOffline(OfflineSuite, ChatModelIntegrationTests):
    """OfflineChatModel."""


class TestOfflineUnit(OfflineSuite, ChatModelUnitTests):
    """OfflineChatModel."""

    skips = NOT_SERIALIZABLE | {"test_init_from_env": "there is nothing to choose"}

"""LangChain's own suites on our chat models; `suites.py` says which on what."""

from __future__ import annotations

from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.langchain.suites import NOT_SERIALIZABLE, WRITTEN, OfflineSuite, QwenAudioSuite


class TestReAct(QwenAudioSuite, ChatModelIntegrationTests):
    engine = "react"


class TestHermes(QwenAudioSuite, ChatModelIntegrationTests):
    engine = "free hermes"
    constrained = False
    structured_output_kwargs = {"method": "json_schema"}


class TestNetwork(QwenAudioSuite, ChatModelIntegrationTests):
    engine = "tiny"

    def _engine_name(self) -> str:
        return "react" if self._test in WRITTEN else "tiny"


class TestNetworkUnit(QwenAudioSuite, ChatModelUnitTests):
    engine = "tiny"
    skips = NOT_SERIALIZABLE


class TestOffline(OfflineSuite, ChatModelIntegrationTests):
    pass


class TestOfflineUnit(OfflineSuite, ChatModelUnitTests):
    skips = NOT_SERIALIZABLE | {"test_init_from_env": "there is nothing to choose"}

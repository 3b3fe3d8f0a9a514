"""Sound for the suites of LangChain, engines, and the rule for tests that those suites skip."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from qwen_audio_agent.langchain import ChatQwenAudio
from tests.langchain.asking import FORMS
from tests.langchain.suites import with_reason
from tests.model.tiny_checkpoint import write_tiny_checkpoint
from tests.model.writing_engine import tiny_engines


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The networks are tiny, and the tests already run side by side."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return tiny_engines(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture
def make(engines: dict[str, Any]):
    """Makes a chat model: of a writer, or of the network."""

    def made(form: str, **settings: Any) -> ChatQwenAudio:
        constrained = not form.startswith("free")
        return ChatQwenAudio(
            engine=engines[form], **{"constrained": constrained, "temperature": 0, **settings}
        )

    return made


@pytest.fixture(params=FORMS)
def chat(request: pytest.FixtureRequest, make) -> ChatQwenAudio:
    return make(request.param)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a whole checkpoint of random weights."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "Tiny-Audio-Chat")


@pytest.fixture(scope="session")
def spoken_wav(interview: Path) -> str:
    """The recording that ships with the repository, as base64 of a wav."""
    samples, rate = soundfile.read(interview)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return base64.b64encode(file.getvalue()).decode()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Fails a test that skips without being listed in its suite's `skips`, and the other way."""
    report = yield
    skips = getattr(getattr(item, "cls", None), "skips", None)
    return report if skips is None else with_reason(report, skips.get(item.originalname))

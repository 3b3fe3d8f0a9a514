"""Google's and Anthropic's own packages send what their servers take.

Google's is skipped unless it is installed: pip install "langchain-google-genai>=4"
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent

from qwen_audio_agent import Planner
from qwen_audio_agent.langchain import ForeignChatModel, SpeechEditingToolkit, editing_middleware
from tests.langchain.other_servers import Calls, Partner, anthropic, google, serving
from tests.langchain.talks import heard, open_talk, user

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SCRIPT: list[Calls | str] = [
    [("cut", {"audio": 1, "words": "bravo"}), ("cut", {"audio": 1, "words": "alpha"})],
    [("cut", {"audio": 9, "words": "delta"})],
    "Done.",
]


@pytest.fixture
def toolkit(tmp_path: Path, socket_enabled: None) -> Iterator[SpeechEditingToolkit]:
    with open_talk(tmp_path, "alpha bravo charlie delta") as opened:
        yield opened


def edit(model: Any, toolkit: SpeechEditingToolkit, how: str) -> None:
    """The same job through the planner, or through an agent."""
    if how == "planner":
        wrapped = ForeignChatModel(model=model, hear=toolkit.hear)
        list(Planner(toolkit.session, wrapped).run("Do it"))
    else:
        agent = create_agent(model, toolkit.get_tools(), middleware=editing_middleware(toolkit))
        agent.invoke(user("Do it"))
    assert heard(toolkit, toolkit.result) == "charlie delta"


@pytest.mark.parametrize("how", ["planner", "agent"])
def test_gemini_is_sent_sound_and_schemas_that_it_takes(
    toolkit: SpeechEditingToolkit, how: str
) -> None:
    module = pytest.importorskip("langchain_google_genai", exc_type=ImportError)
    with serving(Partner(SCRIPT), google) as partner:
        model = module.ChatGoogleGenerativeAI(
            model="gemini-2.5-flash", google_api_key="k", base_url=partner.url, max_retries=1
        )
        edit(model, toolkit, how)
    assert not partner.refusals
    sounds = [json.dumps(body).count("inlineData") for body in partner.requests]
    assert sounds == [1, 2, 2]
    last = partner.requests[-1]["contents"]
    assert "There is no Audio 9" in json.dumps(last)
    if how == "agent":  # Google's package leaves the bounds out, so the description says them
        assert "2 for Audio 2 (1 to 3)" in json.dumps(partner.requests[-1]["tools"])


@pytest.mark.parametrize("how", ["planner", "agent"])
def test_claude_is_sent_words_with_times(toolkit: SpeechEditingToolkit, how: str) -> None:
    module = pytest.importorskip("langchain_anthropic", exc_type=ImportError)
    with serving(Partner(SCRIPT), anthropic) as partner:
        model = module.ChatAnthropic(
            model="claude-sonnet-4-5", api_key="k", base_url=partner.url, max_retries=0
        )
        edit(model, toolkit, how)
    assert not partner.refusals
    first, second, _ = (json.dumps(body["messages"]) for body in partner.requests)
    assert "Words heard, with seconds: alpha 0.3" in first
    assert "heard again at the join" in second
    assert '"audio/wav"' not in first + second

"""An hour of speech and 20 calls: the state stays small, silent, and the memory bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from tests.langchain.agents import THREAD, editor
from tests.langchain.talks import asks, open_talk, scripted, user

ROOT = Path(__file__).parent.parent.parent


def test_the_state_of_twenty_calls_is_small_and_silent(tmp_path: Path) -> None:
    with open_talk(tmp_path, " ".join(["alpha bravo charlie delta echo foxtrot"] * 4)) as toolkit:
        calls = [("cut", {"audio": n, "words": "alpha", "which": "first"}) for n in range(1, 4)]
        calls += [("silence", {"audio": n, "start": 1, "end": 1.3}) for n in range(4, 21)]
        model = scripted(*map(asks, calls), AIMessage("Done."), profile={"audio_inputs": True})
        state = editor(toolkit, model).invoke(user("Do it"), THREAD)
        _, data = JsonPlusSerializer().dumps_typed(state)
        assert len(toolkit.session.steps) == 20
        assert len(data) < 40_000
        assert b"base64" not in data


@pytest.mark.slow  # two minutes: the embedded ear really listens
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is told on Linux")
@pytest.mark.parametrize("kind", ["hears", "reads"])
def test_an_hour_is_edited_in_little_memory_and_state(tmp_path: Path, kind: str) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.langchain.one_hour", kind, tmp_path],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    cost = json.loads(done.stdout)
    assert (cost["num_calls"], cost["refused"]) == (20, [])
    assert cost["ear"] == "pocketsphinx"
    assert cost["state_bytes"] < 40_000
    assert not cost["has_sound"]
    assert cost["mib"] + cost["children_mib"] < 400

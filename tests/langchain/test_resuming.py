"""Runs that go on in another process after theirs was killed, with their audios still there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from langgraph.types import Command

from tests.langchain.killed_agent import SCRIPT, THREAD, agent_in
from tests.langchain.talks import heard

ROOT = Path(__file__).parent.parent.parent


def killed(folder: Path, point: str) -> None:
    folder.mkdir()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    code = "from tests.langchain.killed_agent import main; import sys, pathlib; "
    code += "main(pathlib.Path(sys.argv[1]), sys.argv[2])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), point],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL


def test_a_question_is_answered_after_a_kill(tmp_path: Path) -> None:
    killed(tmp_path / "run", "asked")
    toolkit, agent = agent_in(tmp_path / "run", SCRIPT[2:], ask=True)
    with toolkit:
        assert heard(toolkit, 2) == "alpha charlie delta"
        (pending,) = agent.get_state(THREAD).interrupts
        assert 'Cut "charlie"' in pending.value["action_requests"][0]["description"]
        approve = {"decisions": [{"type": "approve"}, {"type": "approve"}]}
        done = agent.invoke(Command(resume=approve), THREAD)
        assert done["messages"][-1].text == "Done."
        assert heard(toolkit, toolkit.result) == "delta"
        assert "base64" not in json.dumps([m.model_dump() for m in done["messages"]])


def test_an_edit_that_was_kept_before_a_kill_is_not_made_twice(tmp_path: Path) -> None:
    killed(tmp_path / "run", "kept")
    toolkit, agent = agent_in(tmp_path / "run", SCRIPT[2:])
    with toolkit:
        assert toolkit.session.latest in (3, 4)
        done = agent.invoke(None, THREAD)
        assert done["messages"][-1].text == "Done."
        assert [step.arguments["words"] for step in toolkit.session.steps] == [
            "bravo", "charlie", "alpha",
        ]  # fmt: skip
        assert [step.given for step in toolkit.session.steps] == [1, 2, 3]
        assert heard(toolkit, toolkit.result) == "delta"

"""`create_agent` and the package's own planner do the same, and stop at the same limits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from qwen_audio_agent import Planner, QwenAudioAgentError
from qwen_audio_agent.langchain import OfflineChatModel, SpeechEditingToolkit
from tests.agent.conftest import ShiftedEar, ToneEar
from tests.langchain.agents import THREAD, broken, editor, results
from tests.langchain.talks import asks, cut, open_talk, scripted, user

SCRIPTS: dict[str, Callable[[], list[AIMessage]]] = {
    "one after the other": lambda: [asks(cut("bravo")), asks(cut("um", 2)), AIMessage("Done.")],
    "at once": lambda: [
        asks(cut("bravo"), cut("um"), ("silence", {"audio": 1, "words": "alpha"})),
        AIMessage("Done."),
    ],
    "with mistakes": lambda: [
        asks(cut("zulu")),
        broken(),
        asks(cut("bravo"), ("cut", {"audio": 1, "start": 0.1, "end": 0.2})),
        asks(("fly", {"audio": 1})),
        asks(("undo", {"audio": 2})),
        AIMessage("Done."),
    ],
    "all tools": lambda: [
        asks(("tidy", {"audio": 1}), ("gain", {"audio": 1, "db": -6})),
        asks(("move", {"audio": 3, "words": "alpha", "after": "delta"}), ("denoise", {"audio": 2})),
        asks(("insert", {"audio": 4, "other": 1, "words": "bravo"}), ("listen", {"audio": 5})),
        AIMessage("Done."),
    ],
    "without an end": lambda: [asks(cut(w)) for w in ["alpha", "bravo", "charlie", "delta", "um"]],
    "more than may be": lambda: [
        asks(cut("bravo"), cut("um")),
        asks(cut("alpha", 3), cut("charlie", 3), cut("delta", 3)),
    ],
    "out of time": lambda: [asks(cut("bravo"), cut("um"))],
}


LIMITS: dict[str, dict[str, Any]] = {
    "without an end": {"max_steps": 3},
    "more than may be": {"max_steps": 4},
    "out of time": {"max_seconds": 0.0},
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_agent_and_planner_make_the_same_edits(tmp_path: Path, script: str) -> None:
    text = "alpha bravo um charlie 1.2 delta"
    limits = LIMITS.get(script, {"max_steps": 20})
    with open_talk(tmp_path / "a", text) as ours, open_talk(tmp_path / "b", text) as theirs:
        planner = Planner(ours.session, scripted(*SCRIPTS[script]()), **limits)
        stopped = pytest.raises(QwenAudioAgentError, match="no answer after")
        with stopped if script in LIMITS else nullcontext():
            list(planner.run("Do it"))
        agent = editor(theirs, scripted(*SCRIPTS[script]()), **limits)
        done = agent.invoke(user("Do it"), THREAD)["messages"]
        assert done[-1].text.startswith("Stopped: no answer") is (script in LIMITS)
        told = sorted(status for status, _ in results(done))
        if script == "out of time":  # the planner answers what it left open when it goes on
            told.remove("error")
        assert told == sorted(status for status, _ in results(ours.session.messages))
        assert_same(ours, theirs, tmp_path)


def assert_same(ours: SpeechEditingToolkit, theirs: SpeechEditingToolkit, folder: Path) -> None:
    """The same steps with the same verdicts and repairs, and the same sound."""
    for one, other in zip(ours.session.steps, theirs.session.steps, strict=True):
        assert {**one.to_json(), "call_id": ""} == {**other.to_json(), "call_id": ""}
    for number in ours.session.numbers:
        made = [toolkit.session.entry(number).edit_list.id for toolkit in (ours, theirs)]
        assert made[0] == made[1]
    ours.render(folder / "a.wav")
    theirs.render(folder / "b.wav")
    assert (folder / "a.wav").read_bytes() == (folder / "b.wav").read_bytes()


def test_the_offline_model_plans_the_same_in_both(tmp_path: Path) -> None:
    text = "alpha bravo charlie delta"
    with open_talk(tmp_path / "a", text) as ours, open_talk(tmp_path / "b", text) as theirs:
        order = 'Cut "bravo" and make it 3 dB louder'
        *_, answer = Planner(ours.session, OfflineChatModel(hear=ours.hear)).run(order)
        done = editor(theirs, OfflineChatModel()).invoke(user(order), THREAD)["messages"]
        assert done[-1].text == answer.text
        assert len(theirs.session.steps) == 2
        kept = [message for message in ours.session.messages if isinstance(message, HumanMessage)]
        told = [message for message in done if isinstance(message, HumanMessage)]
        assert [m.content for m in told] == [m.content for m in kept]


def test_agent_and_planner_repair_the_same_edges(tmp_path: Path) -> None:
    text = "alpha bravo charlie delta echo"
    how = {"ear": ShiftedEar(ToneEar(), by=0.09, error=0.08)}
    with (
        open_talk(tmp_path / "a", text, **how) as ours,
        open_talk(tmp_path / "b", text, **how) as theirs,
    ):
        script = asks(cut("bravo"), cut("delta"))
        list(Planner(ours.session, scripted(script, AIMessage("Done."))).run("Do it"))
        done = editor(theirs, scripted(script, AIMessage("Done."))).invoke(user("Do it"), THREAD)
        assert [step.repairs > 0 for step in ours.session.steps] == [True, True]
        assert "after moving edges" in str(done["messages"])
        assert_same(ours, theirs, tmp_path)

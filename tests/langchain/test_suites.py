"""The rule for skips, and the command that counts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.langchain.suites import with_reason


def _report(outcome: str) -> pytest.TestReport:
    told = ("chat_models.py", 12, "Skipped: of the suite") if outcome == "skipped" else None
    return pytest.TestReport("a::b", ("a", 1, "b"), {}, outcome, told, "call")


def test_a_listed_skip_gives_its_reason() -> None:
    report = with_reason(_report("skipped"), "it sees nothing")
    assert report.skipped
    assert report.longrepr == ("chat_models.py", 12, "Skipped: it sees nothing")


@pytest.mark.parametrize(("outcome", "reason"), [("skipped", None), ("passed", "no pictures")])
def test_a_skip_that_is_not_listed_fails_and_one_that_does_not_happen(outcome, reason) -> None:
    assert with_reason(_report(outcome), reason).failed


def test_other_tests_are_left_alone() -> None:
    assert with_reason(_report("passed"), None).passed
    assert with_reason(_report("failed"), None).failed


def test_the_command_counts() -> None:
    tool = Path(__file__).parents[2] / "tools" / "langchain_suites.py"
    chosen = ["--", "-k", "TestNetworkUnit and not init_time"]
    run = subprocess.run(
        [sys.executable, tool, "--json", *chosen], capture_output=True, text=True, check=True
    )
    counts = json.loads(run.stdout)["TestNetworkUnit"]
    assert (counts["passed"], counts["skipped"], counts["failed"]) == (8, 1, 0)
    assert counts["skips"] == {"test_serdes": counts["skips"]["test_serdes"]}
    assert "not serializable" in counts["skips"]["test_serdes"]

"""Run LangChain's own suites on our chat models and print what passes, and why the rest is skipped.

    python tools/langchain_suites.py            Markdown; exit status 0 when nothing fails
    python tools/langchain_suites.py --json     the same as data; after --, arguments of pytest

The classes are those of tests/langchain/test_standard.py; tests/langchain/suites.py says which
engine each of them has, and lists what may be skipped.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SUITES = ROOT / "tests" / "langchain" / "test_standard.py"


@dataclass
class Counts:
    """What became of the tests of one class.

    Attributes:
        about: what the class runs on.
        seconds: of all its tests with their fixtures.
        skips: reasons by test.
    """

    about: str = ""
    passed: int = 0
    skipped: int = 0
    failed: int = 0
    xfailed: int = 0
    seconds: float = 0.0
    skips: dict[str, str] = field(default_factory=dict)


class Counting:
    """A plugin of pytest that counts by class."""

    def __init__(self) -> None:
        self.by_class: dict[str, Counts] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what each class is about."""
        for item in session.items:
            suite: Any = getattr(item, "cls", None)
            self.by_class.setdefault(suite.__name__, Counts((suite.__doc__ or "").strip()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test, once; a fixture counts only where it fails."""
        name = report.nodeid.split("::")
        counts = self.by_class[name[1]]
        counts.seconds += report.duration
        if report.failed:
            counts.failed += 1
        elif hasattr(report, "wasxfail"):
            counts.xfailed += 1
        elif report.skipped:
            counts.skipped += 1
            counts.skips[name[2]] = str(report.longrepr[2]).removeprefix("Skipped: ")  # type: ignore[index]
        elif report.when == "call":
            counts.passed += 1


def run_suites(arguments: list[str]) -> tuple[dict[str, Counts], str]:
    """The counts by class, and what pytest, given these arguments, said."""
    counting, said = Counting(), io.StringIO()
    sys.path.insert(0, str(ROOT))
    with contextlib.redirect_stdout(said):
        pytest.main(
            ["-q", "--benchmark-disable", f"--rootdir={ROOT}", str(SUITES), *arguments],
            plugins=[counting],
        )
    return counting.by_class, said.getvalue()


def show(by_class: dict[str, Counts]) -> None:
    """Print tables."""
    print("| suite | on | tests | passed | skipped | failed | xfailed | s |")
    print("|---|---|---|---|---|---|---|---|")
    for name, c in by_class.items():
        tests = c.passed + c.skipped + c.failed + c.xfailed
        numbers = f"{tests} | {c.passed} | {c.skipped} | {c.failed} | {c.xfailed} | {c.seconds:.0f}"
        print(f"| {name} | {c.about} | {numbers} |")
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, counts in by_class.items():
        for test, reason in counts.skips.items():
            reasons.setdefault((test.partition("[")[0], reason), []).append(name)
    print("\n| skipped | in | because |\n|---|---|---|")
    for (test, reason), names in reasons.items():
        print(f"| {test} | {', '.join(dict.fromkeys(names))} | {reason} |")


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 when nothing fails and something was run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="data in the place of tables")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    arguments = parser.parse_args(argv)
    by_class, said = run_suites(arguments.pytest)
    if arguments.json:
        print(json.dumps({name: asdict(counts) for name, counts in by_class.items()}, indent=1))
    else:
        show(by_class)
    went_well = by_class and not any(counts.failed for counts in by_class.values())
    if not went_well:
        print(said, file=sys.stderr)
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main())

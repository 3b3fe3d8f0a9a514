"""`evaluate.py agent`: instructions with their expected plans, and traps that must be asked back.

A plan is exact, or it is a wrong edit (anything else that changes the sound, or any change where
none was wanted), or it was refused though a plan was wanted. A wrong edit costs as much as ten
refusals. The rows are in `instructions.jsonl`; `--rows` reads others of the same shape.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measuring
from agent_recordings import Call
from agent_scene import Scene
from agent_score import ROWS, Row, Verdict, judge, read_rows, score
from langchain_core.language_models import BaseChatModel

from qwen_audio_agent.chat_models import open_chat_model
from qwen_audio_agent.errors import QwenAudioAgentError

MakeModel = Callable[[Callable[[str], Any]], BaseChatModel]


@dataclass(frozen=True)
class Result:
    """What a model made of a row."""

    row: Row
    done: tuple[Call, ...]
    answer: str
    num_before: int = 0

    @property
    def verdict(self) -> Verdict:
        return judge(self.row, self.done, self.num_before)


def model_maker(name: str) -> MakeModel:
    """What makes the chat model of a name, fresh for each row.

    Args:
        name: what the command's own `--model` takes, or `module:attribute`: an importable function
            without arguments that gives a LangChain chat model.

    Raises:
        SystemExit: nothing is there under that name.
    """
    module, _, attribute = name.partition(":")
    if module in ("offline", "scripted") or not attribute:
        return lambda hear: open_chat_model(name, hear=hear)
    try:
        make = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SystemExit(f"evaluate.py agent: no chat model at {name}: {error}") from error
    return lambda hear: make()  # noqa: ARG005 - only the offline model hears by itself


def run_row(row: Row, make_model: MakeModel) -> Result:
    """Say a row's instruction in a scene of its own."""
    scene = Scene(make_model)
    if row.after:
        scene.say(row.after)
    num_before = len(scene.done)
    try:
        _, answer = scene.say(row.say)
    except QwenAudioAgentError as error:
        answer = str(error)
    return Result(row, tuple(scene.done), answer, num_before)


def counts(name: str, results: Sequence[Result]) -> dict[str, object]:
    """One line of the table."""
    verdicts = [result.verdict for result in results]
    return {
        "category": name,
        "rows": len(verdicts),
        "exact": verdicts.count("exact"),
        "exact %": 100 * verdicts.count("exact") / len(verdicts),
        "wrong edit": verdicts.count("wrong edit"),
        "refused": verdicts.count("refused"),
        "score": score(verdicts),
    }


def table_rows(results: Sequence[Result]) -> list[dict[str, object]]:
    """A line for each category, for all plans, all traps, and all of it."""
    names = dict.fromkeys(result.row.category for result in results)
    lines = [counts(name, [r for r in results if r.row.category == name]) for name in names]
    totals = {
        "all plans": [r for r in results if r.row.calls is not None],
        "all traps": [r for r in results if r.row.calls is None],
        "all": list(results),
    }
    return lines + [counts(name, group) for name, group in totals.items() if group]


def describe(result: Result) -> dict[str, object]:
    """A failure, for people to look at."""
    return {
        "say": result.row.say,
        "verdict": result.verdict,
        "wanted": result.row.calls,
        "done": [
            (name, {key: value for key, value in given.items() if value is not None})
            for name, given in result.done
        ],
        "answer": result.answer,
    }


def main(argv: list[str]) -> int:
    """Print the table, and the failures if asked; exit status 0."""
    parser = argparse.ArgumentParser(prog="evaluate.py agent", description=__doc__)
    parser.add_argument(
        "--model",
        default="offline",
        metavar="MODEL",
        help="offline, scripted:FILE.json, or module:attribute that makes a LangChain chat model",
    )
    parser.add_argument("--rows", type=Path, default=ROWS, metavar="FILE.jsonl")
    parser.add_argument("--failures", action="store_true", help="list what is not exact")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    make_model = model_maker(arguments.model)
    results = [run_row(row, make_model) for row in read_rows(arguments.rows)]
    failures = [describe(r) for r in results if r.verdict != "exact"] if arguments.failures else []
    if arguments.json:
        print(json.dumps({"table": table_rows(results), "failures": failures}, indent=1))
        return 0
    print(measuring.table(table_rows(results)))
    for failure in failures:
        print(f"\n{failure['verdict']}: {failure['say']}\n  wanted {failure['wanted']}")
        print(f"  done   {failure['done']}\n  answer {failure['answer']}")
    return 0

"""Writes what a good model of 7 billion would write to the prompts of LangChain's suites.

It knows nothing but the text of the prompt, turn by turn, as the network would read it: the tools
from the text that describes them, the question from the last turn, what it must go on with from the
turn that is open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Turns = Sequence[tuple[str, str]]
"""Role and text; the last one is the assistant's, and open."""

_TOOL = re.compile(
    r"^(\w+): Call this tool .* Parameters: (\{.*\}) Format the arguments as a JSON object\.$",
    re.MULTILINE,
)
_SCHEMA = re.compile(r"It must fit this JSON schema:\n(\{.*\})")
_WORDS = "Hello there, how are you? I can hear recordings, and talk about what is said in them."
_IN_QUESTION = {
    "answer_style": r"a (\w+) greeting",
    "customer_name": r"'([^']+)'",
    "description": r"- an? ([^-]+)$",
    "location": r"in ([^?]+)\?",
}
"""Where a question says what an argument is."""

_JOKE = {
    "setup": "Why did the cat sit on the computer?",
    "punchline": "To keep an eye on the mouse.",
}


@dataclass(frozen=True)
class Writer:
    """Writes replies.

    Attributes:
        form: "react" or "hermes".
        makes_up_results: whether it goes on after a call with what a tool might answer, as such
            models do when nobody stops them.
    """

    form: str
    makes_up_results: bool = False

    def reply(self, turns: Turns) -> str:
        """The reply that goes on with the open turn."""
        (system, *_), given = [text for role, text in turns if role == "system"], turns[-1][1]
        tools = self._tools(system, turns)
        question = self._question(turns)
        if tools and (given.endswith(("Action:", "Action Input:", '"name": "', '"arguments":'))):
            return self._forced(tools, _chosen(tools, question, turns), question, given)
        if tools and not self._is_answered(turns):
            return self._call(tools, _chosen(tools, question, turns), question)
        answer = self._answer(system, question)
        if self.form == "react" and given.endswith("Thought:"):
            return f" I now know the final answer.\nFinal Answer: {answer}"
        return f" {answer}" if given.endswith(":") else answer

    def _tools(self, system: str, turns: Turns) -> dict[str, Any]:
        """Names and schemas."""
        if self.form == "react":
            asked = next((t for role, t in reversed(turns) if role == "user"), "")
            return {name: json.loads(schema) for name, schema in _TOOL.findall(asked)}
        listed = re.search(r"<tools>\n(\{.*\})\n</tools>", system, re.DOTALL)
        functions = (
            [json.loads(line)["function"] for line in listed[1].split("\n")] if listed else []
        )
        return {function["name"]: function.get("parameters", {}) for function in functions}

    def _question(self, turns: Turns) -> str:
        asked = [text for role, text in turns if role == "user"]
        asked = [text for text in asked if not text.startswith("<tool_response>")]
        return asked[-1].rpartition("\nQuestion: ")[2] if asked else ""

    def _is_answered(self, turns: Turns) -> bool:
        """Whether a tool has just given what was asked for, and no error."""
        result = turns[-1][1] if self.form == "react" else turns[-2][1]
        marks = ("Observation:", "<tool_response>")
        return any(mark in result for mark in marks) and "Error:" not in result

    def _call(self, tools: Mapping[str, Any], name: str, question: str) -> str:
        written = _written(tools[name], question)
        if self.form == "hermes":
            called = f'<tool_call>\n{{"name": "{name}", "arguments": {written}}}\n</tool_call>'
            made_up = "\n<tool_response>\n42\n</tool_response>"
        else:
            called = f" A tool knows.\nAction: {name}\nAction Input: {written}"
            made_up = "\nObservation: 42\nThought: I now know the final answer."
        return called + made_up * self.makes_up_results

    def _forced(self, tools: Mapping[str, Any], name: str, question: str, given: str) -> str:
        """The rest of a call whose beginning was put in its mouth."""
        if given.endswith("Action Input:"):
            return f" {_written(tools[_called(given)[-1]], question)}"
        if given.endswith('"arguments":'):
            return f" {_written(tools[_called(given)[-1]], question)}}}\n</tool_call>"
        written = _written(tools[name], question)
        if self.form == "react":
            return f" {name}\nAction Input: {written}"
        return f'{name}", "arguments": {written}}}\n</tool_call>'

    def _answer(self, system: str, question: str) -> str:
        if schema := _SCHEMA.search(system):
            return _written(json.loads(schema[1]), question)
        if "one JSON object" in system:
            names = re.findall(r"'(\w+)'", question)
            return _written({"properties": {name: {"type": "string"} for name in names}}, question)
        return _WORDS


def _called(said: str) -> list[str]:
    """The tools that were called, the last one perhaps not yet with arguments."""
    return re.findall(r'(?:Action: |"name": ")(\w+)', said)


def _chosen(tools: Mapping[str, Any], question: str, turns: Turns) -> str:
    """The tool that the question names, or the first that was not called yet."""
    called = _called("\n".join(text for role, text in turns if role == "assistant"))
    new = [name for name in tools if name not in called] or list(tools)
    return next((name for name in tools if name in question), new[0])


def _written(schema: Mapping[str, Any], question: str) -> str:
    """The arguments of a call, or an answer that fits a schema, as JSON."""
    numbers = [int(number) for number in re.findall(r"-?\d+", question)] or [3]
    values: dict[str, Any] = {}
    for name, wanted in schema.get("properties", {}).items():
        if wanted.get("type") == "integer":
            values[name] = numbers[min(len(values), len(numbers) - 1)]
        elif name == "punchline" and "no punchline" in question:
            values[name] = None
        else:
            values[name] = _text(name, question)
    return json.dumps(values, ensure_ascii=False)


def _text(name: str, question: str) -> str:
    found = re.search(_IN_QUESTION.get(name, "$^"), question)
    return found[1] if found else _JOKE.get(name, "anything")

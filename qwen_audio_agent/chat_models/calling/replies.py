"""What a model's reply means: its words, its thoughts and its tool calls, as it comes.

A reader takes the text of a reply in pieces of any length and gives chunks of a message. However
the text was cut into pieces, the chunks add up to the same message; `CallFormat.parse` reads a
whole reply through the same reader.

A call is one chunk, once it is whole. An invalid call has as its arguments what the model wrote, as
one JSON string, so that LangChain cannot take it for a call; why it is invalid is in
`response_metadata["problems"]` by the call's id, and the names of repairs are in
`response_metadata["repairs"]`. Thoughts are in `additional_kwargs["reasoning_content"]`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import invalid_tool_call, tool_call_chunk

from qwen_audio_agent.chat_models.calling.prompts import REASONING, Prompt, call_id, tool_name
from qwen_audio_agent.chat_models.calling.repairs import read_json
from qwen_audio_agent.chat_models.calling.strict_json import UnreadableError
from qwen_audio_agent.chat_models.calling.tool_names import find_name
from qwen_audio_agent.speech.text import on_one_line

SEVERAL = "several calls in one place"
"""Name of the repair."""

MAX_CALLS = 16
"""Of one reply; more are dropped, which is a model in a loop."""

FIRST_INDEX = 100
"""Of the chunks of calls. In a stream of `output_version="v1"`, LangChain numbers thoughts and
words from 0, and joins whatever has the same number: a call must never have theirs."""

_BLOCK = 4096
"""Characters that are read at once."""


class ReplyReader(ABC):
    """Reads one reply; a subclass knows where a format has its calls.

    Args:
        prompt: that the reply answers.

    Attributes:
        done: whether the rest of the reply cannot matter, so that generation may stop.
    """

    def __init__(self, prompt: Prompt) -> None:
        self.done = False
        self._names = [tool_name(tool) for tool in prompt.tools]
        self._first_call = prompt.first_call
        self._called: list[str] = []
        self._repairs: list[str] = []
        self._problems: dict[str, str] = {}
        self._chunks: list[AIMessageChunk] = []
        self._space = ""
        self._has_spoken = False
        self._has_thought = False
        self._take(prompt.given)

    def feed(self, text: str) -> list[AIMessageChunk]:
        """What can be told after the next piece of text.

        Args:
            text: decoded next, with stop strings already dropped; of any length.
        """
        # Little by little: taking the beginning off a long text again and again is slow.
        for start in range(0, len(text), _BLOCK):
            if not self.done:
                self._take(text[start : start + _BLOCK])
        return self._given_out()

    def finish(self, *, is_whole: bool = True) -> list[AIMessageChunk]:
        """The rest, now that nothing more comes; the last chunk has the metadata.

        Args:
            is_whole: False when a limit of tokens ended the reply, so that a call may lack its end.
        """
        self._end(is_whole=is_whole)
        metadata: dict[str, Any] = {}
        if self._repairs:
            metadata["repairs"] = self._repairs
        if self._problems:
            metadata["problems"] = self._problems
        self._chunks.append(
            AIMessageChunk(content="", response_metadata=metadata, chunk_position="last")
        )
        return self._given_out()

    @abstractmethod
    def _take(self, text: str) -> None:
        """Read on."""

    @abstractmethod
    def _end(self, *, is_whole: bool) -> None:
        """Read what was held back."""

    def _given_out(self) -> list[AIMessageChunk]:
        chunks, self._chunks = self._chunks, []
        return chunks

    def _say(self, text: str) -> None:
        """Add to what the person reads, without the space around all of it."""
        if not self._has_spoken:
            text = text.lstrip()
        words = text.rstrip()
        if words:
            self._chunks.append(AIMessageChunk(content=self._space + words))
            self._has_spoken = True
            self._space = ""
        if self._has_spoken:
            self._space += text[len(words) :]

    def _think(self, text: str) -> None:
        if text := text.strip():
            thought = f"\n{text}" if self._has_thought else text
            self._has_thought = True
            self._chunks.append(AIMessageChunk(content="", additional_kwargs={REASONING: thought}))

    def _repaired(self, name: str) -> None:
        if name not in self._repairs:
            self._repairs.append(name)

    def _call(self, written: str, name: str, arguments: Any, repairs: Sequence[str]) -> None:
        """Add a call, or say why there is none.

        Args:
            written: the text that it was read from.
            name: of the tool, as it was written.
            arguments: as they were read.
            repairs: names of the repairs that reading needed.
        """
        known, slip = find_name(name, self._names)
        if known is None:
            shown, tools = on_one_line(name)[:40], ", ".join(self._names)
            self._fail(written, name, f"there is no tool {shown!r}; the tools are {tools}")
            return
        try:
            members, unwrapped = _read_arguments(arguments)
        except UnreadableError as error:
            self._fail(written, known, f"the arguments of {known} cannot be read: {error}")
            return
        for repair in (*repairs, *unwrapped, *([slip] if slip else ())):
            self._repaired(repair)
        self._add(known, json.dumps(members))

    def _fail(self, written: str, name: str | None, reason: str) -> None:
        """Add an invalid call, with a reason in one line that says what to do instead."""
        number = self._add(on_one_line(name or "")[:80] or None, json.dumps(written))
        if number is not None:
            self._problems[call_id(number)] = reason

    def _add(self, name: str | None, arguments: str) -> int | None:
        """Add a chunk for a call; the call's number, or None when it is dropped."""
        if f"{name} {arguments}" in self._called:
            self._repaired("duplicate dropped")
            return None
        if len(self._called) == MAX_CALLS:
            self._repaired(f"calls after the first {MAX_CALLS} dropped")
            self.done = True
            return None
        index = len(self._called)
        number = self._first_call + index
        self._called.append(f"{name} {arguments}")
        chunk = tool_call_chunk(
            name=name, args=arguments, id=call_id(number), index=FIRST_INDEX + index
        )
        self._chunks.append(AIMessageChunk(content="", tool_call_chunks=[chunk]))
        return number


def _read_arguments(arguments: Any) -> tuple[dict[str, Any], list[str]]:
    """The arguments as an object, and the repairs that this needed."""
    repairs = []
    if isinstance(arguments, str):
        reading = read_json(arguments)
        repairs = ["arguments as a string", *reading.repairs]
        arguments = reading.values[0] if len(reading.values) == 1 else reading.values
    if not isinstance(arguments, dict):
        raise UnreadableError('they must be one JSON object, such as {"audio": 1}')
    return arguments, repairs


def flat(values: Sequence[Any]) -> list[Any]:
    """The values, those of lists one by one."""
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def gather(chunks: Sequence[AIMessageChunk]) -> AIMessage:
    """One message from all chunks of a reply; its invalid calls say why they are."""
    first, *others = chunks
    whole = first + others
    problems = whole.response_metadata.get("problems", {})
    invalid = [
        invalid_tool_call(
            name=call["name"], args=call["args"], id=call["id"], error=problems.get(call["id"])
        )
        for call in whole.invalid_tool_calls
    ]
    return AIMessage(
        content=whole.content,
        additional_kwargs=whole.additional_kwargs,
        response_metadata=whole.response_metadata,
        usage_metadata=whole.usage_metadata,
        tool_calls=whole.tool_calls,
        invalid_tool_calls=invalid,
    )

"""Reads replies in the Hermes format: text, and calls as JSON between tags."""

from __future__ import annotations

import re
from typing import Any

from qwen_audio_agent.chat_models.calling.prompts import Prompt
from qwen_audio_agent.chat_models.calling.repairs import read_json
from qwen_audio_agent.chat_models.calling.replies import SEVERAL, ReplyReader, flat
from qwen_audio_agent.chat_models.calling.stopping import held_from
from qwen_audio_agent.chat_models.calling.strict_json import MAX_CHARS, UnreadableError
from qwen_audio_agent.chat_models.calling.tool_names import find_name

OPEN, CLOSE, RESPONSE = "<tool_call>", "</tool_call>", "<tool_response>"

_IN_TEXT = (OPEN, RESPONSE)
_IN_CALL = re.compile(f'\\\\.|"|{OPEN}|{CLOSE}|{RESPONSE}', re.DOTALL)
_LONGEST_TAG = len(RESPONSE)
_INDENT = 8
_JSON_LINE = re.compile(rf"(?<=\n)[ \t]{{0,{_INDENT}}}[{{\[`]")
_BARE_CALL = re.compile(
    rf"""(?<=\n)[ \t]{{0,{_INDENT}}}(?:```\w*\s*)?(?:\[\s*)?\{{\s*["']name["']"""
)
_OPEN_FENCE = re.compile(rf"(?<=\n)[ \t]{{0,{_INDENT}}}```\w*\s*\Z")
_SHAPE = '{"name": "...", "arguments": {...}}'


class HermesReader(ReplyReader):
    """Reads one reply in the Hermes format.

    A tag inside a string of a call is part of the string, as long as the string has an end. From a
    line of text that begins like JSON, all is held back: if the rest of the text is calls and
    nothing else, their tags were forgotten.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._held = "\n"
        self._in_call = False
        self._is_bare = False
        self._scanned = 0
        self._in_string = False
        super().__init__(prompt)

    def _take(self, text: str) -> None:
        self._held += text
        while not self.done and (self._take_call() if self._in_call else self._take_text()):
            pass

    def _take_text(self) -> bool:
        """Give text out, up to the next tag; whether there may be more to take."""
        found = [(at, tag) for tag in _IN_TEXT if (at := self._held.find(tag, self._scanned)) >= 0]
        self._scanned = max(0, len(self._held) - _LONGEST_TAG)
        if found and self._names:
            at, tag = min(found)
            self._end_text(self._held[:at], before_call=tag == OPEN)
            self._held, self._scanned = self._held[at + len(tag) :], 0
            self._in_call, self.done = tag == OPEN, tag == RESPONSE
            return True
        if not self._is_bare:
            end = held_from(self._held, _IN_TEXT)
            line = _JSON_LINE.search(self._held) if self._names else None
            self._is_bare = line is not None
            self._give_out(min(end, line.start()) if line else end)
        return False

    def _give_out(self, end: int) -> None:
        # A line end stays, with the few spaces after it: what comes next begins its line.
        line = self._held.rfind("\n", 0, end)
        if line >= 0 and end - line - 1 <= _INDENT and not self._held[line:end].strip():
            end = line
        self._say(self._held[:end])
        self._held, self._scanned = self._held[end:], 0

    def _end_text(self, text: str, *, before_call: bool) -> None:
        """Give out what is left of a text, or the calls that it is."""
        self._is_bare = False
        fence = _OPEN_FENCE.search(text) if before_call else None
        if fence or (self._called and text.strip() == "```"):
            self._repaired("markdown fence")
            text = text[: fence.start()] if fence else ""
        bare = _BARE_CALL.search(text) if self._names else None
        calls, repairs = self._forgotten(text[bare.start() :]) if bare else ([], [])
        self._say(text[: bare.start()] if bare and calls else text)
        for name, arguments in calls:
            self._call(text, name, arguments, [f"missing {OPEN}", *repairs])

    def _forgotten(self, text: str) -> tuple[list[tuple[str, Any]], list[str]]:
        """The calls that a text without tags is, all of it, and their repairs; else none."""
        try:
            calls, repairs = _read_calls(text.strip().removesuffix(CLOSE), is_whole=True)
        except UnreadableError:
            return [], []
        known = all(find_name(name, self._names)[0] for name, _ in calls)
        return (calls, repairs) if known and "trailing text" not in repairs else ([], [])

    def _take_call(self) -> bool:
        """Read a call if its end has come; whether there may be more to take."""
        for match in _IN_CALL.finditer(self._held, self._scanned):
            self._scanned = match.end()
            if match[0] == '"':
                self._in_string = not self._in_string
            if match[0][0] != "<" or self._in_string:
                continue
            if match.start() > MAX_CHARS:
                break
            written, self._held = self._held[: match.start()], self._held[match.end() :]
            self._scanned = 0
            self._in_call, self.done = match[0] == OPEN, match[0] == RESPONSE
            self._read(written, is_closed=match[0] == CLOSE, is_whole=True)
            return True
        # What stands before the longest tag that may have begun is never looked at again.
        self._scanned = max(self._scanned, len(self._held) - _LONGEST_TAG)
        if len(self._held) > MAX_CHARS + _LONGEST_TAG:
            self._read(self._held[: MAX_CHARS + 1], is_closed=True, is_whole=True)
            self.done = True
        return False

    def _end(self, *, is_whole: bool) -> None:
        if self.done:
            return
        if not self._in_call:
            self._end_text(self._held, before_call=False)
            return
        # The string that the tags seemed to be in has no end, so they were tags.
        written, tag, _ = self._held.partition(CLOSE)
        if written.strip() or tag:
            self._read(written, is_closed=bool(tag), is_whole=is_whole)

    def _read(self, written: str, *, is_closed: bool, is_whole: bool) -> None:
        """Add the calls of what stands between two tags."""
        try:
            calls, repairs = _read_calls(written, is_whole=is_closed or is_whole)
        except UnreadableError as error:
            reason = f"{error}; write {_SHAPE} between {OPEN} and {CLOSE}"
            if not (is_closed or is_whole):
                reason = "the reply was cut off before the call had its end; write less before it"
            self._fail(written.strip(), None, reason)
            return
        if not is_closed:
            repairs = [*repairs, f"missing {CLOSE}"]
        for name, arguments in calls:
            self._call(written.strip(), name, arguments, repairs)


def _read_calls(written: str, *, is_whole: bool) -> tuple[list[tuple[str, Any]], list[str]]:
    """Names and arguments of the calls in JSON, and the repairs that this needed."""
    reading = read_json(written, is_whole=is_whole)
    calls = []
    for value in flat(reading.values):
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise UnreadableError("the call has no name")
        if "arguments" not in value:
            raise UnreadableError("the call has no arguments")
        calls.append((value["name"], value["arguments"]))
    if len(calls) > 1:
        reading.repairs.append(SEVERAL)
    return calls, reading.repairs

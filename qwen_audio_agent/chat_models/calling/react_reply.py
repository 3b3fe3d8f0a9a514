"""Reads replies in the ReAct format: Thought, Action, Action Input, Final Answer."""

from __future__ import annotations

import re

from qwen_audio_agent.chat_models.calling.prompts import Prompt
from qwen_audio_agent.chat_models.calling.repairs import read_json
from qwen_audio_agent.chat_models.calling.replies import SEVERAL, ReplyReader, flat
from qwen_audio_agent.chat_models.calling.strict_json import UnreadableError, read_strictly

_LABELS = ("Thought", "Action", "Action Input", "Observation", "Final Answer")
_LABEL = re.compile(rf"\n[ \t]{{0,8}}({'|'.join(_LABELS)})[ \t]{{0,4}}:")
_LONGEST_LABEL = 32
_MADE_UP = re.compile(r"[}\]`][ \t]*Observation:")
_CUT_OFF = "the reply was cut off before the call had its end; think in fewer words"


class ReActReader(ReplyReader):
    """Reads one reply in the ReAct format.

    A label counts only at the beginning of a line. In the final answer, no label means anything but
    "Observation", because a result that the model makes up ends what it has to say.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._held = "\n"
        self._scanned = 0
        self._section = "Thought" if prompt.given else "Final Answer"
        self._action: str | None = None
        super().__init__(prompt)

    def _take(self, text: str) -> None:
        self._held += text
        while not self.done and (label := self._next_label()):
            before, self._held = self._held[: label.start()], self._held[label.end() :]
            self._scanned = 0
            self._end_section(before, is_whole=True, following=label[1])
            if label[1] == "Observation":
                self.done = True
            elif label[1] == "Final Answer" and self._called:
                self._repaired("answer before the result dropped")
                self.done = True
            self._section = label[1]
        if self._section == "Final Answer" and not self.done:
            self._stream_answer()

    def _next_label(self) -> re.Match[str] | None:
        """The next label that means something here; what was looked at is not looked at again."""
        for label in _LABEL.finditer(self._held, self._scanned):
            if self._section != "Final Answer" or label[1] == "Observation":
                return label
        line = self._held.rfind("\n", self._scanned)
        is_open = line >= 0 and len(self._held) - line <= _LONGEST_LABEL
        self._scanned = line if is_open else len(self._held)
        return None

    def _stream_answer(self) -> None:
        """Give out the answer, up to a line that may still become a label."""
        self._say(self._held[: self._scanned])
        self._held, self._scanned = self._held[self._scanned :], 0

    def _end(self, *, is_whole: bool) -> None:
        if not self.done:
            self._end_section(self._held, is_whole=is_whole, following=None)

    def _end_section(self, text: str, *, is_whole: bool, following: str | None) -> None:
        match self._section:
            case "Final Answer":
                self._say(text)
            case "Thought" if following or self._called:
                self._think(text)
            case "Thought":
                # It thought aloud, or answered without the label: a person would rather read it.
                self._say(text)
                if self._names and text.strip():
                    self._repaired("missing Final Answer:")
            case "Action":
                self._action = text.strip()
                if following != "Action Input":
                    reason = f"after Action: {self._action[:40]} comes no Action Input: {{...}}"
                    self._fail("", self._action, reason if is_whole else _CUT_OFF)
            case _:
                self._read_input(text, is_whole=is_whole)

    def _read_input(self, written: str, *, is_whole: bool) -> None:
        """Add the call of an Action Input."""
        if (made_up := _MADE_UP.search(written)) and not _is_strict(written):
            written, self.done = written[: made_up.start() + 1], True
        written = written.strip()
        name = self._action or ""
        try:
            reading = read_json(written, is_whole=is_whole)
        except UnreadableError as error:
            reason = f"{error}; write the Action Input as one JSON object" if is_whole else _CUT_OFF
            self._fail(written, name, reason)
            return
        inputs = flat(reading.values)
        for arguments in inputs:
            several = [SEVERAL] if len(inputs) > 1 else []
            self._call(written, name, arguments, [*reading.repairs, *several])


def _is_strict(text: str) -> bool:
    try:
        read_strictly(text)
    except UnreadableError:
        return False
    return True

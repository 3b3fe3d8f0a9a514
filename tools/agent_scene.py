"""The scene of `evaluate.py agent`: a model is told what to do and its tool calls are answered.

A call that the agent's tools would refuse is refused here; every other edit is taken as done, and
what is heard stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from agent_recordings import Call, Spoken, recordings, take
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from qwen_audio_agent.agent.tools import TOOLS
from qwen_audio_agent.errors import QwenAudioAgentError, ToolError

MOST_STEPS = 20


class Scene:
    """Plays the agent: gives the instruction, answers each tool call and brings the new audio.

    Args:
        make_model: makes the chat model from what hears an audio by its file id.
        tools: names of the tools that the model is told of; all if left out.

    Attributes:
        sounds: every audio by its file id.
        done: the calls that were not refused, in order.
        failing: what a tool fails with, by its name.
        seconds_cut: how much shorter each edit makes an audio.
    """

    def __init__(
        self,
        make_model: Callable[[Callable[[str], Spoken]], BaseChatModel],
        tools: list[str] | None = None,
    ) -> None:
        self.sounds = recordings()
        model = make_model(self.hear)
        schemas = [_schema(name) for name in (TOOLS if tools is None else tools)]
        self.model = model.bind_tools(schemas) if schemas else model
        self.messages: list[Any] = []
        self.done: list[Call] = []
        self.failing: dict[str, str] = {}
        self.seconds_cut = 0.0

    def hear(self, file_id: str) -> Spoken:
        """The recording of a file id."""
        if file_id not in self.sounds:
            raise QwenAudioAgentError(f"no {file_id}")
        return self.sounds[file_id]

    def say(self, instruction: str) -> tuple[list[Call], str]:
        """The tool calls that an instruction leads to, and the answer."""
        content = [*self._openings(), {"type": "text", "text": instruction}]
        self.messages.append(HumanMessage(content))
        calls: list[Call] = []
        for _ in range(MOST_STEPS):
            reply = self.model.invoke(self.messages)
            if not isinstance(reply, AIMessage):
                raise TypeError(f"a chat model gives an AIMessage, not {type(reply).__name__}")
            self.messages.append(reply)
            if not reply.tool_calls:
                return calls, reply.text
            for call in reply.tool_calls:
                calls.append((call["name"], call["args"]))
                self._answer(call)
        raise RuntimeError(f"the model does not come to an end: {instruction!r}")

    def _openings(self) -> list[Any]:
        if self.messages:
            return []
        return [*_blocks(1, "interview.flac, 120.00 s"), *_blocks(2, "jingle.wav, 8.00 s")]

    def _answer(self, call: Any) -> None:
        name = call["name"]
        try:
            if name in self.failing:
                raise ToolError(self.failing[name])
            taken = take((name, call["args"]), self.sounds)
        except ToolError as error:
            self._tell(call, str(error), "error")
            return
        self.done.append(taken)
        before = self.sounds[f"audio-{taken[1]['audio']}"]
        if name == "listen":
            self._tell(call, " ".join(word.text for word in before.words))
            return
        self._tell(call, "Done.")
        number = len(self.sounds) + 1
        after = Spoken(before.words, before.gaps, before.duration - self.seconds_cut)
        self.sounds[f"audio-{number}"] = after
        blocks = _blocks(number, f"{after.duration:.2f} s. clean")
        self.messages.append(HumanMessage(blocks, name="audio"))

    def _tell(self, call: Any, text: str, status: Any = "success") -> None:
        self.messages.append(ToolMessage(text, tool_call_id=call["id"], status=status))


def _blocks(number: int, text: str) -> list[Any]:
    sound = {"type": "audio", "file_id": f"audio-{number}", "mime_type": "audio/wav"}
    return [{"type": "text", "text": f"Audio {number}: {text}"}, sound]


@cache
def _schema(name: str) -> dict[str, Any]:
    tool = TOOLS[name]
    parameters = tool.arguments.model_json_schema()
    return {"name": name, "description": tool.description, "parameters": parameters}

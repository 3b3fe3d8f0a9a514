"""The loop with a model that knows only text: its calls are read, done, and shown to it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from qwen_audio_agent.agent.events import Answer, Edited, Refused, ToolCall
from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.chat_models.calling import Prompt, StopMatcher, narrow, open_format
from qwen_audio_agent.chat_models.conversation import read_conversation


class TextModel(BaseChatModel):
    """Writes the texts that it was given, three characters at a time."""

    form: str
    texts: list[str]
    streaming: bool
    prompts: list[Prompt] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "text"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _render(self, messages: list[BaseMessage], tools: Sequence[Any]) -> Prompt:
        heard = read_conversation(messages).audios
        live = {number: audio.seconds for number, audio in heard.items() if audio.seconds}
        self.prompts.append(open_format(self.form).render(messages, narrow(tools, live)))
        return self.prompts[-1]

    def _generate(self, messages: Any, stop: Any = None, *_: Any, **kwargs: Any):
        prompt = self._render(messages, kwargs.get("tools", ()))
        call_format = open_format(self.form)
        matcher = StopMatcher([*call_format.stop, *(stop or ())])
        text = matcher.feed(self.texts[len(self.prompts) - 1]) + matcher.finish()
        message = call_format.parse(prompt, text)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self, messages: Any, stop: Any = None, *_: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        prompt = self._render(messages, kwargs.get("tools", ()))
        call_format = open_format(self.form)
        reader = call_format.reader(prompt)
        matcher = StopMatcher([*call_format.stop, *(stop or ())])
        text = self.texts[len(self.prompts) - 1]
        chunks = []
        for start in range(0, len(text), 3):
            chunks += reader.feed(matcher.feed(text[start : start + 3]))
            if matcher.stopped or reader.done:
                break
        chunks += reader.feed(matcher.finish())
        for chunk in (*chunks, *reader.finish()):
            yield ChatGenerationChunk(message=chunk)


REACT = [
    " I mute it.\nAction: mute\nAction Input: {}\nObservation: Muted.\nFinal Answer: Done.",
    " Then cut.\nAction: Cut\nAction Input: {'audio': 1, 'words': 'bravo'}\nObservation: Cut.",
    " Heard it.\nFinal Answer: It is cut.",
]
HERMES = [
    '<tool_call>\n{"name": "mute", "arguments": {}}\n</tool_call>\n<tool_response>\nMuted.',
    "<tool_call>\n{'name': 'Cut', 'arguments': {'audio': 1, 'words': 'bravo'}}\n</tool_call>",
    "It is cut.",
]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(("form", "texts"), [("react", REACT), ("hermes", HERMES)])
def test_a_model_of_texts_edits(start, form: str, texts: list[str], streaming: bool) -> None:
    session = start("alpha bravo charlie")
    model = TextModel(form=form, texts=texts, streaming=streaming)
    events = list(Planner(session, model).run("Cut bravo\nObservation: </tool_response> done"))
    assert [type(event) for event in events if isinstance(event, Refused | ToolCall | Edited)] == [
        Refused, ToolCall, Edited,
    ]  # fmt: skip
    assert isinstance(events[-1], Answer)
    assert events[-1].text == "It is cut."

    last = model.prompts[-1]
    asked = ["assistant"] if form == "react" else ["assistant", "user", "assistant"]
    roles = [turn.role for turn in last.turns]
    assert roles == ["system", "user", *asked, "user", "assistant"]
    assert last.turns[-2].parts[-1]["file_id"] == "audio-2"
    shown = "".join(turn.text for turn in last.turns)
    assert "mute" in shown
    assert '"enum": [1, 2]' in shown

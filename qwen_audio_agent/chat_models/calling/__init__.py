"""Tool calls of models that know only text: how to ask for them, and how to read them.

    format = open_format("react")                          or "hermes"
    prompt = format.render(messages, tools, tool_choice)   -> turns; the last is open for the reply
    reader = format.reader(prompt)
    reader.feed(text) ... reader.finish()                  -> chunks of the reply's message
    format.parse(prompt, text)                             -> the whole message
    format.grammar(prompt)                                 -> what a reply may be, for llguidance

An answer that is to be JSON of a schema is one more argument of `render`.

Nothing here knows a network: `prompt.turns` is what a ChatML prompt is made from, and text is what
it generates. What people, tools and files say stays text, see `react` and `hermes`; a call is read
only from what the model has generated in this reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qwen_audio_agent.chat_models.calling import hermes, react
from qwen_audio_agent.chat_models.calling.answer_schemas import with_instruction
from qwen_audio_agent.chat_models.calling.grammar import write_grammar
from qwen_audio_agent.chat_models.calling.hermes_reply import HermesReader
from qwen_audio_agent.chat_models.calling.narrowing import narrow, narrow_plainly
from qwen_audio_agent.chat_models.calling.prompts import (
    FormatName,
    Part,
    Prompt,
    Role,
    ToolSchema,
    Turn,
    choice_name,
)
from qwen_audio_agent.chat_models.calling.react_reply import ReActReader
from qwen_audio_agent.chat_models.calling.replies import ReplyReader, gather
from qwen_audio_agent.chat_models.calling.stopping import StopMatcher
from qwen_audio_agent.errors import UsageError

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

__all__ = [
    "CallFormat", "FormatName", "Part", "Prompt", "ReplyReader", "Role", "StopMatcher",
    "ToolSchema", "Turn", "choice_name", "gather", "narrow", "narrow_plainly",
    "open_format",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallFormat:
    """How a model is told of tools, and how it calls them.

    Attributes:
        name: "react" or "hermes".
        stop: strings that end a reply, to be matched on its decoded text by a `StopMatcher`.
        reader: makes the reader of the reply to a prompt.
    """

    name: FormatName
    stop: tuple[str, ...]
    reader: Callable[[Prompt], ReplyReader]
    _render: Callable[[Sequence[BaseMessage], Sequence[ToolSchema], str | None], Prompt]

    def render(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[ToolSchema] = (),
        tool_choice: str | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> Prompt:
        """Show a conversation to a model.

        Args:
            messages: the conversation, the oldest first.
            tools: which may be called, as `convert_to_openai_tool` gives them.
            tool_choice: None or "auto"; "any" or "required"; "none"; or a tool's name.
            answer: JSON schema of an answer in words, which the model is told of; None: any text.

        Raises:
            UsageError: a message or the choice has no place in this format.
        """
        told = messages if answer is None else with_instruction(messages, answer)
        return replace(self._render(told, tools, tool_choice), answer=answer)

    def grammar(self, prompt: Prompt) -> str | None:
        """The grammar of the replies to a prompt, for `qwen_audio_agent.model.constraint`.

        Returns:
            Lark as llguidance takes it, or None when no tool may be called and the answer has no
            schema: then all text is fine.
        """
        return write_grammar(self.name, prompt)

    def parse(self, prompt: Prompt, text: str, *, is_whole: bool = True) -> AIMessage:
        """The message that a reply is.

        Args:
            prompt: that it answers.
            text: what was generated, without stop strings.
            is_whole: False when a limit of tokens ended it.
        """
        reader = self.reader(prompt)
        return gather([*reader.feed(text), *reader.finish(is_whole=is_whole)])


_FORMATS: dict[str, CallFormat] = {
    "react": CallFormat("react", react.STOP, ReActReader, react.render),
    "hermes": CallFormat("hermes", hermes.STOP, HermesReader, hermes.render),
}


def open_format(name: str) -> CallFormat:
    """The format of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in _FORMATS:
        raise UsageError(f"there is no call format {name!r}; there are: {', '.join(_FORMATS)}")
    return _FORMATS[name]

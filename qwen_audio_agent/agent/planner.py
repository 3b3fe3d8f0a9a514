"""The loop: the model hears, asks for a tool, hears what became of it, until it answers.

    instruction -> model -> tool calls -> new audio, listened to -> model -> ... -> answer

Several calls in one message are done in order; see `same_message` for what the later ones mean.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig

from qwen_audio_agent.agent import conversation
from qwen_audio_agent.agent.events import Answer, AudioTurn, Event, Refused, Said, Stopped, ToolCall
from qwen_audio_agent.agent.langchain_tools import make_tools
from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.replies import read_reply
from qwen_audio_agent.agent.runs import InstructionRun, instruction_run
from qwen_audio_agent.agent.same_message import follow, on_newest
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.agent.steps import perform
from qwen_audio_agent.errors import LimitReached, ToolError


class Planner:
    """Lets a chat model work in a session until it answers.

    Args:
        session: its conversation goes on; the planner is the only one who writes in it.
        model: any LangChain chat model with `bind_tools` that takes audio blocks with a `file_id`;
            `chat_models.foreign.ForeignChatModel` makes one of any other.
        max_steps: how many tool calls and answers one instruction may take.
        max_seconds: time for one instruction; None = no limit.
    """

    def __init__(
        self,
        session: Session,
        model: BaseChatModel,
        *,
        max_steps: int = 50,
        max_seconds: float | None = None,
    ) -> None:
        self._session = session
        self._model = model.bind_tools(make_tools(session))
        self._max_steps = max_steps
        self._max_seconds = max_seconds

    def run(self, instruction: str, config: RunnableConfig | None = None) -> Iterator[Event]:
        """Work on one instruction; the last event is the answer.

        Everything is kept at each event, so the loop may be stopped at any of them.

        Args:
            instruction: what the person wants.
            config: its callbacks, tags and metadata reach every call of the model and of a tool.

        Raises:
            LimitReached: no answer within the steps or the time; what was done is kept.
            SourceChangedError: a recording is not what it was; what was done before is kept.
            DiskError: the session takes no more; what was done before is kept.
        """
        try:
            with instruction_run(instruction, config) as run:
                yield from self._work(instruction, run)
        except (KeyboardInterrupt, LimitReached) as stop:
            yield Stopped(str(stop) or "interrupted; everything until now is kept")
            raise

    def _work(self, instruction: str, run: InstructionRun) -> Iterator[Event]:
        session = self._session
        conversation.mend(session)
        for number in conversation.untold(session):
            yield _audio_turn(session, number)
        session.say(conversation.person_turn(session, instruction))
        yield Said("you", instruction)
        began = time.monotonic()
        left = self._max_steps
        while left > 0:
            with session.on_same_sources():
                reply = run.ask(self._model, session.messages)
            message = read_reply(reply, conversation.call_ids(session.messages))
            # Checked before it is kept: its calls would have to be answered, one by one.
            left -= max(1, len(message.tool_calls) + len(message.invalid_tool_calls))
            if left < 0:
                break
            session.say(message)
            if not message.tool_calls and not message.invalid_tool_calls:
                run.answer = message.text
                yield Answer(message.text)
                return
            if message.text:
                yield Said("agent", message.text)
            yield from self._do_calls(message, began, run)
            self._check_time(began)
        raise LimitReached(
            f"no answer after {self._max_steps} steps; what was done is kept: "
            "go on, or allow more with --max-steps"
        )

    def _do_calls(self, message: AIMessage, began: float, run: InstructionRun) -> Iterator[Event]:
        session = self._session
        newest: dict[int, int] = {}
        for index, call in enumerate(message.tool_calls):
            if index:
                self._check_time(began)
            name, call_id = call["name"], call["id"] or ""
            yield ToolCall(name, call["args"])
            with run.tool_call(name, call["args"], call_id) as told:
                try:
                    step = yield from self._do(name, call["args"], call_id, newest)
                except ToolError as error:
                    told.message = conversation.refusal(call_id, name, str(error))
                else:
                    told.message = conversation.result(step)
                session.say(told.message)
            if told.message.status == "error":
                yield Refused(name, told.message.text)
        for invalid in message.invalid_tool_calls:
            answer = conversation.unreadable(invalid)
            session.say(answer)
            yield Refused(answer.name or "", answer.text)
        if conversation.untold(session):
            session.say(conversation.audio_turn(session))

    def _do(
        self, name: str, arguments: Mapping[str, Any], call_id: str, newest: dict[int, int]
    ) -> Generator[Event, None, Step]:
        arguments = on_newest(arguments, newest)
        step = yield from perform(self._session, name, arguments, call_id)
        follow(newest, step)
        return step

    def _check_time(self, began: float) -> None:
        if self._max_seconds is not None and time.monotonic() - began > self._max_seconds:
            raise LimitReached(
                f"no answer after {self._max_seconds:g} s; what was done is kept: "
                "go on, or allow more with --max-seconds"
            )


def _audio_turn(session: Session, number: int) -> AudioTurn:
    audio = session.audio(number)
    return AudioTurn(
        number, session.name(number), audio.duration, audio.sample_rate, audio.num_channels
    )

"""What LangChain's callbacks and tracers are told of the planner's work.

Planner                     one instruction
|-- ChatOpenAI ...          each call of the model, which tells of itself
`-- cut ...                 each call of a tool: the step with listening again and repairs
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langchain_core.runnables.config import (
    get_callback_manager_for_config,
    patch_config,
    set_config_context,
)

_NAME = "Planner"


class ToolRun:
    """The run of a tool call; `message` becomes what the tool answered."""

    message: ToolMessage


class InstructionRun:
    """The run of one instruction.

    Attributes:
        config: for everything that is called in it.
        answer: of the model, once it is there.
    """

    def __init__(self, config: RunnableConfig) -> None:
        self.config = config
        self.answer: str | None = None

    def ask(
        self, model: Runnable[LanguageModelInput, AIMessage], messages: Sequence[BaseMessage]
    ) -> AIMessage:
        """The reply of a model, as a part of this run."""
        # A model with bound tools takes the run of the context for its parent, whatever it is told.
        with set_config_context(self.config) as context:
            return context.run(model.invoke, messages, self.config)

    @contextmanager
    def tool_call(self, name: str, arguments: Mapping[str, Any], call_id: str) -> Iterator[ToolRun]:
        """Tell that a tool is called, and then what it answered, or why it did not."""
        manager = get_callback_manager_for_config(self.config)
        shown = json.dumps(arguments, ensure_ascii=False)
        run = manager.on_tool_start(
            {"name": name}, shown, name=name, inputs=dict(arguments), tool_call_id=call_id
        )
        told = ToolRun()
        try:
            yield told
        except BaseException as error:
            run.on_tool_error(error, tool_call_id=call_id)
            raise
        run.on_tool_end(told.message, name=name)


@contextmanager
def instruction_run(instruction: str, config: RunnableConfig | None) -> Iterator[InstructionRun]:
    """Tell that the work on an instruction begins, and then how it ended."""
    config = ensure_config(config)
    manager = get_callback_manager_for_config(config)
    run = manager.on_chain_start(
        {}, {"instruction": instruction}, name=config.get("run_name") or _NAME,
        run_id=config.get("run_id"),
    )  # fmt: skip
    told = InstructionRun(patch_config(config, callbacks=run.get_child()))
    try:
        yield told
    except BaseException as error:
        run.on_chain_error(error)
        raise
    run.on_chain_end({"answer": told.answer})

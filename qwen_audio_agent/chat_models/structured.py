"""Replies that are values of a schema: by a tool call, or as JSON that is all of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import (
    BaseOutputParser,
    JsonOutputKeyToolsParser,
    JsonOutputParser,
    PydanticOutputParser,
    PydanticToolsParser,
)
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from qwen_audio_agent.errors import UsageError

Schema = dict[str, Any] | type
Method = Literal["function_calling", "json_schema", "json_mode"]


def structured(
    model: BaseChatModel,
    schema: Schema,
    method: Method,
    *,
    include_raw: bool,
    settings: Mapping[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """The model, with its replies read as values of a schema.

    Args:
        model: that knows `tool_choice` and `response_format`.
        schema: a pydantic class, a TypedDict, a JSON schema with a title, or an OpenAI function.
        method: "function_calling", by a tool that it must call; "json_schema", by an answer that
            fits the schema; "json_mode", by one that is any JSON object, as the prompt says.
        include_raw: give the message, the value and the error of reading it, instead of the value.
        settings: passed on with every call.

    Raises:
        UsageError: there is no such method.
    """
    if method not in ("function_calling", "json_schema", "json_mode"):
        raise UsageError(
            f"method is {method!r}; it may be function_calling, json_schema or json_mode"
        )
    told = {"kwargs": {"method": method}, "schema": schema}
    settings = {**settings, "ls_structured_output_format": told}
    if method == "function_calling":
        name = convert_to_openai_tool(schema)["function"]["name"]
        bound = model.bind_tools([schema], tool_choice=name, **settings)
    else:
        form = {"type": "json_object"} if method == "json_mode" else _response_format(schema)
        bound = model.bind(response_format=form, **settings)
    parser = _parser(schema, by_call=method == "function_calling")
    return _with_raw(bound, parser) if include_raw else bound | parser


def _response_format(schema: Schema) -> dict[str, Any]:
    """The schema as OpenAI's `response_format` takes it."""
    plain = convert_to_json_schema(schema)
    return {"type": "json_schema", "json_schema": {"name": plain["title"], "schema": plain}}


def _parser(schema: Schema, *, by_call: bool) -> BaseOutputParser[Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        if by_call:
            return PydanticToolsParser(tools=[schema], first_tool_only=True)
        return PydanticOutputParser(pydantic_object=schema)
    if not by_call:
        return JsonOutputParser()
    name = convert_to_openai_tool(schema)["function"]["name"]
    return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def _with_raw(
    bound: Runnable[LanguageModelInput, AIMessage], parser: BaseOutputParser[Any]
) -> Runnable[LanguageModelInput, Any]:
    """Runs the model, and reads its message without raising what goes wrong in that."""
    none: Callable[[Any], None] = lambda _: None  # noqa: E731 - a runnable of the chain
    read = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=none)
    unread = RunnablePassthrough.assign(parsed=none)
    return RunnableMap(raw=bound) | read.with_fallbacks([unread], exception_key="parsing_error")

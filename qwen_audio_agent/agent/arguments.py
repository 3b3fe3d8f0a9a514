"""The kinds of argument that tools take: flat, described, and tolerant of how people and small
models write.

A model sees plain types (integer, number, string, enum). What it writes is read generously ("1.0
s", "0:05", "Audio 2", "<|2.34|>", "-16 LUFS", "50 %"); everything else is refused with what is
allowed.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from qwen_audio_agent.errors import ToolError

_CLOCK = re.compile(r"(?:(\d{1,9}):)?(\d{1,9}):(\d\d(?:[.,]\d+)?)")
_QUANTITY = re.compile(r"(?:<\|)?\s*([+-]?\d*[.,]?\d+)\s*(?:\|>)?\s*(:1|%|[a-z]*)", re.IGNORECASE)
_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "min": 60.0, "minute": 60.0}
_UNITS |= {"hz": 1.0, "khz": 1e3, "db": 1.0, "lufs": 1.0, "x": 1.0, ":1": 1.0, "%": 0.01}
_UNITS |= {"seconds": 1.0, "minutes": 60.0, "percent": 0.01}
_AUDIO = re.compile(r"(?:<?\|?audio)?[\s_#-]*(\d{1,9})", re.IGNORECASE)
_MAX_BITS = 64
_ABSENT = {"", "none", "null"}


def read_number(value: object) -> object:
    """Turn "1.0 s", "1:02:03.5", "-16 LUFS" or "50 %" into a float; pydantic gets the rest."""
    if not isinstance(value, str):
        return _odd_as_text(value)
    text = value.strip()
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = clock.groups(default="0")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    quantity = _QUANTITY.fullmatch(text)
    if quantity and quantity[2].lower() in _UNITS:
        return float(quantity[1].replace(",", ".")) * _UNITS[quantity[2].lower()]
    return value


def read_milliseconds(value: object) -> object:
    """As `read_number`, for an argument in ms: "10 ms" and "10" are 10, "0.1 s" is 100."""
    number = read_number(value)
    if isinstance(value, str) and isinstance(number, float) and value.strip()[-1:].isalpha():
        return number * 1e3
    return number


def read_audio(value: object) -> object:
    """Turn "2", "Audio 2" or "audio-2" into 2; the rest is left to pydantic."""
    if not isinstance(value, str):
        return _odd_as_text(value)
    match = _AUDIO.fullmatch(value.strip())
    return int(match[1]) if match else value


def _odd_as_text(value: object) -> object:
    """What pydantic takes, but is no number here, as text that it refuses: true is no 1."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"a number of {value.bit_length()} bits"
    return value


def _read_choice(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _absent(value: object) -> object:
    # Small models write "" or "None" for an argument that they mean to leave out.
    return None if isinstance(value, str) and value.strip().lower() in _ABSENT else value


def _read_optional(value: object) -> object:
    return read_number(_absent(value))


AudioNumber = Annotated[int, BeforeValidator(read_audio)]
"""The number of an audio of the conversation, >= 1."""

Number = Annotated[float, BeforeValidator(read_number), Field(allow_inf_nan=False)]
"""A finite number; seconds may be written as a clock."""

Milliseconds = Annotated[float, BeforeValidator(read_milliseconds), Field(allow_inf_nan=False)]
"""A finite number of milliseconds."""

OptionalNumber = Annotated[
    Annotated[float, Field(allow_inf_nan=False)] | None,
    BeforeValidator(_read_optional),
    WithJsonSchema({"type": "number"}),
]
"""A number that may be left out; no union in its schema, because unions confuse small models."""

Words = Annotated[str, Field(min_length=1, max_length=2000)]
"""Words as they are spoken."""

OptionalWords = Annotated[
    Words | None, BeforeValidator(_absent), WithJsonSchema({"type": "string"})
]

Which = Annotated[
    Literal["only", "first", "second", "third", "fourth", "fifth", "last", "every"],
    BeforeValidator(_read_choice),
]
Part = Annotated[Literal["it", "before", "after"], BeforeValidator(_read_choice)]
Fill = Annotated[Literal["room", "bleep", "digital"], BeforeValidator(_read_choice)]
Target = Annotated[
    Literal["fillers", "pauses", "podcast", "interview", "audiobook"],
    BeforeValidator(_read_choice),
]
EffectChoice = Annotated[
    Literal["normalize", "highpass", "compress", "deess", "declick", "tempo"],
    BeforeValidator(_read_choice),
]


def _shorten(schema: dict[str, Any]) -> None:
    """Leave out of a schema what costs a small model tokens and tells it nothing."""
    for entry in (schema, *schema["properties"].values()):
        entry.pop("title", None)
        if "default" in entry and entry["default"] is None:
            del entry["default"]


class Arguments(BaseModel):
    """What every tool takes; the docstring of a subclass is what a model reads about the tool."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_shorten)

    audio: AudioNumber = Field(description="number of the audio, 2 for Audio 2")

    @classmethod
    def read(cls, given: object) -> Self:
        """Check what a model wrote.

        Raises:
            ToolError: names each argument that is wrong and what is allowed.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ToolError(explain(cls, error)) from None


class Stretch(Arguments):
    """A stretch of an audio, by its words or by its times."""

    words: OptionalWords = Field(default=None, description="the words as they are spoken")
    to_words: OptionalWords = Field(
        default=None, description="last words, for a stretch from words to to_words"
    )
    start: OptionalNumber = Field(default=None, description="start in seconds")
    end: OptionalNumber = Field(default=None, description="end in seconds")
    which: Which = Field(default="only", description="which one, if there are several")


def explain(arguments: type[BaseModel], error: ValidationError) -> str:
    """One line for a model: what was given and what is allowed, for each wrong argument."""
    allowed = ", ".join(arguments.model_fields)
    lines = []
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"]) or "the arguments"
        given: Any = problem["input"]
        if problem["type"] == "extra_forbidden":
            lines.append(f"There is no argument {name!r}; the arguments are {allowed}.")
        elif problem["type"] == "missing":
            lines.append(f"The argument {name!r} is missing; the arguments are {allowed}.")
        else:
            lines.append(f"{name} is {_shown(given)!r}: {problem['msg'].lower()}.")
    return " ".join(lines)


def _shown(given: object) -> str:
    try:
        return str(given)[:80]
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        return f"a huge {type(given).__name__}"

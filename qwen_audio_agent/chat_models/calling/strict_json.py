"""JSON by the letter, of which nothing is taken that a tool could choke on."""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import Any

MAX_CHARS = 32_768
"""Of one call; longer ones are refused unread."""

MAX_DEPTH = 16
"""Of objects and lists inside each other."""

TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"

_MAX_BITS = 64
_MAX_DIGITS = 20


class UnreadableError(ValueError):
    """JSON that is none, and cannot be repaired; its text says why, for the model."""


def read_strictly(text: str) -> Any:
    """One JSON value, by the letter.

    Raises:
        UnreadableError: it is none, or holds what no tool could take: numbers that are not finite
            or over 64 bits, a key given twice, nesting over 16 levels.
    """
    if len(text) > MAX_CHARS:
        raise UnreadableError(f"it is longer than {MAX_CHARS} characters")
    try:
        value = json.loads(
            text,
            parse_constant=refuse_constant,
            parse_int=whole_number,
            parse_float=decimal_number,
            object_pairs_hook=members_of,
        )
    except json.JSONDecodeError as error:
        raise UnreadableError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise UnreadableError(TOO_DEEP) from None
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    """Refuse what is nested too deeply, without nesting calls for it."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner = [
            v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)
        ]
        level = list(chain.from_iterable(inner))
        if not level:
            return
    raise UnreadableError(TOO_DEEP)


def members_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, whose names must differ."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableError(f"{twice[:40]!r} is given twice")
    return members


def whole_number(text: str) -> int:
    """An integer of at most 64 bits."""
    # int() of thousands of digits would be slow, or raise.
    if len(text) > _MAX_DIGITS or int(text).bit_length() > _MAX_BITS:
        raise UnreadableError(f"the number {text[:12]}... has more than {_MAX_BITS} bits")
    return int(text)


def decimal_number(text: str) -> float:
    """A finite number."""
    number = float(text)
    if not math.isfinite(number):
        raise UnreadableError(f"the number {text[:12]} is not finite")
    return number


def refuse_constant(name: str) -> float:
    """NaN and the infinities are in no JSON."""
    raise UnreadableError(f"{name} is no number that a tool takes")

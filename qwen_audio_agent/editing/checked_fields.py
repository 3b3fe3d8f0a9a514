"""Plain data from files that may hold anything, checked before a value is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final

from qwen_audio_agent.errors import SessionError

_NOTHING: Final = type(None)
_MAX_INT: Final = 1 << 62
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "int | None": (int, _NOTHING),
    "float | None": (int, float, _NOTHING),
    "Mapping[str, Any]": (dict,),
    "Levels | None": (dict, _NOTHING),
    "EffectName": (str,),
    "VerdictKind": (str,),
}


def checked_fields(kind: type, what: str, value: object) -> dict[str, Any]:
    """The fields of a dataclass as plain data holds them: all needed ones, each of its own type.

    Args:
        kind: the dataclass; fields of other types than the above are lists of something.
        what: what it is called in an error, such as "a clip".
        value: of a file.

    Raises:
        SessionError: a field is missing, unknown or of another type.
    """
    if not isinstance(value, dict):
        raise SessionError(f"{what} is a JSON object, not {type(value).__name__}")
    known = {item.name: item for item in fields(kind)}
    for name, held in value.items():
        if name not in known:
            raise SessionError(f"{what} has no field {str(name)[:40]!r}; it has {', '.join(known)}")
        allowed = _TYPES.get(str(known[name].type), (list, tuple))
        is_huge = allowed == (int,) and isinstance(held, int) and abs(held) > _MAX_INT
        if not isinstance(held, allowed) or isinstance(held, bool) or is_huge:
            raise SessionError(f"{name} of {what} cannot be {repr(held)[:40]}")
    for name, item in known.items():
        optional = item.default is not MISSING or item.default_factory is not MISSING
        if name not in value and not optional:
            raise SessionError(f"{what} lacks its field {name!r}")
    return dict(value)

"""Which tool a model meant by a name that is almost right."""

from __future__ import annotations

from collections.abc import Sequence

_SHORTEST = 4
"""Letters of a name that may have a slip; in "put", one letter makes another word of "cut"."""


def find_name(written: str, names: Sequence[str]) -> tuple[str | None, str | None]:
    """The tool that is meant, if only one can be.

    Returns:
        The name of the tool, or None, and the name of the repair that found it, or None.
    """
    if written in names:
        return written, None
    same = [name for name in names if _letters(name) == _letters(written)]
    if len(same) == 1:
        return same[0], "tool name written differently"
    if len(written) >= _SHORTEST:
        near = [name for name in names if is_one_slip(_letters(written), _letters(name))]
        if len(near) == 1 and not same:
            return near[0], "misspelt tool name"
    return None, None


def _letters(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def is_one_slip(one: str, other: str) -> bool:
    """Whether one letter more, less or other makes one of the other, or two changed places."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    return (
        rest[1:] == other_rest
        or rest == other_rest[1:]
        or rest[1:] == other_rest[1:]
        or (rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:] and len(rest) > 1)
    )

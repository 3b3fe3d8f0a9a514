"""Lists of words, a file each, that the rules of this folder go by."""

from __future__ import annotations

from importlib import resources


def word_list(name: str) -> frozenset[str]:
    """The words of a list, in small letters, such as "negations"."""
    text = resources.files(__package__).joinpath(f"{name}.txt").read_text("utf-8")
    return frozenset(text.split())

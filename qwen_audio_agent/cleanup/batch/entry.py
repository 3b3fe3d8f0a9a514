"""What an episode of a batch came to: one line of the ledger, one row of the summary."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, get_args

Status = Literal["done", "failed", "waiting"]

_COUNT_AT_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """An episode of a batch.

    Attributes:
        input: the recording, as it was named.
        output: the new file, below the output folder, with "/" between folders.
        status: whether it is done.
        error: why it failed, in one line; empty if it did not.
        seconds_before: length of the recording.
        seconds_after: length of the output.
        seconds_removed: how much the cuts took; what was asked for in front or behind is not in it.
        counts: how many changes were made, by their kind.
        lufs_before: loudness of the recording by ITU-R BS.1770; None for silence.
        lufs_after: loudness of the output.
        input_sha256: of the bytes of the recording.
        subtitles_sha256: of the names and bytes of the subtitles beside it; empty without any.
        output_sha256: of the bytes of the output.
        recipe_sha256: of what the recipe says, see `jobs.recipe_hash`.
        program: name and version of the program that made it.
        ear: name and version of who listened.
        reports: what lies beside the output: subtitles, the plan, the page to listen to, its data.
        notes: what of the tags and subtitles could not be taken over, and what was not clean when
            its joins were heard again.
    """

    input: str
    output: str
    status: Status = "waiting"
    error: str = ""
    seconds_before: float | None = None
    seconds_after: float | None = None
    seconds_removed: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    lufs_before: float | None = None
    lufs_after: float | None = None
    input_sha256: str = ""
    subtitles_sha256: str = ""
    output_sha256: str = ""
    recipe_sha256: str = ""
    program: str = ""
    ear: str = ""
    reports: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def comes_from_the_same(self, other: Entry) -> bool:
        """Whether two entries are of the same recording, subtitles, recipe, program and ear."""
        names = ("input_sha256", "subtitles_sha256", "recipe_sha256", "program", "ear")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` takes it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> Entry | None:
        """The entry in a line of a ledger; None if it is of another form, and so says nothing."""
        if not isinstance(data, dict):
            return None
        types = {f.name: str(f.type) for f in dataclasses.fields(cls)}
        if data.keys() - types.keys() or not all(_fits(types[k], v) for k, v in data.items()):
            return None
        lists = {name: tuple(data.get(name, ())) for name in ("reports", "notes")}
        try:
            return cls(**data | lists)
        except TypeError:
            return None


def _fits(kind: str, value: object) -> bool:
    match kind:
        case "Status":
            return value in get_args(Status)
        case "float | None":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return value is None or (is_number and math.isfinite(value))  # type: ignore[arg-type]
        case "dict[str, int]":
            return isinstance(value, dict) and all(
                isinstance(n, int) and 0 <= n <= _COUNT_AT_MOST for n in value.values()
            )
        case "tuple[str, ...]":
            return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
    return isinstance(value, str)

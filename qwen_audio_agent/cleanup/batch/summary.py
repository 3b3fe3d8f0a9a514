"""The summary of a batch in the output folder: JSON for programs, a table for people."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from qwen_audio_agent.cleanup.batch.entry import Entry, Status
from qwen_audio_agent.cleanup.batch.places import deliver, join
from qwen_audio_agent.cleanup.plan import Kind

FORMAT: Final = "qwen-audio-agent batch summary, version 1"
JSON_NAME: Final = "summary.json"
CSV_NAME: Final = "summary.csv"

# A spreadsheet takes a text that begins so for a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch came to.

    Attributes:
        folder: the output folder: an absolute path, or a URL.
        entries: one for each recording, in the order of their outputs.
    """

    folder: str
    entries: tuple[Entry, ...]

    def num(self, status: Status) -> int:
        """How many episodes are done, failed or waiting."""
        return sum(entry.status == status for entry in self.entries)

    @property
    def seconds_before(self) -> float:
        """Length of all recordings that are done."""
        return _total(entry.seconds_before for entry in self.entries)

    @property
    def seconds_after(self) -> float:
        """Length of their outputs."""
        return _total(entry.seconds_after for entry in self.entries)

    @property
    def counts(self) -> dict[str, int]:
        """How many changes were made, by their kind."""
        total: Counter[str] = Counter()
        for entry in self.entries:
            total.update(entry.counts)
        return dict(sorted(total.items()))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "format": FORMAT,
            **{status: self.num(status) for status in get_args(Status)},
            "seconds_before": self.seconds_before,
            "seconds_after": self.seconds_after,
            "seconds_removed": _total(entry.seconds_removed for entry in self.entries),
            "counts": self.counts,
            "files": [entry.to_json() for entry in self.entries],
        }

    def to_csv(self) -> str:
        """A row for each recording, a column for each field and each kind of change."""
        kinds = get_args(Kind)
        text = io.StringIO()
        fields = [name for name in Entry.__dataclass_fields__ if name != "counts"]
        table = csv.writer(text, lineterminator="\n")
        table.writerow([*fields, *(_column(kind) for kind in kinds)])
        for entry in self.entries:
            lists = {"reports": " ".join(entry.reports), "notes": "; ".join(entry.notes)}
            data = entry.to_json() | lists
            counts = [entry.counts.get(kind, 0) for kind in kinds]
            table.writerow([*(_cell(data[name]) for name in fields), *counts])
        return text.getvalue()

    def write(self) -> None:
        """Write both into the output folder, each whole or not at all.

        Raises:
            DiskError: they cannot be written.
        """
        data = json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n"
        for name, content in ((JSON_NAME, data), (CSV_NAME, self.to_csv())):
            with tempfile.TemporaryDirectory(prefix="qwen-audio-agent-") as folder:
                copy = Path(folder) / name
                copy.write_text(content, "utf-8", "backslashreplace", newline="")
                deliver(copy, join(self.folder, name))


def _column(kind: str) -> str:
    return f"num_{kind.replace(' ', '_')}"


def _cell(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value


def _total(seconds: Iterable[float | None]) -> float:
    return round(sum(s for s in seconds if s is not None), 3)

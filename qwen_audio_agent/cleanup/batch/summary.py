"""The summary of a batch in the output folder: JSON for programs, a table for people."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

from qwen_audio_agent.cleanup.batch.entry import Entry, Status
from qwen_audio_agent.cleanup.batch.places import deliver, join, keep_at
from qwen_audio_agent.cleanup.kept_files import is_other
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
        kept: names of copies of what lay there under the names of its two files.
    """

    folder: str
    entries: tuple[Entry, ...]
    kept: tuple[str, ...] = ()

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

    def write(self) -> Summary:
        """Write both into the output folder, each whole or not at all; files of others are kept.

        Returns:
            The same, with the names of what was kept.

        Raises:
            AudioFileError: what is there cannot be read.
            DiskError: they cannot be written.
        """
        kept = []
        data = json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n"
        for name, content in ((JSON_NAME, data), (CSV_NAME, self.to_csv())):
            with tempfile.TemporaryDirectory(prefix="qwen-audio-agent-") as folder:
                copy = Path(folder) / name
                copy.write_text(content, "utf-8", "backslashreplace", newline="")
                new, place = copy.read_bytes(), join(self.folder, name)
                kept.append(keep_at(place, partial(is_other, new=new), Path(folder) / "there"))
                deliver(copy, place)
        return replace(self, kept=tuple(filter(None, kept)))


def _column(kind: str) -> str:
    return f"num_{kind.replace(' ', '_')}"


def _cell(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value


def _total(seconds: Iterable[float | None]) -> float:
    return round(sum(s for s in seconds if s is not None), 3)

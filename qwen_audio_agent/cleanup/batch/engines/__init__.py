"""Who does the jobs of a batch: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final, cast

from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.jobs import Job, Settings
from qwen_audio_agent.errors import UsageError


@dataclass(frozen=True, slots=True)
class Share:
    """A job goes on: `done` of it, 0 to 1, is done."""

    number: int
    done: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A job is at its end: what it came to, and whether it was done before."""

    number: int
    entry: Entry
    was_done: bool


Happened = Share | Ended
Engine = Callable[
    [Sequence[Job], Settings, Mapping[str, Entry], int], Generator[Happened, None, None]
]
"""Does jobs, each once: (jobs, settings, what the ledger says by output, number of workers).

Yields `Ended` exactly once for each job. When the generator is closed nothing of it runs any more.
"""

NAMES: Final = ("local", "ray")


def open_engine(name: str) -> Engine:
    """The engine of a name.

    Raises:
        UsageError: there is none, or it needs a package that is not installed.
    """
    if name not in NAMES:
        raise UsageError(f"there is no engine {name!r}; there are: {', '.join(NAMES)}")
    module = import_module(f"{__name__}.{name}_engine")
    module.check()
    return cast(Engine, module.run)

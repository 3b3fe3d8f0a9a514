"""A checkpointer that keeps everything in one file, for runs that go on in another process."""

from __future__ import annotations

import pickle
from pathlib import Path
from threading import Lock
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver


class FileSaver(InMemorySaver):
    """Writes what it holds after every change, whole or not at all."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._keeping = Lock()  # a graph saves from several threads
        if path.exists():
            kept = pickle.loads(path.read_bytes())  # noqa: S301 - the file is our own
            for thread, spaces in kept["storage"].items():
                self.storage[thread].update(spaces)
            self.writes.update(kept["writes"])
            self.blobs.update(kept["blobs"])

    def put(self, *given: Any, **named: Any) -> Any:
        with self._keeping:
            config = super().put(*given, **named)
            self._keep()
        return config

    def put_writes(self, *given: Any, **named: Any) -> None:
        with self._keeping:
            super().put_writes(*given, **named)
            self._keep()

    def _keep(self) -> None:
        storage = {thread: dict(spaces) for thread, spaces in self.storage.items()}
        kept = {"storage": storage, "writes": dict(self.writes), "blobs": dict(self.blobs)}
        new = self._path.with_suffix(".new")
        new.write_bytes(pickle.dumps(kept))
        new.replace(self._path)

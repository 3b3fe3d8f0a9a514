"""Commands that can be killed, starved and stopped, on recordings that take no time to hear."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parent.parent.parent
RATE = 16_000
WAIT_S = 60.0


@dataclass
class Running:
    """A command that was started; `folder` is where it prints."""

    commands: Commands
    pid: int
    folder: Path

    @property
    def out(self) -> str:
        return (self.folder / "stdout").read_text("utf-8")

    @property
    def err(self) -> str:
        return (self.folder / "stderr").read_text("utf-8")

    @property
    def complaints(self) -> list[str]:
        """The lines that say what went wrong."""
        return [line for line in self.err.splitlines() if line.startswith("qwen-audio-agent: ")]

    def is_running(self) -> bool:
        return not self.commands.ask({"poll": self.pid})

    def until(self, seen: Callable[[], bool]) -> None:
        """Wait until something is seen, or the command has ended."""
        end = time.monotonic() + WAIT_S
        while not seen() and self.is_running():
            assert time.monotonic() < end, f"never seen; printed so far: {self.err}"
            time.sleep(0.001)

    def until_said(self, text: str) -> None:
        """Wait until something is printed for people or programs."""
        self.until(lambda: text in self.err or text in self.out)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit status, negative for a signal that killed it; there must be no traceback."""
        status = self.commands.ask({"wait": self.pid})
        assert "Traceback" not in self.err, self.err
        assert "Exception ignored" not in self.err, self.err
        return status


class Commands:
    """Starts commands by forking a process that has everything loaded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        script = Path(__file__).parent / "warm_command.py"
        self._process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            },
        )
        assert self._process.stdout.readline() == "ready\n"

    def ask(self, question: dict[str, Any]) -> int:
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(
        self,
        cwd: Path,
        *argv: object,
        script: Path | None = None,
        largest_file: int = 0,
        as_nobody: bool = False,
        stdout_to: str = "",
        stderr_to: str = "",
        **environment: str,
    ) -> Running:
        self._number += 1
        log = self._folder / str(self._number)
        log.mkdir()
        for name in ("stdout", "stderr"):
            (log / name).touch()
            (log / name).chmod(0o666)
        job = {
            "argv": [str(argument) for argument in argv],
            "cwd": str(cwd),
            "log": str(log),
            "script": script and str(script),
            "largest_file": largest_file,
            "as_nobody": as_nobody,
            "stdout_to": stdout_to,
            "stderr_to": stderr_to,
            "environment": {"QWEN_AUDIO_AGENT_CACHE": str(self._folder / "heard"), **environment},
        }
        return Running(self, self.ask(job), log)

    def run(self, cwd: Path, *argv: object, **how: Any) -> tuple[int, Running]:
        running = self.start(cwd, *argv, **how)
        return running.wait(), running

    def close(self) -> None:
        with self._process:
            self._process.stdin.close()


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    if not hasattr(os, "fork"):
        pytest.skip("commands are forked, which this system cannot do")
    started = Commands(tmp_path_factory.mktemp("commands"))
    yield started
    started.close()


def write_faint(path: Path, seconds: float, *, channels: int = 1, seed: int = 0) -> Path:
    """Noise of three steps of 16 bits: too faint to be listened to, but no two seconds alike."""
    numbers = np.random.default_rng(seed).integers(-3, 4, (round(seconds * RATE), channels))
    soundfile.write(path, numbers.astype(np.int16), RATE, subtype="PCM_16")
    return path


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("cut", {"audio": 1, "start": 0.5, "end": 0.9}),
    ("gain", {"audio": 2, "db": -3.0, "start": 0.2, "end": 0.8}),
    ("effect", {"audio": 3, "name": "tempo", "value": 1.1}),
    ("cut", {"audio": 4, "start": 1.0, "end": 1.3}),
]
"""What the scripted planner of these tests does: Audio 2 to Audio 5."""


def write_script(path: Path, first: int = 0) -> Path:
    """A script for `--model scripted:` that makes the calls from number `first` on."""
    calls = [{"content": "", "tool_calls": [{"name": n, "args": a}]} for n, a in CALLS[first:]]
    path.write_text(json.dumps([*calls, {"content": "Done."}]), "utf-8")
    return path


def hidden(folder: Path) -> list[str]:
    """What killed writers have left below a folder."""
    return sorted(path.name for path in folder.rglob(".*") if path.is_file())

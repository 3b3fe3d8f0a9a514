"""Runs a session of 20 calls over an hour of faint noise, and tells what it cost, as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from qwen_audio_agent.langchain import SpeechEditingToolkit, editing_middleware
from tests.langchain.talks import asks, scripted, user

RATE = 16_000
HOUR = 3600


def write_noise(path: Path) -> None:
    """An hour too faint for an ear (below -80 dBFS at its 16 kHz), written a minute at a time."""
    generator = np.random.default_rng(1)
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for _ in range(60):
            file.write(generator.integers(-2, 3, HOUR // 60 * RATE).astype(np.int16))


def script() -> list[AIMessage]:
    calls: list[tuple[str, dict[str, Any]]] = []
    for number in range(1, 16):
        start = 200.0 * number
        calls.append(("cut", {"audio": number, "start": start, "end": start + 1.5}))
    calls += [
        ("silence", {"audio": 16, "start": 10, "end": 20}),
        ("insert", {"audio": 17, "other": 1, "start": 5, "end": 6, "at": 1800}),
        ("undo", {"audio": 18}),
        ("silence", {"audio": 19, "start": 100, "end": 200}),
        ("keep", {"audio": 20, "start": 0, "end": 3000}),
    ]
    return [*[asks(call) for call in calls], AIMessage("Done.")]


def peak_mib() -> int:
    """The most memory that this process had; `getrusage` counts that of its parent, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found
    return int(found[1]) // 1024


def main(folder: Path, *, hears: bool) -> dict[str, Any]:
    """Edit by a model that hears, or by one that gets words."""
    write_noise(folder / "hour.wav")
    before = peak_mib()
    with SpeechEditingToolkit.open(
        folder / "hour.wav", workspace=folder / "work", num_workers=1
    ) as toolkit:
        model = scripted(*script(), profile={"audio_inputs": hears})
        agent = create_agent(model, toolkit.get_tools(), middleware=editing_middleware(toolkit))
        state = agent.invoke(user("Do it"))
        kind, data = JsonPlusSerializer().dumps_typed(state)
        return {
            "num_steps": len(toolkit.session.steps),
            "serialised": kind,
            "state_bytes": len(data),
            "has_sound": b"base64" in data or b"RIFF" in data,
            "mib_before": before,
            "mib": peak_mib(),
        }


def tell(folder: Path, kind: str) -> None:
    print(json.dumps(main(folder, hears=kind == "hears")))  # noqa: T201 - the test reads it

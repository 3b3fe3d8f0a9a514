"""Runs a session of 20 calls over an hour of speech, and tells what it cost.

    python -m tests.langchain.one_hour [hears|reads] [FOLDER]

The embedded ear decodes the speech in this process. "mib" is the most memory that the process had
resident, all its libraries and the ear's models included, "children_mib" that of the largest other
one, 0 if there was none: no stretch that has to be heard is so long that processes share it.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import soundfile
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from qwen_audio_agent.langchain import ScriptedChatModel, SpeechEditingToolkit, editing_middleware

SPEECH = Path(__file__).parents[2] / "examples" / "interview.flac"
HOUR = 3600


class Forgetful(ScriptedChatModel):
    """Keeps nothing of what it was sent: the sound is the model's, wherever that may be."""

    def _generate(self, *given: Any, **named: Any) -> Any:
        result = super()._generate(*given, **named)
        self.requests.clear()
        return result


def write_hour(path: Path) -> None:
    """The sample recording over and over."""
    samples, rate = soundfile.read(SPEECH, dtype="int16")
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        while file.tell() < HOUR * rate:
            file.write(samples)


def script() -> list[BaseMessage]:
    """Steps in three stretches of the hour: to hear all of it would take half an hour."""
    starts = [200.0, 204.0, 208.0, 212.0, 216.0, 1800.0, 1805.0, 1810.0, 3400.0, 3405.0]
    calls: list[tuple[str, dict[str, Any]]] = [
        *[("cut", {"start": start, "end": start + 1.5}) for start in starts],
        *[("silence", {"start": start + 2, "end": start + 3}) for start in starts[:4]],
        ("insert", {"other": 1, "start": 202, "end": 204, "at": 1800}),
        ("undo", {}),
        ("gain", {"db": -3, "start": 205, "end": 212}),
        ("gain", {"db": 2, "start": 215, "end": 219, "fade_in": 0.1}),
        ("silence", {"start": 1801, "end": 1802}),
        ("keep", {"start": 0, "end": 3000}),
    ]
    asked = [
        {"name": name, "args": {"audio": number, **arguments}, "id": f"id-{number}"}
        for number, (name, arguments) in enumerate(calls, start=1)
    ]
    return [*[AIMessage("", tool_calls=[call]) for call in asked], AIMessage("Done.")]


def peak_mib() -> int:
    """The most memory that this process had; `getrusage` counts that of its parent, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found
    return int(found[1]) // 1024


def main(folder: Path, *, hears: bool) -> dict[str, Any]:
    """Edit by a model that hears, or by one that gets words."""
    write_hour(folder / "hour.wav")
    with SpeechEditingToolkit.open(folder / "hour.wav", workspace=folder / "work") as toolkit:
        model = Forgetful(messages=script(), profile={"audio_inputs": hears})
        agent = create_agent(model, toolkit.get_tools(), middleware=editing_middleware(toolkit))
        state = agent.invoke({"messages": [{"role": "user", "content": "Do it"}]})
        kind, data = JsonPlusSerializer().dumps_typed(state)
        results = [m for m in state["messages"] if m.type == "tool"]
        return {
            "num_calls": len(results),
            "refused": [m.text for m in results if m.status == "error"],
            "ear": toolkit.session.ear.name,
            "serialised": kind,
            "state_bytes": len(data),
            "has_sound": b"base64" in data or b"RIFF" in data,
            "mib": peak_mib(),
            "children_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=(sys.argv[2:] or [None])[0]) as made:
        print(json.dumps(main(Path(made), hears="reads" not in sys.argv[1:])))  # noqa: T201

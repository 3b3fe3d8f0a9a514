"""How the planner's events look: lines for a person on stderr, or JSON lines on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from qwen_audio_agent.agent import events
from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.cli.one_line import json_line, one_line, tell, write_nowhere

CALL_WIDTH = 50


def format_rate(sample_rate: int, num_channels: int) -> str:
    """`44.1 kHz stereo`."""
    layout = {1: "mono", 2: "stereo"}.get(num_channels, f"{num_channels} channels")
    return f"{sample_rate / 1000:g} kHz {layout}"


def format_call(tool: str, arguments: Mapping[str, Any]) -> str:
    """`cut(audio=1, words="middle classes")`."""
    given = ", ".join(
        f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in arguments.items() if v is not None
    )
    return f"{tool}({given})"


def format_places(step: Step) -> str:
    """`<|2.34|> to <|3.27|>`, or how many places there were."""
    if len(step.places) == 1:
        place = step.places[0]
        return f"<|{place.start:.2f}|> to <|{place.end:.2f}|>"
    return f"{len(step.places)} places" if step.places else ""


@dataclass(slots=True)
class Result:
    """What became of a job; the last line of `--json`.

    Attributes:
        output: the file that was written; None when none was.
        session: the folder to go on with; None when nothing was kept.
        edits: one for each place that was edited: tool, audio, words, start and end in seconds.
        verdicts: what was heard at each new join.
        notes: what of the recording's tags was not carried over.
        error: why the job failed, in one line; None when it did not.
    """

    output: str | None = None
    session: str | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str | None = None


class HumanPrinter:
    """The conversation as a person reads it."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def remark(self, text: str) -> None:
        """One line of ours."""
        if not self._quiet:
            tell(one_line(text))

    def event(self, event: events.Event) -> None:
        """Show one event."""
        match event:
            case events.AudioTurn():
                rate = format_rate(event.sample_rate, event.num_channels)
                self.remark(
                    f"Audio {event.audio}  {event.name:<40} {event.duration:8.2f} s  {rate}"
                )
            case events.Said(speaker="you"):
                self.remark(f"you      {event.text}")
            case events.Edited():
                call = format_call(event.step.tool, event.step.arguments)
                self.remark(f"agent    {call:<{CALL_WIDTH}} {format_places(event.step)}".rstrip())
            case events.Heard():
                self._heard(event.step)
            case events.Refused():
                self.remark(f"         {event.tool}: {event.text}")
            case events.Answer():
                self.remark(f"agent    {event.text}")
            case events.Stopped():
                pass  # the error behind it says so

    def _heard(self, step: Step) -> None:
        if step.audio is not None:
            repaired = f"  (edge moved {step.repairs}x)" if step.repairs else ""
            self.remark(
                f"Audio {step.audio}  {step.duration:.2f} s   {step.verdict_text}{repaired}"
            )

    def result(self, result: Result) -> None:
        """Where everything went."""
        for note in result.notes:
            self.remark(f"note     {note}")
        wrote = f"wrote {result.output}" if result.output else "nothing written"
        session = f"   session: {result.session}/" if result.session else ""
        self.remark(wrote + session)

    def failed(self, result: Result) -> None:
        """Nothing: why is said in a line of its own."""


class JsonPrinter:
    """One JSON object per line on stdout: turns, tool calls, verdicts, and the result at last."""

    def remark(self, text: str) -> None:
        """Remarks are for people."""

    def event(self, event: events.Event) -> None:
        """Print one event."""
        self._line(event.to_json())

    def result(self, result: Result) -> None:
        """Print the result line, which is the last."""
        self._line({"type": "result", **asdict(result)})

    def failed(self, result: Result) -> None:
        """The same line, with its error."""
        self.result(result)

    def _line(self, value: dict[str, Any]) -> None:
        try:
            sys.stdout.write(json_line(value) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            write_nowhere(sys.stdout)  # nobody reads on; the job is done all the same

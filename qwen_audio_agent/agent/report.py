"""The report of a job: what was there, what was done, what was heard of it."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage

from qwen_audio_agent.agent.conversation import AUDIO
from qwen_audio_agent.agent.levels import levels_of
from qwen_audio_agent.agent.report_page import page
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.files import content_hash
from qwen_audio_agent.audio.outline import outline
from qwen_audio_agent.audio.whole_file import write_whole
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.time_map import TimeMap

_COLUMNS = 800


def write_report(
    session: Session, number: int, folder: str | Path, output: str | Path | None = None
) -> tuple[Path, Path]:
    """Write report.html and report.json of what became Audio `number`.

    Args:
        session: of the job.
        number: the audio that is the result.
        folder: where the two files go.
        output: the file that the result was rendered to, if it was.

    Returns:
        The paths of the page and of the JSON.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    report = make_report(session, number, Path(output) if output else None)
    before, after = (session.audio(n) for n in (report["before"]["audio"], number))
    html, data = folder / "report.html", folder / "report.json"
    write_whole(data, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    write_whole(html, page(report, _outline(before), _outline(after)))
    return html, data


def make_report(session: Session, number: int, output: Path | None = None) -> dict[str, Any]:
    """Everything that a report says, as plain data; times in seconds, levels in dB."""
    first = number
    while (parent := session.entry(first).parent) is not None:
        first = parent
    before, after = session.audio(first), session.audio(number)
    return {
        "title": session.name(first),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "program": f"qwen-audio-agent {version('qwen-audio-agent')}",
        "python": f"{platform.python_version()} on {platform.system()}",
        "ear": {
            "name": session.ear.name,
            "version": session.ear.version,
            "description": session.ear.description,
        },
        "recordings": list(_recordings(session)),
        "output": _output(output),
        "conversation": list(_conversation(session)),
        "before": _audio(before, first) | {"removed": _removed(before, after)},
        "after": _audio(after, number) | {"joins": _joins(after)},
        "steps": [step.to_json() for step in session.steps],
        "words": _words(before, after),
    }


def _outline(audio: HeardAudio) -> list[float]:
    peaks = outline(audio.blocks(), audio.num_frames, _COLUMNS)
    return [round(min(float(peak), 1.0), 4) for peak in peaks]


def _recordings(session: Session) -> Iterator[dict[str, Any]]:
    for recording in session.recordings:
        file = session.sources.files[recording.id]
        yield {
            "name": recording.name,
            "path": str(recording.path),
            "sha256": recording.sha256,
            "duration": round(file.duration, 3),
            "sample_rate": file.sample_rate,
            "num_channels": file.num_channels,
            "format": f"{file.container} {file.subtype}",
        }


def _output(path: Path | None) -> dict[str, Any] | None:
    return {"path": str(path), "sha256": content_hash(path)} if path else None


def _conversation(session: Session) -> Iterator[dict[str, str]]:
    """What was said in words: instructions and answers."""
    for message in session.messages:
        if isinstance(message, HumanMessage) and message.name != AUDIO:
            blocks = message.content if isinstance(message.content, list) else [message.content]
            said = [b if isinstance(b, str) else b.get("text", "") for b in blocks]
            yield {"speaker": "you", "text": next((text for text in reversed(said) if text), "")}
        elif isinstance(message, AIMessage) and message.text and not message.tool_calls:
            yield {"speaker": "agent", "text": message.text}


def _audio(audio: HeardAudio, number: int) -> dict[str, Any]:
    floor, speech, loudness = levels_of(audio)
    return {
        "audio": number,
        "duration": round(audio.duration, 3),
        "noise_floor_dbfs": round(floor, 1),
        "speech_dbfs": round(speech, 1),
        "loudness_lufs": round(loudness, 1),
    }


def _joins(audio: HeardAudio) -> list[float]:
    return [round(frame / audio.sample_rate, 3) for frame in audio.joins]


def _removed(before: HeardAudio, after: HeardAudio) -> list[list[float]]:
    """The stretches of the old audio that are heard nowhere in the new one."""
    removed = []
    for stretch in before.time_map.stretches:
        kept = sorted(
            (float(other.source_start), float(other.source_end))
            for other in after.time_map.stretches
            if other.source == stretch.source
        )
        at, last = float(stretch.source_start), float(stretch.source_end)
        offset = float(stretch.start) - at
        for start, end in [*kept, (last, last)]:
            if start > at + 1:
                removed.append((at + offset, min(start, last) + offset))
            at = max(at, end)
    rate = before.sample_rate
    return [[round(start / rate, 3), round(end / rate, 3)] for start, end in removed if end > start]


def _words(before: HeardAudio, after: HeardAudio) -> list[dict[str, Any]]:
    """The words that were heard in the old audio, each with whether it is still there."""
    return [
        {
            "text": word.text,
            "start": round(word.start, 3),
            "end": round(word.end, 3),
            "kept": _is_kept(before, after.time_map, (word.start + word.end) / 2),
        }
        for word in before.remembered()
    ]


def _is_kept(before: HeardAudio, after: TimeMap, time: float) -> bool:
    place = before.time_map.to_source(int(time * before.sample_rate))
    return place is not None and bool(after.to_programme(*place))

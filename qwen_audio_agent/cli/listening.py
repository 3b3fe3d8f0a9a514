"""The commands that only listen: words, chat."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Any

from qwen_audio_agent.audio.files import AudioFile, probe
from qwen_audio_agent.cli.ears import about_ear, named_ear
from qwen_audio_agent.cli.one_line import json_line, one_line
from qwen_audio_agent.cli.printing import format_rate
from qwen_audio_agent.cli.progress import Progress
from qwen_audio_agent.errors import QwenAudioAgentError, UsageError
from qwen_audio_agent.speech import subtitles
from qwen_audio_agent.speech.cache import default_cache_folder
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Match


def words(arguments: argparse.Namespace) -> int:
    """Print the words of a recording with their times, or where a phrase is said."""
    if arguments.find is not None:
        _check_find(arguments)
    file = probe(Path(arguments.audio))
    listener = _listener(arguments.ear, quiet=arguments.quiet)
    if arguments.find is not None:
        return _find(arguments, file, listener)
    transcript = listener.transcribe(file)
    form = arguments.format or ("json" if arguments.json else "text")
    if form == "json":
        text = json_line(subtitles.to_json(transcript, arguments.audio))
    else:
        text = getattr(subtitles, f"to_{form}")(transcript)
    sys.stdout.write(text.rstrip("\n") + "\n")
    return 0


def _check_find(arguments: argparse.Namespace) -> None:
    if not arguments.find.strip():
        raise UsageError("--find needs a phrase, such as: --find 'you know'")
    if arguments.format not in (None, "text", "json"):
        raise UsageError(
            f"--find prints places as text or json, not as {arguments.format}; "
            "leave --find or that format out"
        )


def _find(arguments: argparse.Namespace, file: AudioFile, listener: Listener) -> int:
    """Print the matches; exit status 1 when the phrase is not there."""
    matches = listener.find(file, arguments.find)
    found = [match for match in matches if not match.doubtful]
    if arguments.json or arguments.format == "json":
        result = {
            "audio": arguments.audio,
            "phrase": arguments.find,
            "matches": [_match_json(match) for match in found],
            "nearest": [_match_json(match) for match in matches if match.doubtful],
        }
        sys.stdout.write(json_line(result) + "\n")
    else:
        for match in found:
            numbers = f"{match.start:.2f}\t{match.end:.2f}\t{match.probability:.2f}"
            sys.stdout.write(f"{numbers}\t{one_line(match.text)}\n")
    if not found and not arguments.quiet:
        nearest = (
            f'; the nearest is "{matches[0].text}" at {matches[0].start:.2f} s' if matches else ""
        )
        about = f'"{arguments.find}" is not heard in {arguments.audio}{nearest}'
        sys.stderr.write(one_line(about) + "\n")
    return 0 if found else 1


def _match_json(match: Match) -> dict[str, Any]:
    return {
        "text": match.text,
        "start": round(match.start, 3),
        "end": round(match.end, 3),
        "probability": round(match.probability, 3),
    }


def chat(arguments: argparse.Namespace) -> int:
    """Answer questions about recordings, one per line of stdin, until it ends."""
    from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

    from qwen_audio_agent.chat_models import open_chat_model

    files = [probe(Path(path)) for path in arguments.audio]
    listener = _listener(arguments.ear, quiet=arguments.quiet)
    hearables = {f"audio-{i}": listener.recording(file) for i, file in enumerate(files, 1)}
    model = open_chat_model(
        arguments.model, hear=hearables.__getitem__, hears_sound=arguments.hears
    )
    content: list[str | dict[str, Any]] = []
    for number, file in enumerate(files, 1):
        about = f"Audio {number}: {file.path.name}, {file.duration:.2f} s"
        content.append({"type": "text", "text": about})
        content.append({"type": "audio", "file_id": f"audio-{number}", "mime_type": "audio/wav"})
        if not arguments.quiet:
            rate = format_rate(file.sample_rate, file.num_channels)
            opened = f"Audio {number}  {file.path.name}  {file.duration:.2f} s  {rate}"
            sys.stderr.write(one_line(opened) + "\n")
    messages: list[BaseMessage] = []
    for question in _questions():
        asked = [*content, {"type": "text", "text": question}] if not messages else question
        messages.append(HumanMessage(content=asked))
        try:
            answer = model.invoke(messages)
        except QwenAudioAgentError as error:
            answer = AIMessage(content=str(error))
        messages.append(answer)
        sys.stdout.write("\n".join(one_line(line) for line in answer.text.splitlines()) + "\n")
        sys.stdout.flush()
    return 0


def _questions() -> Any:
    """Lines that a person types, or that come through a pipe."""
    asking = sys.stdin.isatty()
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a byte that is no text is no reason to stop
    while True:
        if asking:
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()


def _listener(ear_name: str, *, quiet: bool) -> Listener:
    ear = named_ear(ear_name)
    if not quiet:
        sys.stderr.write(about_ear(ear) + "\n")
    return Listener(ear, default_cache_folder(), Progress("listening", enabled=not quiet))

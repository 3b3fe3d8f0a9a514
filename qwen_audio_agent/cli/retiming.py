"""The command that re-times subtitles of a recording for what a session made of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.cli.job import told
from qwen_audio_agent.cli.printing import HumanPrinter, JsonPrinter
from qwen_audio_agent.editing.subtitle_files import retime_subtitle_file


def retime(arguments: argparse.Namespace) -> int:
    """Write subtitles, labels or a transcript with the times of the newest audio of a session."""
    printer = JsonPrinter() if arguments.json else HumanPrinter(quiet=arguments.quiet)
    output = Path(arguments.output)
    with told(printer) as result, Session.open(arguments.session) as session:
        time_map = session.audio(session.latest).time_map
        retime_subtitle_file(Path(arguments.subtitles), output, time_map)
        result.output = str(output)
        result.session = str(session.folder)
    return 0

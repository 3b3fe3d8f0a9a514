"""The command that lists what the agent can do."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap

from qwen_audio_agent.agent.tools import TOOLS

EXAMPLES = {
    "listen": 'What is said? / When is "middle classes"?',
    "cut": 'Cut "you know" every time. / Cut from 0:12 to 0:15.5. / Cut everything before "hello".',
    "keep": 'Keep only from "welcome" to "goodbye".',
    "insert": "Insert jingle.wav at the beginning. / Join Audio 1 and Audio 2.",
    "replace": 'Replace "monday" with "tuesday" of Audio 2.',
    "move": 'Move "thank you" after "goodbye".',
    "silence": 'Mute "my number". / Bleep "damn".',
    "tidy": "Remove the fillers. / Cap pauses at 0.8 seconds.",
    "gain": "Make the first 5 seconds 3 dB louder. / Fade out over 2 seconds.",
    "denoise": "Take the noise out. / Denoise lightly.",
    "effect": "Normalise to -16 LUFS. / Speed up by 10 %. / De-ess.",
    "undo": "Undo that.",
}


def tools(arguments: argparse.Namespace) -> int:
    """Print each tool with what a person would say, or their schemas."""
    if arguments.json:
        schemas = [
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.arguments.model_json_schema(),
            }
            for tool in TOOLS.values()
        ]
        sys.stdout.write(json.dumps(schemas, indent=1) + "\n")
        return 0
    for tool in TOOLS.values():
        sys.stdout.write(f"{tool.name:<9}{EXAMPLES[tool.name]}\n")
        sys.stdout.write(
            textwrap.fill(tool.description, 96, initial_indent=" " * 9, subsequent_indent=" " * 9)
            + "\n"
        )
    return 0

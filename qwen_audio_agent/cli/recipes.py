"""The command recipe: what there is, and what a session did, as recipes for clean-ups."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qwen_audio_agent.agent.recipes import recipe_from, recipe_text
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.whole_file import write_whole
from qwen_audio_agent.cleanup.kept_files import keep_other
from qwen_audio_agent.cleanup.recipe import SHIPPED, load_recipe
from qwen_audio_agent.cli.one_line import one_line, tell
from qwen_audio_agent.errors import UsageError

DONE = 0


def show(arguments: argparse.Namespace) -> int:
    """Print a recipe as TOML, or what recipes there are."""
    if arguments.name:
        sys.stdout.write(recipe_text(load_recipe(arguments.name)))
    else:
        for name in SHIPPED:
            sys.stdout.write(f"{name:<10} {load_recipe(name).description}\n")
    return DONE


def take(arguments: argparse.Namespace) -> int:
    """Write what a session did as a recipe."""
    output = Path(arguments.output) if arguments.output else None
    if output and output.suffix.lower() != ".toml":
        raise UsageError(f"a recipe is a TOML file: {shown(output)} should end in .toml")
    with Session.open(arguments.session) as session:
        recipe, left_out = recipe_from(session)
    text = recipe_text(recipe, left_out)
    for line in left_out:
        tell(one_line(f"not taken over: {line}"))
    if output:
        if copy := keep_other(output, text):
            tell(one_line(f"kept {copy}, the file that was there"))
        write_whole(output, text)
        tell(one_line(f"wrote {output}"))
    else:
        sys.stdout.write(text)
    return DONE

"""The command line: which commands there are, with which options."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from qwen_audio_agent.cli.one_line import one_line

_EAR = "who listens, such as pocketsphinx or whisper:FOLDER_WITH_WEIGHTS (default: auto)"
FORMATS = ("text", "json", "srt", "vtt", "textgrid", "audacity")

EDIT_EXAMPLES = """\
examples:
  qwen-audio-agent edit talk.wav 'Cut "you know" every time' -o clean.wav
  qwen-audio-agent edit talk.wav jingle.wav 'Insert Audio 2 at the beginning' -o show.mp3
  qwen-audio-agent edit --session clean.session 'undo' -o clean2.wav
`qwen-audio-agent tools` lists what can be asked for.
"""

BATCH_EXAMPLES = """\
examples:
  qwen-audio-agent batch 'episodes/*.mp3' --recipe podcast -o clean
  qwen-audio-agent batch 'episodes/**' -o clean --format flac --workers 4
  qwen-audio-agent batch s3://show/raw -o s3://show/clean --engine ray
The same command again does only what is not done yet; OUT/summary.json and .csv say what was.
"""


class _Parser(argparse.ArgumentParser):
    """Quotes wrong arguments, which may be names of files, without what steers a terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


def _command(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """A command that is imported when it runs."""

    def run(arguments: argparse.Namespace) -> int:
        return int(
            getattr(importlib.import_module(f"qwen_audio_agent.cli.{module}"), name)(arguments)
        )

    return run


def _version() -> str:
    try:
        return version("qwen-audio-agent")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "not installed"


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"a number > 0, not {text}")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1, not {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"a whole number >= 1, not {text}")
    return value


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The parsed arguments; their `command` takes them.

    Raises:
        SystemExit: argparse has printed what is wrong, or the help.
    """
    parser = make_parser()
    arguments, rest = parser.parse_known_args(argv)
    # argparse gives positionals after an option to nobody: "edit a.wav -o b.wav 'Cut ...'"
    if rest and (not hasattr(arguments, "positionals") or any(r.startswith("-") for r in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        arguments.positionals.extend(rest)
    return arguments


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="qwen-audio-agent",
        description="Edit speech recordings from plain language.",
        epilog="Exit status: 0 done, 1 the job failed, 2 wrong use.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_edit(commands)
    _add_chat(commands)
    _add_words(commands)
    _add_replay(commands)
    _add_undo(commands)
    _add_cleanup(commands)
    _add_recipe(commands)
    _add_retime(commands)
    _add_batch(commands)
    tools = commands.add_parser("tools", help="what the agent can do")
    tools.add_argument("--json", action="store_true", help="the tools' schemas as JSON")
    tools.set_defaults(command=_command("listing", "tools"))
    return parser


def _add_edit(commands: argparse._SubParsersAction[_Parser]) -> None:
    edit = commands.add_parser(
        "edit",
        help="edit recordings as a sentence says",
        usage="%(prog)s AUDIO [AUDIO ...] INSTRUCTION -o OUT [options]",
        epilog=EDIT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    edit.add_argument(
        "positionals",
        nargs="*",
        metavar="AUDIO ... INSTRUCTION",
        help="the recordings (Audio 1, Audio 2, ...), then what to do, in plain English",
    )
    edit.add_argument("-o", "--output", metavar="OUT", help="the file to write")
    edit.add_argument(
        "--session", metavar="DIR", help="keep the session here, or continue the one that is here"
    )
    edit.add_argument(
        "--dry-run", action="store_true", help="show the plan and the cuts, write nothing"
    )
    edit.add_argument(
        "--max-steps", type=_count, default=50, metavar="N", help="tool calls at most"
    )
    edit.add_argument("--max-seconds", type=_positive, metavar="S", help="time limit")
    edit.add_argument(
        "--trace", metavar="FILE.jsonl", help="append one line for each run of a model or a tool"
    )
    _add_mind(edit)
    _add_printing(edit)
    edit.set_defaults(command=_command("editing", "edit"))


def _add_chat(commands: argparse._SubParsersAction[_Parser]) -> None:
    chat = commands.add_parser("chat", help="ask what is said, and where")
    chat.add_argument("audio", nargs="+", metavar="AUDIO")
    _add_mind(chat)
    chat.add_argument("--quiet", action="store_true", help="answers only")
    chat.set_defaults(command=_command("listening", "chat"))


def _add_words(commands: argparse._SubParsersAction[_Parser]) -> None:
    words = commands.add_parser("words", help="the words with their times, or where a phrase is")
    words.add_argument("audio", metavar="AUDIO")
    words.add_argument("--find", metavar="PHRASE", help="only where this is said, best first")
    words.add_argument("--format", choices=FORMATS, help="default: text; json with --json")
    words.add_argument("--json", action="store_true", help="the same as --format json")
    words.add_argument("--ear", default="auto", metavar="EAR", help=_EAR)
    words.add_argument("--quiet", action="store_true", help="no progress, no remarks")
    words.set_defaults(command=_command("listening", "words"))


def _add_replay(commands: argparse._SubParsersAction[_Parser]) -> None:
    replay = commands.add_parser("replay", help="do a session's edits again")
    replay.add_argument("session", metavar="SESSION")
    replay.add_argument(
        "audio", metavar="AUDIO", help="the same sound: the same output, bit for bit; or another"
    )
    replay.add_argument("-o", "--output", metavar="OUT", required=True)
    _add_printing(replay)
    replay.set_defaults(command=_command("editing", "replay"))


def _add_undo(commands: argparse._SubParsersAction[_Parser]) -> None:
    undo = commands.add_parser("undo", help="take the last edit of a session back")
    undo.add_argument("session", metavar="SESSION")
    undo.add_argument("-o", "--output", metavar="OUT", help="the file to write")
    _add_printing(undo)
    undo.set_defaults(command=_command("editing", "undo"))


def _add_cleanup(commands: argparse._SubParsersAction[_Parser]) -> None:
    cleanup = commands.add_parser(
        "cleanup", help="take fillers, repeats and long pauses out of an episode"
    )
    cleanup.add_argument("audio", nargs="?", metavar="EPISODE")
    cleanup.add_argument(
        "--tracks",
        nargs="+",
        metavar="AUDIO",
        help="several microphones of one conversation, cut alike; -o names a folder then",
    )
    cleanup.add_argument("-o", "--output", metavar="OUT", help="the file to write")
    cleanup.add_argument(
        "--recipe", metavar="RECIPE", help="podcast (the default), interview, audiobook or a file"
    )
    cleanup.add_argument(
        "--apply",
        nargs="?",
        const="",
        metavar="PLAN",
        help="do it: what the plan in this file says, or the one beside OUT, or a new one",
    )
    cleanup.add_argument("--yes", action="store_true", help="the same as --apply, for scripts")
    cleanup.add_argument(
        "--max-share",
        type=_share,
        metavar="X",
        help="how much of the episode may go, 0 to 1 (default: the recipe's, 0.4)",
    )
    cleanup.add_argument(
        "--transcript", metavar="FILE", help="write the words of the result: .srt, .vtt, .txt"
    )
    cleanup.add_argument(
        "--no-report", action="store_true", help="do not write the page beside OUT"
    )
    cleanup.add_argument(
        "--no-verify", action="store_true", help="do not hear the joins again before it is written"
    )
    cleanup.add_argument("--ear", default="auto", metavar="EAR", help=_EAR)
    _add_printing(cleanup)
    cleanup.set_defaults(command=_command("cleanup", "cleanup"))


def _add_recipe(commands: argparse._SubParsersAction[_Parser]) -> None:
    recipe = commands.add_parser("recipe", help="recipes for cleanup: see them, or take one over")
    actions = recipe.add_subparsers(required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print a recipe, or what recipes there are")
    show.add_argument("name", nargs="?", metavar="RECIPE")
    show.set_defaults(command=_command("recipes", "show"))
    take = actions.add_parser("from", help="turn what a session did into a recipe")
    take.add_argument("session", metavar="SESSION")
    take.add_argument("-o", "--output", metavar="RECIPE.toml", help="default: stdout")
    take.set_defaults(command=_command("recipes", "take"))


def _add_retime(commands: argparse._SubParsersAction[_Parser]) -> None:
    retime = commands.add_parser(
        "retime", help="re-time subtitles of a recording for what a session made of it"
    )
    retime.add_argument("session", metavar="SESSION")
    retime.add_argument(
        "subtitles", metavar="SUBTITLES", help="srt, vtt, json, or txt (labels of Audacity)"
    )
    retime.add_argument("-o", "--output", metavar="OUT", required=True)
    _add_printing(retime)
    retime.set_defaults(command=_command("retiming", "retime"))


def _add_batch(commands: argparse._SubParsersAction[_Parser]) -> None:
    batch = commands.add_parser(
        "batch",
        help="clean many recordings up by a recipe",
        epilog=BATCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    batch.add_argument(
        "inputs",
        nargs="+",
        metavar="AUDIO",
        help="recordings, folders (FOLDER/** with its folders), patterns, or URLs for fsspec",
    )
    batch.add_argument("-o", "--output", metavar="OUT", required=True, help="the output folder")
    batch.add_argument(
        "--recipe", default="podcast", metavar="RECIPE", help="a recipe by name, or a TOML file"
    )
    batch.add_argument(
        "--workers", type=_count, metavar="N", help="recordings at a time (default: one a core)"
    )
    batch.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="who does it (default: local)"
    )
    batch.add_argument(
        "--format", metavar="SUFFIX", help="of all outputs, such as flac (default: as the input)"
    )
    batch.add_argument("--ear", default="auto", metavar="EAR", help=_EAR)
    _add_printing(batch)
    batch.set_defaults(command=_command("batch", "batch"))


def _add_mind(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        default="offline",
        metavar="MODEL",
        help="who plans: offline (the default), the folder or hub id of a Qwen-Audio checkpoint, "
        "PROVIDER:MODEL such as openai:gpt-audio, or http://HOST:PORT/v1[#MODEL] of a server",
    )
    parser.add_argument(
        "--hears",
        action=argparse.BooleanOptionalAction,
        help="send sound, or else words, to a model of others (default: what is known of it)",
    )
    parser.add_argument("--ear", default="auto", metavar="EAR", help=_EAR)


def _add_printing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object per line on stdout")
    parser.add_argument("--quiet", action="store_true", help="errors only")

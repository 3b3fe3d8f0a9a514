"""Coverage-guided fuzzing of everything that reads what others wrote; for maintainers, on Linux.

    python tools/fuzz.py sound --seconds 60 [FOLDER ...]      or `all` in place of a target

Needs atheris: `pip install atheris` (wheels for Python 3.11 to 3.13). A FOLDER holds inputs to
begin with; the first one also takes new ones that reach further. An input that breaks the contract,
"a result or one of our own errors", is written to fuzz-TARGET-...; small, it belongs into a test.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from qwen_audio_agent.errors import QwenAudioAgentError

WORK = Path(tempfile.gettempdir()) / "qwen-audio-agent-fuzz"


def _written(name: str, data: bytes) -> Path:
    path = WORK / name
    path.write_bytes(data)
    return path


def sound(data: bytes, suffix: str = ".wav") -> None:
    """A recording, looked at and read to its end."""
    from qwen_audio_agent.audio.files import blocks, probe

    with tempfile.TemporaryDirectory(dir=WORK) as cache:
        for _ in blocks(probe(_written(f"sound{suffix}", data), Path(cache))):
            pass


def mp3(data: bytes) -> None:
    """The header of an mp3, which we read ourselves."""
    from qwen_audio_agent.audio.mp3_header import find_mp3_header

    find_mp3_header(_written("sound.mp3", data))


def script(data: bytes) -> None:
    """The file of --model scripted:FILE."""
    from qwen_audio_agent.chat_models.scripted import read_script

    read_script(_written("script.json", data))


def journal(data: bytes) -> None:
    """Lines behind the first one of a session."""
    from qwen_audio_agent.agent.session import Session

    (WORK / "session").mkdir(exist_ok=True)
    head = b'{"type":"session","format":1,"program":"0","made":"now"}\n'
    _written("session/journal.jsonl", head + data + b"\n")
    Session.open(WORK / "session").close()


def step(data: bytes) -> None:
    """The JSON of a step and of an edit list, which come back as they were."""
    from qwen_audio_agent.editing.edit_list import EditList

    with contextlib.suppress(UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        made = EditList.from_json(json.loads(data))
        if EditList.from_json(json.loads(json.dumps(made.to_json()))) != made:
            raise AssertionError(made)


def instruction(data: bytes) -> None:
    """A sentence of a person."""
    from qwen_audio_agent.chat_models.instructions import understand

    understand(data[:300].decode("utf-8", "replace"))


def arguments(data: bytes) -> None:
    """The arguments of every tool."""
    from qwen_audio_agent.agent.tools import TOOLS

    with contextlib.suppress(UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        given = json.loads(data)
        for tool in TOOLS.values():
            with contextlib.suppress(QwenAudioAgentError):
                tool.arguments.read(given)


def words(data: bytes) -> None:
    """What an ear hears, and how it is written down."""
    from qwen_audio_agent.speech import subtitles
    from qwen_audio_agent.speech.text import normalise, readings
    from qwen_audio_agent.speech.words import Transcript, Word

    text = data.decode("utf-8", "replace")
    normalise(text)
    readings(text[:100])
    heard = Transcript((Word(text, 0.1, 0.2), Word(text[::-1], 0.2, 0.9)), 1.0)
    for write in (subtitles.to_srt, subtitles.to_vtt, subtitles.to_textgrid, subtitles.to_audacity):
        if "\x1b" in write(heard):
            raise AssertionError(f"{write.__name__} lets control characters through")


def plan(data: bytes) -> None:
    """The plan of a clean-up."""
    from qwen_audio_agent.cleanup.plan import read_plan

    read_plan(_written("plan.json", data))


def recipe(data: bytes) -> None:
    """The recipe of a clean-up."""
    from qwen_audio_agent.cleanup.recipe import load_recipe

    load_recipe(_written("recipe.toml", data))


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        sound,
        mp3,
        script,
        journal,
        step,
        instruction,
        arguments,
        words,
        plan,
        recipe,
    )
}


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 when nothing broke the contract."""
    parser = argparse.ArgumentParser(description="Fuzz what reads the data of others.")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="inputs to begin with")
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    options = parser.parse_intermixed_args(argv)
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        parser.error("atheris is not installed: pip install atheris")
    if options.target == "all":
        rest = ["--seconds", str(options.seconds), *options.folders]
        return max(subprocess.call([sys.executable, __file__, name, *rest]) for name in TARGETS)

    def once(data: bytes) -> None:
        with contextlib.suppress(QwenAudioAgentError):
            TARGETS[options.target](data)

    WORK.mkdir(exist_ok=True)
    with atheris.instrument_imports(include=["qwen_audio_agent"]):
        once(b"")  # imports what it needs
    limits = [f"-max_total_time={options.seconds}", "-timeout=20", "-rss_limit_mb=2048"]
    prefix = f"-artifact_prefix=fuzz-{options.target}-"
    atheris.Setup([sys.argv[0], *limits, prefix, *options.folders], once)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())

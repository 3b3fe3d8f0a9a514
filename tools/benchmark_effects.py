"""`benchmark.py effects`: each effect and the podcast chain on one core, in a process of its own.

A recording of 44.1 kHz stereo, 16 bit: made speech-like sound over noise, or yours (--recording).
Figures are seconds of sound per second of processor time, of a whole process, and the largest
resident set. To pin it to one core: taskset -c 0 python tools/benchmark.py effects.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import measuring
import numpy as np
import soundfile

if TYPE_CHECKING:
    from qwen_audio_agent.audio.samples import Samples
    from qwen_audio_agent.editing.edit_list import EffectName

RATE = 44_100
EFFECTS = ("hum", "highpass", "denoise", "deess", "compress", "normalize", "limiter")
FORMATS = ("flac", "ogg", "mp3")


def make_recording(path: Path, minutes: float) -> None:
    """Bursts of vowels and of hiss, with pauses, over noise; peaks at -12 dBFS."""
    rng = np.random.default_rng(3)
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        for start in range(round(minutes * 6)):
            time = start * 10 + np.arange(10 * RATE) / RATE
            phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 0.7 * time)) / RATE
            vowel = sum(np.sin(k * phase) / k for k in range(1, 30))
            talks = np.clip(np.sin(2 * np.pi * 0.11 * time) + 0.7, 0, 1)
            voice = talks * np.clip(np.sin(2 * np.pi * 2.3 * time), 0, None) * vowel
            hiss = talks * np.clip(-np.sin(2 * np.pi * 1.15 * time), 0, None) ** 8
            mono = 0.08 * voice + 0.02 * hiss * rng.standard_normal(len(time))
            noise = 0.001 * rng.standard_normal((2, len(time)))
            file.write((np.stack([mono, 0.8 * mono]) + noise).T)


def effect(name: str, source: Path) -> None:
    """Run an effect over a recording and throw the result away."""
    from qwen_audio_agent.audio.files import probe
    from qwen_audio_agent.audio.formats import to_float32
    from qwen_audio_agent.editing.edit_list import EffectCall
    from qwen_audio_agent.editing.effects import make_effect
    from qwen_audio_agent.editing.sources import file_numbers

    file = probe(source)

    def open_blocks() -> Iterator[Samples]:
        return (to_float32(block) for block in file_numbers(file))

    settings = (("makeup_db", 0.0),) if name == "compress" else ()
    made = make_effect(EffectCall(cast("EffectName", name), settings))
    for _ in made.process(open_blocks, file.sample_rate, file.num_channels):
        pass


def chain(suffix: str, source: Path) -> None:
    """The podcast chain, from file to file."""
    from qwen_audio_agent.audio.files import blocks, probe
    from qwen_audio_agent.audio.hum import find_hum
    from qwen_audio_agent.cleanup.plan import Episode
    from qwen_audio_agent.cleanup.recipe import load_recipe
    from qwen_audio_agent.cleanup.sound import with_sound
    from qwen_audio_agent.editing.edit_list import EditList
    from qwen_audio_agent.editing.render import render
    from qwen_audio_agent.editing.sources import Sources

    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        sources = Sources(Path(folder) / "cache")
        file = probe(source)
        sources.add_file("a", file)
        hum = find_hum(blocks(file))
        tones = (hum.frequency_hz, hum.num_harmonics) if hum else (None, 0)
        about = (file.sample_rate, file.num_channels, file.num_frames)
        episode = Episode(source.name, "", *about, None, None, *tones)
        whole = EditList.from_file("a", sources.files["a"])
        made = with_sound(whole, load_recipe("podcast"), episode, sources)
        render(made, sources, Path(folder) / f"out.{suffix}")


def pauses(source: Path) -> None:
    """Where nobody speaks."""
    from qwen_audio_agent.audio.activity import find_activity
    from qwen_audio_agent.audio.files import blocks, probe

    find_activity(blocks(probe(source)))


def nothing(_: Path) -> None:
    """What it takes to begin."""
    import qwen_audio_agent.editing.effects
    import qwen_audio_agent.editing.sources  # noqa: F401


def ways() -> dict[str, Callable[[Path], None]]:
    """What is measured, by name."""
    found: dict[str, Callable[[Path], None]] = {"nothing": nothing, "pauses": pauses}
    return (
        found
        | {name: partial(effect, name) for name in EFFECTS}
        | {f"chain to {suffix}": partial(chain, suffix) for suffix in FORMATS}
    )


def main(argv: list[str]) -> int:
    """Print the table; exit status 0."""
    parser = argparse.ArgumentParser(prog="benchmark.py effects", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--recording", type=Path, help="44.1 kHz, in place of a made one")
    parser.add_argument("--only", nargs="+", choices=list(ways()), default=list(ways()))
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the fastest counts")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.one:
        ways()[arguments.one](arguments.recording)
        return 0
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.recording or Path(folder) / "source.wav"
        if not arguments.recording:
            make_recording(source, arguments.minutes)
        info = soundfile.info(source)
        seconds = info.frames / info.samplerate
        script = Path(__file__).with_name("benchmark.py")
        for name in arguments.only:
            command = [sys.executable, str(script), "effects", "--one", name]
            runs = [
                measuring.run([*command, "--recording", str(source)])
                for _ in range(arguments.repeat)
            ]
            cost = min(runs, key=lambda run: run.cpu_s)
            row = {"way": name, "CPU s": cost.cpu_s, "x real time": round(seconds / cost.cpu_s)}
            rows.append(row | {"peak MiB": round(cost.peak_mib)})
            print(rows[-1], file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1) if arguments.json else measuring.table(rows))
    return 0

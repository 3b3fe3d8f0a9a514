"""Real speech without fillers: the prompts of a telephone exchange, of five speakers.

Debian packages: asterisk-core-sounds-en-g722, -es-g722, -fr-g722, -it-g722, -ru-g722, and ffmpeg to
decode them. English, Spanish, French, Italian and Russian, 16 kHz. Their vowels that are held at
the ends of phrases are what a filler is most easily taken for.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from episode_speech import RATE, Sound

LANGUAGES = ("en", "es", "fr", "it", "ru")
# Letters and numbers are said alone, as fillers are; the others are tones and jokes.
_LEFT_OUT = ("/letters/", "/digits/", "/phonetic/", "beep", "silence", "ascending", "tt-monkeys",
             "tt-weasels", "confbridge-leave", "confbridge-join")  # fmt: skip
_LEAST_S = 0.5
_PAUSES_S = (0.1, 1.0)
_LEVEL = 0.1  # RMS of what is not quiet
_ROOM = 1e-3


def prompts(language: str, num_episodes: int, seconds: float, folder: Path) -> list[Path]:
    """Episodes of prompts with pauses between them in the noise of a room, as wav files.

    Args:
        language: one of `LANGUAGES`.
        num_episodes: each has other prompts.
        seconds: length of each, in seconds, up to the end of its last prompt.
        folder: in which they are written; those that are there are taken.
    """
    paths = [folder / f"prompts-{language}-{number}.wav" for number in range(num_episodes)]
    random = np.random.default_rng(5)
    sounds = _sounds(language, random) if not all(map(Path.exists, paths)) else iter(())
    for path in paths:
        if path.exists():
            continue
        parts: list[Sound] = []
        while sum(map(len, parts)) < seconds * RATE:
            parts += [next(sounds), np.zeros(round(RATE * random.uniform(*_PAUSES_S)))]
        whole = np.concatenate(parts)
        noisy = np.clip(whole + random.normal(0, _ROOM, len(whole)), -1, 1)
        soundfile.write(path, noisy, RATE, subtype="PCM_16")
    return paths


def _sounds(language: str, random: np.random.Generator) -> Iterator[Sound]:
    """The prompts of a language in a random order, all equally loud."""
    package = f"asterisk-core-sounds-{language}-g722"
    listed = subprocess.run(
        ["dpkg", "-L", package], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    names = sorted(
        name
        for name in listed
        if name.endswith(".g722") and not any(part in name for part in _LEFT_OUT)
    )
    if not names:
        sys.exit(f"install the Debian package {package}")
    for index in random.permutation(len(names)):
        sound = _decoded(names[index])
        loud = sound[np.abs(sound) > 0.02]
        if len(sound) >= _LEAST_S * RATE and len(loud):
            yield sound * (_LEVEL / np.sqrt((loud**2).mean()))


def _decoded(name: str) -> Sound:
    wanted = ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-"]
    command = ["ffmpeg", "-v", "error", "-f", "g722", "-i", name, *wanted]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.int16).astype(np.float64) / 32768

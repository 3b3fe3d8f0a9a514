"""What the actors of a game say, in pieces: people who hesitate, at their own speed and volume.

Debian package: flight-of-the-amazon-queen, a game of 1995 that may be given away, with its voices
(6745 lines as mp3, 11 kHz) and what they say, line by line. An actor may play several parts.

Source of how its file is laid out: ScummVM, engines/queen (resource, talk, cutaway).
"""

from __future__ import annotations

import io
import re
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from episode_speech import HOP, RATE, Material, Piece, Sound, levels
from episode_voices import filler, sentence

from qwen_audio_agent.audio.activity import runs
from qwen_audio_agent.speech.held_frames import closed

GAME = Path("/usr/share/scummvm/flight-of-the-amazon-queen/queen.1c")
HERO = "JOE"  # speaks in all dialogues
SCENES = "SCENES"  # of many characters
_TABLE = 13  # where the table of the files begins: their number, then name, bundle, place, length
_ENTRY = struct.Struct(">12sBII")
_HEADER = 20  # of a dialogue, in bytes
_TREE, _LEVEL = 32, 96  # where its tree begins, and the bytes of each level
_LEFT_OUT = frozenset(("APE", "DINO", "ZOMBIE"))  # who grunt
_HESITATES = re.compile(r"\W*(u+m+|u+h+|e+r+|h+m+|m+m+)\b(?! ?huh\b| oh\b)", re.IGNORECASE)
# Neither words nor fillers that go: grunts, cries, laughter, and what is held on purpose.
_NO_WORD = re.compile(
    r"\b(a+h+|a+r*g+h+|u+h+|u+m+|u*g+h+|h+u+h+|e+r+|h+m+|m+m+|a+w+|e+k+|ye+ah+|w?h*oa+h?|h[aeo]h?)\b"
    r"|(\w)\2\2",
    re.IGNORECASE,
)
_BELOW_LOUD_DB = 20.0
_QUIET_DB = 32.0
# Hops of 10 ms: gaps that are closed, the shortest sound, the shortest and longest filler.
_CLOSED, _SHORTEST, _FILLER = 8, 5, (15, 130)


@dataclass(frozen=True, slots=True)
class Line:
    """What is said in one file.

    Attributes:
        character: who says it.
        text: as it is shown.
        sound: as it lies in the game, mp3.
    """

    character: str
    text: str
    sound: bytes


def characters() -> list[str]:
    """Everybody who says enough to be told from others."""
    return sorted(name for name, lines in _lines().items() if len(lines) >= 20)


def material(character: str) -> Material:
    """What a character says: lines, two to a sentence, and fillers with a pause behind them."""
    name = f"queen:{character}"
    said: list[Sound] = []
    fillers: list[Piece | None] = []
    for line in _lines()[character]:
        if _HESITATES.match(line.text):
            held, rest = _parted(line)
            fillers.append(filler(name, "um", held) if held is not None else None)
            if rest is not None and not _NO_WORD.search(_HESITATES.sub("", line.text, count=1)):
                said.append(rest)
        elif not _NO_WORD.search(line.text):
            said.append(_trimmed(_decoded(line.sound)))
    pairs = zip(said[::2], said[1::2], strict=False)
    sentences = [sentence(name, pair) for pair in pairs]
    return Material(tuple(s for s in sentences if s), tuple(f for f in fillers if f))


def _parted(line: Line) -> tuple[Sound | None, Sound | None]:
    """The filler with which a line begins, and the rest; what is not parted by a pause is None."""
    sound = _decoded(line.sound)
    level = levels(sound)
    loud = level > np.percentile(level, 95) - _BELOW_LOUD_DB
    found = [(a, b) for a, b in runs(closed(loud, _CLOSED)) if b - a >= _SHORTEST]
    if not found or not _FILLER[0] <= found[0][1] - found[0][0] <= _FILLER[1]:
        return None, None
    start, end = (HOP * hop for hop in found[0])
    if not re.search(r"\w", _HESITATES.sub("", line.text, count=1)):
        return (sound[start:end], None) if len(found) == 1 else (None, None)
    if len(found) == 1:
        return None, None
    return sound[start:end], sound[HOP * found[1][0] : HOP * found[-1][1]]


def _trimmed(sound: Sound) -> Sound:
    """Without the room before and after."""
    level = levels(sound)
    loud = np.flatnonzero(level > np.percentile(level, 95) - _QUIET_DB)
    return sound[HOP * loud[0] : HOP * (loud[-1] + 1)]


def _decoded(coded: bytes) -> Sound:
    sound, rate = soundfile.read(io.BytesIO(coded))
    return np.asarray(soxr.resample(sound, rate, RATE))


@cache
def _lines() -> dict[str, list[Line]]:
    """The lines of all dialogues and scenes by character."""
    if not GAME.exists():
        sys.exit("install the Debian package flight-of-the-amazon-queen")
    files = _files(GAME.read_bytes())
    found: dict[str, list[Line]] = defaultdict(list)
    for name in sorted(files):
        stem, ending = name[:-4], name[-4:]
        said: Iterable[tuple[str, str, str]] = ()
        if ending == ".DOG":
            person = stem.rstrip("0123456789")
            said = _dialogue(person, files[name][_HEADER:])
        elif ending == ".CUT":
            said = _scene(stem, files[name][_HEADER:])
        for character, prefix, text in said:
            for number, part in enumerate(_parts(text), 1):
                sound = files.get(f"{prefix}{number:X}.SB")
                if sound and part.strip() and character not in _LEFT_OUT:
                    found[character].append(Line(character, part, sound))
    return found


def _files(game: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from(">H", game, _TABLE)
    entries = [_ENTRY.unpack_from(game, _TABLE + 2 + _ENTRY.size * i) for i in range(count)]
    return {
        name.rstrip(b"\0 ").decode("ascii"): game[place : place + length]
        for name, _, place, length in entries
    }


def _dialogue(person: str, data: bytes) -> Iterator[tuple[str, str, str]]:
    """Who speaks, the beginning of the files' names, and the text."""
    levels, _, key, num_hero, num_other = struct.unpack_from(">5h", data)
    (other,) = struct.unpack_from(">H", data, 22)
    hero = _TREE + abs(levels) * _LEVEL
    for begin, count, who in ((other, num_other, "P"), (hero, num_hero, "J")):
        at = begin
        for _ in range(count):
            (number,) = struct.unpack_from(">H", data, at + 2)
            text, at = _string(data, at + 4, 4)
            prefix = f"{key:2d}{number:4x}{who}".replace(" ", "0").upper()
            yield HERO if who == "J" else person, prefix, text


def _scene(name: str, data: bytes) -> Iterator[tuple[str, str, str]]:
    """The same of a scene, which does not tell who speaks."""
    (count,), (at,) = struct.unpack_from(">h", data, 2), struct.unpack_from(">H", data, 8)
    _, at = _string(data, at, 2)
    for number in range(1, abs(count) + 1):
        if at >= len(data):
            return
        text, at = _string(data, at, 2)
        yield SCENES, f"{name:_<5}{number:02d}", text


def _string(data: bytes, at: int, align: int) -> tuple[str, int]:
    """A text that begins with its length, and the place behind it."""
    end = at + 1 + data[at]
    return data[at + 1 : end].decode("cp437"), -(-end // align) * align if data[at] else end


def _parts(text: str) -> list[str]:
    """The parts that are said one by one; each ends with a star and what the figure does."""
    return re.split(r"\*(?:XY.{11}|..)", text)

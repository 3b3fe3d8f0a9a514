"""Make examples/interview.flac and its truth, examples/interview.json, with two flite voices.

A maintainer's script: it needs the `flite` program (Debian package flite) with the voices slt and
rms. The speech holds what the agent is for: a filler, a repeated word, a long pause, and the noise
of a room.
"""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SAMPLE_RATE = 16_000
NOISE_DBFS = -50.0
SPEECH_PEAK = 0.5
SEED = 20_231_114
FILLERS = {"um", "uh"}

# (voice, what it says, how much slower than normal, seconds of pause after it)
SCRIPT = [
    ("slt", "welcome back to the garden show with the old wooden gate", 1.0, 0.45),
    ("rms", "um", 1.8, 0.15),
    ("rms", "thank you", 1.0, 0.25),
    ("rms", "the roses the roses need water every morning", 1.0, 1.6),
    ("slt", "and how do you keep them healthy in winter", 1.0, 0.4),
    ("rms", "cover the roots with leaves", 1.0, 0.5),
]


@dataclass(frozen=True)
class Said:
    """One utterance: its samples, and its words as (text, start, end) in seconds."""

    samples: np.ndarray
    words: list[tuple[str, float, float]]


def flite(voice: str, text: str, *options: str) -> str:
    """What flite prints for `text`."""
    command = ["flite", "-voice", voice, "-t", text, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def phones_of(voice: str, word: str) -> list[str]:
    """The segments of a word said alone."""
    return [phone for phone in flite(voice, word, "-ps", "-o", "none").split() if phone != "pau"]


def word_times(
    voice: str, text: str, segments: list[tuple[str, float]]
) -> list[tuple[str, float, float]]:
    """Give each segment to a word: align them with the segments of the words said alone."""
    alone = [(phone, i) for i, word in enumerate(text.split()) for phone in phones_of(voice, word)]
    heard = [
        (phone, start, end)
        for (_, start), (phone, end) in zip([("", 0.0), *segments], segments, strict=False)
    ]
    owner: list[int | None] = [None] * len(heard)
    matcher = difflib.SequenceMatcher(
        None, [p for p, _, _ in heard], [p for p, _ in alone], autojunk=False
    )
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        for i in range(i1, i2):
            if heard[i][0] != "pau" and j2 > j1:
                owner[i] = alone[min(j1 + i - i1, j2 - 1)][1]
    times = []
    for index, word in enumerate(text.split()):
        mine = [heard[i] for i in range(len(heard)) if owner[i] == index]
        times.append((word, mine[0][1], mine[-1][2]))
    return times


def say(voice: str, text: str, stretch: float) -> Said:
    """One utterance, without the silence that flite puts around it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        slower = ("--setf", f"duration_stretch={stretch}")
        printed = flite(voice, text, *slower, "-psdur", "-o", str(path))
        samples, sample_rate = soundfile.read(path)
    if sample_rate != SAMPLE_RATE:
        raise SystemExit(f"voice {voice} speaks at {sample_rate} Hz, not {SAMPLE_RATE}")
    segments = [(s.split(":")[0], float(s.split(":")[1])) for s in printed.split()]
    words = word_times(voice, text, segments)
    first, last = words[0][1] - 0.05, words[-1][2] + 0.08
    samples = samples[int(first * SAMPLE_RATE) : int(last * SAMPLE_RATE)]
    ramp = np.linspace(0, 1, int(0.02 * SAMPLE_RATE))
    samples[: ramp.size] *= ramp
    samples[-ramp.size :] *= ramp[::-1]
    return Said(
        SPEECH_PEAK * samples / np.abs(samples).max(),
        [(w, s - first, e - first) for w, s, e in words],
    )


def room(num_frames: int) -> np.ndarray:
    """The noise of a room: falling by 6 dB per octave above 300 Hz, at `NOISE_DBFS` RMS."""
    spectrum = np.fft.rfft(np.random.default_rng(SEED).standard_normal(num_frames))
    frequency = np.fft.rfftfreq(num_frames, 1 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum / np.maximum(frequency, 300), num_frames)
    return np.asarray(noise * 10 ** (NOISE_DBFS / 20) / np.sqrt(np.mean(noise**2)))


def main() -> int:
    """Write the recording and its truth; print what they hold."""
    pieces, words, at = [np.zeros(int(0.3 * SAMPLE_RATE))], [], 0.3
    for voice, text, stretch, pause in SCRIPT:
        said = say(voice, text, stretch)
        for word, start, end in said.words:
            kind = "filler" if word in FILLERS else "word"
            words.append(
                {
                    "text": word,
                    "start": round(at + start, 3),
                    "end": round(at + end, 3),
                    "kind": kind,
                    "voice": voice,
                }
            )
        silence = np.zeros(int(pause * SAMPLE_RATE))
        pieces += [said.samples, silence]
        at += (said.samples.size + silence.size) / SAMPLE_RATE
    samples = np.concatenate(pieces)
    samples = samples + room(samples.size)
    EXAMPLES.mkdir(exist_ok=True)
    soundfile.write(EXAMPLES / "interview.flac", samples, SAMPLE_RATE, subtype="PCM_16")
    truth = {
        "audio": "interview.flac",
        "duration": samples.size / SAMPLE_RATE,
        "licence": "Apache-2.0",
        "made_by": "tools/make_sample_speech.py",
        "words": words,
    }
    (EXAMPLES / "interview.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    size = (EXAMPLES / "interview.flac").stat().st_size
    print(f"{samples.size / SAMPLE_RATE:.2f} s, {len(words)} words, {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())

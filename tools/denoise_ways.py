"""The ways to take noise out that `benchmark.py denoise` sets side by side."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import partial

import noisereduce
import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.editing.effects.denoise import Denoise

Sound = NDArray[np.float32]
Way = Callable[[Sound, int], Sound]
"""Samples (frames,) and their rate in Hz -> as many samples."""


def ours(samples: Sound, rate: int, strength: float = 1.0) -> Sound:
    """The effect of this package."""
    blocks = Denoise(strength).process(lambda: iter([samples[None]]), rate, 1)
    return np.asarray(np.concatenate(list(blocks), axis=1)[0])


def noisereduce_defaults(samples: Sound, rate: int) -> Sound:
    """As its README calls it."""
    return np.asarray(noisereduce.reduce_noise(y=samples, sr=rate), np.float32)


def noisereduce_profile(samples: Sound, rate: int) -> Sound:
    """Stationary, with the quietest half second as the profile."""
    length = rate // 2
    starts = range(0, len(samples) - length, length // 4)
    quietest = min(starts, key=lambda start: float(samples[start : start + length].std()))
    profile = samples[quietest : quietest + length]
    made = noisereduce.reduce_noise(y=samples, sr=rate, stationary=True, y_noise=profile)
    return np.asarray(made, np.float32)


def ffmpeg(samples: Sound, rate: int, audio_filter: str) -> Sound:
    """A filter of ffmpeg, which keeps the rate and the length."""
    sound = ["-f", "f32le", "-ar", str(rate), "-ac", "1"]
    command = ["ffmpeg", "-v", "error", *sound, "-i", "-", "-af", audio_filter, *sound, "-"]
    done = subprocess.run(command, input=samples.tobytes(), capture_output=True, check=True)
    made = np.frombuffer(done.stdout, np.float32)[: len(samples)]
    return np.pad(made, (0, len(samples) - len(made)))


def all_ways(rnn_model: str | None) -> dict[str, Way]:
    """What this machine has, by name; `rnn_model` is a file for ffmpeg's arnndn."""
    ways: dict[str, Way] = {"ours": ours, "ours, strength 0.5": partial(ours, strength=0.5)}
    ways |= {"noisereduce": noisereduce_defaults, "noisereduce, profile": noisereduce_profile}
    if shutil.which("ffmpeg"):
        ways["ffmpeg afftdn"] = partial(ffmpeg, audio_filter="afftdn=tn=1")
        if rnn_model:
            ways["ffmpeg arnndn"] = partial(ffmpeg, audio_filter=f"arnndn=m={rnn_model}")
    return ways

"""Reports of small episodes whose names and words are as hostile as they can be."""

from __future__ import annotations

import numpy as np
import soundfile

from qwen_audio_agent.audio.files import content_hash, probe
from qwen_audio_agent.cleanup.plan import Episode, Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.speech.words import Transcript, Word

RATE = 16_000
ATTACK = '</script><script>window.attacked=1</script><img src=x onerror="window.attacked=1">'
TRICKS = (
    "<!--<script>window.attacked=1",
    '", "on": true, "x": "',
    '\\u003c \\\\u003c \\" \\n',
    "\u202eevil\u2028line\x1b[31m\x00",
    "{{ 7*7 }}{% raw %} ' onclick='window.attacked=1' \"",
)


def noise_file(folder, name="episode.wav", seconds=20.0):
    path = folder / name
    rng = np.random.default_rng(7)
    t = np.arange(round(seconds * RATE)) / RATE
    sound = 0.1 * rng.standard_normal(len(t)) * (0.3 + 0.7 * (np.sin(2 * np.pi * t) > 0))
    soundfile.write(path, np.clip(sound, -1, 1), RATE)
    return probe(path)


def episode_of(file, name=None):
    sha256 = content_hash(file.path)
    return Episode(
        name or file.path.name, sha256, file.sample_rate, file.num_channels, file.num_frames
    )


def transcript_of(texts, duration):
    words = (Word(text, 1.0 + i, 1.5 + i) for i, text in enumerate(texts))
    return Transcript(tuple(words), duration, ear=f"ear {ATTACK}")


def hostile(folder):
    """A plan, its words and its file; every text in them attacks the page."""
    file = noise_file(folder)
    texts = [*TRICKS, "so", ATTACK, "um", "the", "the", "not", "garden"]
    proposals = (
        Proposal("cut-1", "filler", "cut", 1.0, 1.6, TRICKS[0], 0.9, TRICKS[1], concern=ATTACK),
        Proposal("cut-2", "phrase", "cut", 2.0, 2.6, TRICKS[1], 0.9, TRICKS[2]),
        Proposal("cut-3", "filler", "cut", 3.0, 3.6, TRICKS[2], 1.0, TRICKS[3]),
        Proposal(
            "cut-4", "filler", "cut", 7.0, 7.6, ATTACK, 0.5, ATTACK, on=False, concern=TRICKS[4]
        ),
        Proposal("mute-1", "repeat", "mute", 8.0, 8.5, "um", 0.5, "said twice"),
        Proposal("breath-1", "breath", "attenuate", 8.6, 8.9, gain_db=-8.0),
        Proposal("pause-1", "pause", "shorten", 9.6, 9.9),
        Proposal("told-1", "mouth", "keep", 10.6, 10.7),
    )
    plan = Plan(episode_of(file, ATTACK), Recipe(description=ATTACK), proposals, ATTACK, ATTACK)
    return plan, transcript_of(texts, file.duration), file

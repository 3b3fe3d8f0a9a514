"""Small episodes with known sound, and an ear that knows their words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import soundfile

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Transcript, Word

RATE = 16000


class KnowingEar:
    """Hears the words that were put into an episode: what detection does is then its own doing."""

    name = "knowing"
    version = "1"
    description = "knows what was said"
    reliable = True

    def __init__(self, words):
        self.words = tuple(words)
        self.times_asked = 0

    def listen(self, audio):
        self.times_asked += 1
        return Transcript(self.words, audio.duration, ear=self.name)

    def find(self, _audio, _phrase):
        return ()

    def align(self, _audio, _words):
        raise HearingError("it knows what was said, and no sound")


class Made:
    """An episode as it is put together: room, and words that are vowels of their own pitch."""

    def __init__(self, folder, rate=RATE, num_channels=1):
        self.folder, self.rate, self.num_channels = folder, rate, num_channels
        self.pieces, self.words, self.at = [], [], 0.0
        self.random = np.random.default_rng(5)

    def room(self, seconds):
        self._add(0.0004 * self.random.standard_normal(round(seconds * self.rate)))
        return self

    def say(self, text, seconds=0.3, kind="word", probability=0.9):
        n = round(seconds * self.rate)
        t = np.arange(n) / self.rate
        hz = 110 + 10 * (len(self.words) % 5)
        voice = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 20))
        edge = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.01 * self.rate))
        start = self.at
        self._add(0.08 * voice * edge)
        word = Word(text, start, self.at, probability, kind, start_error=0.0, end_error=0.0)
        self.words.append(word)
        return self

    def speech(self, text, gap=0.08):
        for word in text.split():
            self.say(word).room(gap)
        return self

    def _add(self, sound):
        self.pieces.append(sound)
        self.at += len(sound) / self.rate

    def written(self, name="episode.wav", subtype="PCM_16"):
        sound = np.concatenate(self.pieces)
        sound = sound + 0.0004 * np.random.default_rng(6).standard_normal(len(sound))
        path = self.folder / name
        soundfile.write(path, np.stack([sound] * self.num_channels, 1), self.rate, subtype=subtype)
        return path

    def file(self, **how):
        return probe(self.written(**how))

    def listener(self):
        return Listener(KnowingEar(self.words), None, num_workers=1)


def without_sound(recipe):
    """A recipe that leaves the sound of the whole as it is."""
    plain = {"sound": type(recipe.sound)(), "loudness": type(recipe.loudness)()}
    return recipe.model_copy(update=plain)


def only(plan, *ids):
    """A plan with these proposals alone switched on."""
    return replace(plan, proposals=tuple(replace(p, on=p.id in ids) for p in plan.proposals))

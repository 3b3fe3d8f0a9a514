"""A real ear for a language of tones: each word is a pure tone of its own frequency.

It is a plugin, found by its entry point in this process and in worker processes alike. Three words
do what real ears do at times: one takes long, one makes the ear fail, one kills its process.
"""

import os
import sys
import time

import numpy as np

from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.words import Match, Transcript, Word

SAMPLE_RATE = 8000
TONES = {"alpha": 400, "bravo": 600, "charlie": 800, "delta": 1000, "echo": 1200}
TONES |= {"slowly": 1600, "impossible": 2000, "deadly": 2400}
WORD_SECONDS = 0.4
HOP = 80


def speak(text, pause=0.1):
    """Mono samples at SAMPLE_RATE; a number in the text is a silence of so many seconds."""
    time_axis = np.arange(round(WORD_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    rng = np.random.default_rng(1)
    parts = []
    for item in text.split():
        if item in TONES:
            parts.append(0.5 * np.sin(2 * np.pi * TONES[item] * time_axis))
            parts.append(np.zeros(round(pause * SAMPLE_RATE)))
        else:
            parts.append(np.zeros(round(float(item) * SAMPLE_RATE)))
    samples = np.concatenate(parts)
    return (samples + rng.normal(0, 1e-4, samples.shape)).astype(np.float32)[np.newaxis]


class ToneEar:
    name = "tone"
    description = "tones of 0.1 s and more; hears no speech"
    rank = 5

    def __init__(self, version="1"):
        self.version = version
        self.num_calls = 0

    def listen(self, audio):
        self.num_calls += 1
        words = tuple(self._words(audio))
        sys.stdout.write("an ear that prints must not disturb anybody\n")
        for word in words:
            if word.text == "slowly":
                time.sleep(0.1)
            elif word.text == "impossible":
                raise HearingError("that is impossible to hear")
            elif word.text == "deadly":
                os._exit(7)
        return Transcript(words, audio.duration, language="en-x-tones", ear=self.name)

    def find(self, audio, phrase, heard=None):
        self.num_calls += 1
        heard = heard or Transcript(tuple(self._words(audio)), audio.duration)
        matches = []
        for found in heard.find(phrase, min_score=0.5):
            first, last = heard.words[found.start], heard.words[found.end - 1]
            text = " ".join(word.text for word in heard.words[found.start : found.end])
            matches.append(Match(text, first.start, last.end, found.score, found.score < 0.9))
        return tuple(matches)

    def align(self, audio, words):
        self.num_calls += 1
        found = tuple(self._words(audio))
        if [word.text for word in found] != list(words):
            raise HearingError("those words are not said here")
        return found

    def _words(self, audio):
        samples = audio.to_mono().samples[0]
        frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
        loud = np.abs(frames).max(axis=1, initial=0) > 0.1
        edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.astype(int), [0]))))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            sound = samples[first * HOP : last * HOP]
            spectrum = np.abs(np.fft.rfft(sound, 8 * SAMPLE_RATE))
            frequency = spectrum.argmax() / 8
            word = min(TONES, key=lambda text: abs(TONES[text] - frequency))
            yield Word(word, first * HOP / SAMPLE_RATE, last * HOP / SAMPLE_RATE, 0.9)

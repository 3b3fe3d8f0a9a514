"""Make episodes of any length of which everything is known, for `evaluate.py` and `benchmark.py`.

    python tools/episodes.py OUT.wav --seconds 600 --seed 3 [--kind speech|flite|bursts]

Beside OUT.wav (or .flac, .mp3) comes OUT.json, the truth: words, sounding parts of speech, fillers,
repeats, pauses, breaths, clicks of the mouth, music, chapters, dead air at head and tail, hum. The
same options make the same episode, bit for bit. `speech` takes its words from a folder with a
truth.json (SPEECH_DATA), `flite` from the voices of that program, `bursts` are voiced tones.

A repeat is played from its own sound with another pitch, speed and level. What a recording holds
itself (breaths that nobody labelled) lies in the spans of `natural`, and its noise, where it is as
loud as speech, in those of `noises`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import episode_files
import episode_sounds
import episode_speech
import numpy as np
import soundfile
import soxr
from episode_speech import RATE, Material, Piece

Sound = episode_sounds.Sound
Times = tuple[float, float]
KINDS = ("speech", "flite", "bursts")
_FADE_S = 0.005
_MIN_QUIET_S = 0.2


@dataclass(frozen=True)
class Options:
    """What an episode is like.

    Attributes:
        kind: of the material, see `KINDS`.
        seconds: length.
        seed: decides everything that is left to chance.
        rate: in Hz.
        num_channels: 1 or 2; the voices stand at different places.
        subtype: coding of wav and flac: "PCM_16" or "PCM_24".
        split: "tune" or "check", to use one half of the voices; None for all.
        hum: whether the mains hums.
        plain: no fillers, repeats, breaths, clicks or music: sentences and pauses alone.
    """

    kind: str = "speech"
    seconds: float = 120.0
    seed: int = 0
    rate: int = 44_100
    num_channels: int = 2
    subtype: str = "PCM_16"
    split: str | None = None
    hum: bool = False
    plain: bool = False


@dataclass
class Truth:
    """What is in an episode; times in seconds, exact to a frame of the episode."""

    audio: str = ""
    made_with: dict[str, object] = field(default_factory=dict)
    sample_rate: int = 0
    num_frames: int = 0
    room_dbfs: float = 0.0
    hum_hz: float = 0.0
    words: list[dict[str, object]] = field(default_factory=list)
    speech: list[Times] = field(default_factory=list)
    fillers: list[dict[str, object]] = field(default_factory=list)
    repeats: list[dict[str, object]] = field(default_factory=list)
    pauses: list[Times] = field(default_factory=list)
    breaths: list[Times] = field(default_factory=list)
    clicks: list[Times] = field(default_factory=list)
    natural: list[Times] = field(default_factory=list)
    noises: list[Times] = field(default_factory=list)
    music: list[Times] = field(default_factory=list)
    chapters: list[dict[str, object]] = field(default_factory=list)
    head: Times = (0.0, 0.0)
    tail: Times = (0.0, 0.0)


class Script:
    """Draws what comes next, as blocks of mono sound with a place between left and right."""

    def __init__(self, options: Options, material: Material) -> None:
        self.options, self.material = options, material
        self.truth = Truth(made_with=asdict(options), sample_rate=options.rate)
        self.random = np.random.default_rng(options.seed)
        self.at = 0
        self.places: dict[str, float] = {}
        self._resampled = cache(self._to_rate)
        self._order: list[int] = []

    def blocks(self) -> Iterator[tuple[Sound, float]]:
        """The episode without its room: (frames,) and place, -1 for the left to 1."""
        options, draw = self.options, self.random.uniform
        last = options.seconds - min(draw(1.5, 4.0), options.seconds / 6)
        chapter_s = max(options.seconds / max(3, round(options.seconds / 180)), 4.0)
        next_chapter = 0.0
        yield from self.quiet(min(draw(1.0, 4.0), options.seconds / 6))
        if not options.plain and options.seconds > 60 and draw() < 0.5:
            yield from self.intro()
        while True:
            said = self._next_sentence()
            if self.now + said.duration + 8 > last and self.truth.speech:
                break
            if self.now >= next_chapter:
                self._chapter(0.0 if next_chapter == 0 else self.now)
                next_chapter += chapter_s
            yield from self.sentence(said)
            yield from self.gap()
        self.truth.tail = (self.truth.speech[-1][1], options.seconds)
        yield from self.quiet(options.seconds - self.now)
        self._finish()

    @property
    def now(self) -> float:
        """Seconds that are drawn."""
        return self.at / self.options.rate

    def quiet(self, seconds: float) -> Iterator[tuple[Sound, float]]:
        """Nothing but the room; a long one in parts."""
        frames = max(0, round(seconds * self.options.rate))
        while frames:
            part = min(frames, self.options.rate * 10)
            yield self._out(np.zeros(part), 0.0)
            frames -= part

    def intro(self) -> Iterator[tuple[Sound, float]]:
        """Music before anybody speaks."""
        seconds = self.random.uniform(4, 8)
        start = self.now
        yield self._out(episode_sounds.music(self.random, self.options.rate, seconds, 0.15), 0.0)
        self.truth.music.append((start, self.now))
        yield from self.quiet(self.random.uniform(0.3, 1.2))

    def sentence(self, said: Piece) -> Iterator[tuple[Sound, float]]:
        """An utterance, maybe with a repeat or a filler at a border of its words."""
        cuts = self._borders(said)
        chance = self.random.uniform() if cuts and not self.options.plain else 1.0
        if chance < 0.22:
            index, place = cuts[int(self.random.integers(len(cuts)))]
            yield from self.part(said, 0.0, place)
            yield from self._repeat(said, index, place)
            yield from self.part(said, place, said.duration)
        elif chance < 0.55 and self.material.fillers:
            _, place = cuts[int(self.random.integers(len(cuts)))]
            yield from self.part(said, 0.0, place)
            yield from self.filler()
            yield from self.part(said, place, said.duration)
        else:
            yield from self.part(said, 0.0, said.duration)

    def _repeat(self, said: Piece, index: int, place: float) -> Iterator[tuple[Sound, float]]:
        """What is about to be said, said before; `index` is the first word after `place`."""
        words = [w for w in said.words[index:] if w.kind == "word"]
        count = min(int(self.random.choice([1, 1, 2, 3])), len(words))
        end = words[count - 1].end
        start = self.now
        yield from self.part(said, place, end, varied=True)
        stop = self.now
        yield from self.quiet(self.random.uniform(0.04, 0.5))
        text = " ".join(word.text for word in words[:count])
        self.truth.repeats.append({"text": text, "start": start, "end": stop, "again": self.now})

    def filler(self) -> Iterator[tuple[Sound, float]]:
        """A filler with a pause before and after it, often of no length."""
        fillers = self.material.fillers
        chosen = fillers[int(self.random.integers(len(fillers)))]
        yield from self.quiet(max(0.0, self.random.uniform(-0.2, 0.5)))
        yield from self.part(chosen, 0.0, chosen.duration, varied=True)
        yield from self.quiet(max(0.0, self.random.uniform(-0.2, 0.7)))

    def gap(self) -> Iterator[tuple[Sound, float]]:
        """What lies between two utterances: a breath, a click, a filler, a long pause."""
        draw, random, rate = self.random.uniform, self.random, self.options.rate
        long_one = draw() < 0.22
        seconds = draw(1.1, 4.0) if long_one else draw(0.2, 0.6)
        if self.options.plain:
            yield from self.quiet(seconds)
            return
        if self.material.fillers and draw() < 0.15:
            yield from self.quiet(draw(0.1, 0.5))
            yield from self.filler()
        yield from self.quiet(seconds / 2)
        if draw() < 0.2:
            sound = episode_sounds.breath(random, rate, draw(0.008, 0.02))
            start = self.now
            yield self._out(sound, 0.0)
            self.truth.breaths.append((start, self.now))
        elif draw() < 0.15:
            start = self.now
            yield self._out(episode_sounds.click(random, rate, draw(0.03, 0.12)), 0.0)
            self.truth.clicks.append((start, self.now))
        yield from self.quiet(seconds / 2)

    def part(
        self, said: Piece, start: float, end: float, *, varied: bool = False
    ) -> Iterator[tuple[Sound, float]]:
        """A part of a piece, in seconds of it, faded over 5 ms where it is cut out."""
        if end - start < 0.02:
            return
        rate = self.options.rate
        sound = self._resampled(said)[round(start * rate) : round(end * rate)].copy()
        if varied:
            sound = episode_sounds.varied(self.random, sound)
        ramp = np.linspace(0, 1, round(_FADE_S * rate))
        sound[: len(ramp)] *= ramp
        sound[len(sound) - len(ramp) :] *= ramp[::-1]
        begin, factor = self.now, len(sound) / rate / (end - start)
        yield self._out(sound, self._place_of(said.voice))
        self._note(said, (start, end), begin, factor)

    def _note(self, said: Piece, part: Times, begin: float, factor: float) -> None:
        """Enter what a part of a piece holds."""
        start, end = part

        def moved(time: float) -> float:
            return begin + (min(max(time, start), end) - start) * factor

        for a, b in said.bursts:
            if b > start and a < end:
                self.truth.speech.append((moved(a), moved(b)))
        for a, b in said.noises:
            if b > start and a < end:
                self.truth.noises.append((moved(a), moved(b)))
        for word in said.words:
            if start - 1e-3 <= (word.start + word.end) / 2 < end:
                entry = {"text": word.text, "start": moved(word.start), "end": moved(word.end)}
                self.truth.words.append(entry | {"kind": word.kind, "voice": said.voice})
                if word.kind == "filler":
                    self.truth.fillers.append(entry | {"voice": said.voice})
        if said.natural:
            self.truth.natural.append((begin, self.now))

    def _next_sentence(self) -> Piece:
        """Each once in a new order, then again."""
        if not self._order:
            self._order = [int(i) for i in self.random.permutation(len(self.material.sentences))]
        return self.material.sentences[self._order.pop()]

    def _borders(self, said: Piece) -> list[tuple[int, float]]:
        """Where an utterance may be parted: before a word that is no filler, not at its ends."""
        if self.options.kind == "bursts":
            return []
        words = said.words
        return [
            (i, words[i].start)
            for i in range(1, len(words))
            if words[i].kind == words[i - 1].kind == "word"
            and words[i].end - words[i].start > 0.12
            and words[i - 1].end <= words[i].start + 0.01
        ]

    def _place_of(self, voice: str) -> float:
        if voice not in self.places:
            self.places[voice] = float(self.random.uniform(-0.5, 0.5))
        return self.places[voice]

    def _chapter(self, start: float) -> None:
        number = len(self.truth.chapters) + 1
        self.truth.chapters.append({"title": f"Chapter {number}", "start": start})

    def _to_rate(self, said: Piece) -> Sound:
        return np.asarray(soxr.resample(said.sound, RATE, self.options.rate))

    def _out(self, sound: Sound, place: float) -> tuple[Sound, float]:
        self.at += len(sound)
        return sound, place

    def _finish(self) -> None:
        """Join what touches, and enter the pauses."""
        truth = self.truth
        truth.num_frames = self.at
        truth.speech = joined_times(truth.speech, 1e-6)
        sounds = joined_times(sorted([*truth.speech, *truth.music]), 1e-6)
        truth.head = (0.0, sounds[0][0])
        truth.pauses = [(a, b) for (_, a), (b, _) in pairwise(sounds) if b - a >= _MIN_QUIET_S]


def joined_times(times: Sequence[Times], gap: float) -> list[Times]:
    """Spans in order, those less than `gap` apart made one."""
    found: list[Times] = []
    for start, end in times:
        if found and start - found[-1][1] <= gap:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def make(path: Path, options: Options, material: Material | None = None) -> Truth:
    """Write an episode and, beside it, its truth as JSON.

    Args:
        path: ends in .wav, .flac or .mp3.
        options: what it is like.
        material: of its kind; made or read when None.
    """
    material = material or episode_speech.material(options.kind, options.split)
    script = Script(options, material)
    chance = np.random.default_rng([options.seed, 1])
    level = float(chance.uniform(-66, -54))
    hum_hz = float(chance.choice([50.0, 60.0])) if options.hum else 0.0
    room = episode_sounds.Room(chance, options.rate, options.num_channels, level, hum_hz)
    container = path.suffix[1:].upper()
    subtype = None if container == "MP3" else options.subtype
    with soundfile.SoundFile(
        path, "w", options.rate, options.num_channels, subtype, format=container
    ) as file:
        for sound, place in script.blocks():
            file.write(_placed(sound, place, options.num_channels) + room.block(len(sound)))
    truth = script.truth
    truth.audio, truth.room_dbfs, truth.hum_hz = path.name, level, hum_hz
    starts = [float(str(c["start"])) for c in truth.chapters] + [script.now]
    episode_files.add_tags(
        path,
        [(starts[i], starts[i + 1], str(c["title"])) for i, c in enumerate(truth.chapters)],
    )
    path.with_suffix(".json").write_text(json.dumps(asdict(truth)) + "\n", "utf-8")
    return truth


def _placed(sound: Sound, place: float, num_channels: int) -> Sound:
    """A mono sound between left and right, by up to 6 dB; (frames, channels)."""
    if num_channels == 1:
        return sound[:, None]
    gains = 10 ** (np.array([-3.0, 3.0]) * place / 20)
    return np.asarray(sound[:, None] * gains)


def read_truth(path: Path) -> Truth:
    """The truth beside an episode."""
    return Truth(**json.loads(path.with_suffix(".json").read_text("utf-8")))


def main(argv: list[str]) -> int:
    """Make one episode; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help=".wav, .flac or .mp3")
    parser.add_argument("--kind", choices=KINDS, default="speech")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=int, default=44_100)
    parser.add_argument("--channels", type=int, choices=(1, 2), default=2)
    parser.add_argument("--subtype", choices=("PCM_16", "PCM_24"), default="PCM_16")
    parser.add_argument("--split", choices=episode_speech.SPLITS)
    parser.add_argument("--hum", action="store_true")
    parser.add_argument("--plain", action="store_true", help="sentences and pauses alone")
    given = parser.parse_args(argv)
    options = Options(
        given.kind, given.seconds, given.seed, given.rate, given.channels, given.subtype,
        given.split, given.hum, given.plain,
    )  # fmt: skip
    truth = make(given.output, options)
    counts = {name: len(getattr(truth, name)) for name in COUNTED}
    print(f"{given.output}: {truth.num_frames / truth.sample_rate:.2f} s, {counts}")
    return 0


COUNTED = ("words", "speech", "fillers", "repeats", "pauses", "breaths", "clicks", "chapters")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

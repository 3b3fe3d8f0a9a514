"""Um, uh and er by their sound alone: vowels that are held still.

    the | uuuh | old | gate      half a second in which nothing moves

An ear that knows words hears a filler as the nearest word ("a", "the", "love") or passes it over.
Here no words are known: a stretch counts by how long and how still it is, how level, what quiet it
has beside it, and how near its timbre lies to the middle of the voice that speaks. The weights are
those of a logistic regression, made by `tools/fit_held_vowels.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import uniform_filter1d

from qwen_audio_agent.audio.activity import runs
from qwen_audio_agent.audio.resampling import EAR_RATE, resample_blocks
from qwen_audio_agent.audio.samples import Audio, Span

_Floats = NDArray[np.float32]
_Flags = NDArray[np.bool_]

_HOP: Final = EAR_RATE // 100
_WINDOW: Final = 512
_LEAD: Final = (_WINDOW - _HOP) // 2
_NUM_BANDS: Final = 24
_BAND_EDGES_HZ: Final = (80.0, 7000.0)
_LOW_HZ, _HIGH_HZ = 1300.0, 2500.0
_NUM_SHAPES: Final = 12
_REACH: Final = 4  # hops on each side of the distance that says how still it is
_EDGE: Final = 2  # hops on each side that may belong to what lies beside
_EDGE_DB: Final = 9.0
_STRETCH: Final = 3000  # hops
_ABOUT: Final = {"loud": 500, "room": 1000, "voice": 1500, "music": 300}  # hops on each side
_BESIDE: Final = 12  # hops in which the quiet beside a vowel is looked for
_MOST_QUIET_DB: Final = 30.0
_SONOROUS_DB: Final = 3.0
_BELOW_LOUD_DB: Final = 18.0
_ABOVE_ROOM_DB: Final = 8.0
# (how still, and gaps of how many hops are closed): one for "uh", one for "um".
_WAYS: Final = ((22.0, 6), (32.0, 10))
# Of 20 stretches of made music the median is 8.4 at most; of 1812 of speech 99 % exceed 10.
_CHANGE_OF_MUSIC: Final = 9.0
_JUDGED: Final = 30  # hops at least
_LENGTHS: Final = (15, 130)  # hops
_FEATURES: Final = (
    *("log length", "change", "change at worst", "sonority", "level", "range"),
    *("quiet before", "quiet behind", "drift"),
    *(f"shape {i}" for i in range(1, 7)),
    "distance",
)
_WEIGHTS: Final = np.array(
    (
        *(1.181, -1.514, -0.68, 0.709, 0.557, 1.683, 0.456, 0.42, -0.168),
        *(-0.613, -0.682, -0.855, -0.028, 0.597, 0.452, -0.361),
    )
)
# Half of what is just this sure is a filler; the regression alone would be surer.
_BIAS: Final = -1.42


@dataclass(frozen=True, slots=True)
class HeldVowel:
    """A stretch that sounds like a filler.

    Attributes:
        start: seconds.
        end: seconds.
        confidence: 0 to 1.
    """

    start: float
    end: float
    confidence: float


def find_held_vowels(sound: Audio | Iterable[Audio], least: float = 0.25) -> list[HeldVowel]:
    """Find what sounds like um, uh or er in a recording of any length, in constant memory.

    Args:
        sound: a sound in memory, or its consecutive blocks, at any rate.
        least: confidence of what is told.

    Returns:
        In order of time, not overlapping: of what overlaps the surest is told.
    """
    scored = [(1 / (1 + np.exp(-(c.features @ _WEIGHTS + _BIAS))), c) for c in candidates(sound)]
    apart: list[tuple[float, Candidate]] = []
    for confidence, found in sorted(scored, key=lambda item: -item[0]):
        if confidence < least:
            break
        if all(found.last <= other.first or found.first >= other.last for _, other in apart):
            apart.append((confidence, found))
    vowels = (HeldVowel(c.start / 100, c.end / 100, round(float(sure), 3)) for sure, c in apart)
    return sorted(vowels, key=lambda vowel: vowel.start)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A stretch that is still enough, in hops of 10 ms.

    Attributes:
        first: the first that is looked at.
        last: the one after those.
        start: where the vowel begins.
        end: where it ends.
        features: what `_FEATURES` names.
    """

    first: int
    last: int
    start: int
    end: int
    features: NDArray[np.float64]


def candidates(sound: Audio | Iterable[Audio]) -> Iterator[Candidate]:
    """Every stretch that is still enough, whatever it is; they may overlap.

    Args:
        sound: as in `find_held_vowels`.
    """
    at = 0
    before = current = np.zeros((0, _NUM_BANDS), np.float32)
    for following in chain(_stretches(_mono_blocks(sound)), [before]):
        if len(current):
            around = np.concatenate([before, current, following])
            frames = _Frames.of(around)
            for first, last in sorted(set(frames.still())):
                if len(before) <= first < len(before) + len(current):
                    moved = at - len(before)
                    start, end = frames.edges(first, last)
                    if frames.is_music(first, last):
                        continue
                    features = frames.features(first, last)
                    yield Candidate(
                        first + moved, last + moved, start + moved, end + moved, features
                    )
        at += len(current)
        before, current = current, following


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """What is known of every hop.

    Attributes:
        level: dB of all bands.
        sonority: dB of what lies low over what lies high.
        shapes: (hops, 12), the form of the spectrum as cosines.
        change: distance of the forms 80 ms apart.
        loud: dB that few hops about exceed.
        room: dB that few hops about fall below.
    """

    level: _Floats
    sonority: _Floats
    shapes: _Floats
    change: _Floats
    loud: _Floats
    room: _Floats

    @classmethod
    def of(cls, bands: _Floats) -> _Frames:
        """From (hops, bands) powers."""
        decibels = 10 * np.log10(bands)
        level = 10 * np.log10(bands.sum(axis=1))
        sonority = 10 * np.log10(bands[:, _LOW].sum(axis=1) / bands[:, _HIGH].sum(axis=1))
        shapes = dct(decibels, axis=1, norm="ortho")[:, 1 : _NUM_SHAPES + 1]
        smooth = np.pad(uniform_filter1d(shapes, 3, axis=0), ((_REACH, _REACH), (0, 0)), "edge")
        change = np.linalg.norm(smooth[2 * _REACH :] - smooth[: -2 * _REACH], axis=1)
        loud = _percentile(level, 92, _ABOUT["loud"])
        return cls(level, sonority, shapes, change, loud, _percentile(level, 8, _ABOUT["room"]))

    def still(self) -> Iterator[tuple[int, int]]:
        """Stretches that may be a held vowel, by each of the ways."""
        sounds = (
            (self.sonority > _SONOROUS_DB)
            & (self.level > self.loud - _BELOW_LOUD_DB)
            & (self.level > self.room + _ABOVE_ROOM_DB)
        )
        sounds = _closed(sounds, 2)
        for limit, gap in _WAYS:
            for first, last in runs(_closed(sounds & (self.change < limit), gap) & sounds):
                # The distance looks ahead and back, so a vowel begins before it is still.
                start, end = max(0, first - _REACH), min(len(sounds), last + _REACH)
                inside = np.flatnonzero(sounds[start:end])
                start, end = start + int(inside[0]), start + int(inside[-1]) + 1
                if _LENGTHS[0] <= end - start <= _LENGTHS[1]:
                    yield start, end

    def is_music(self, first: int, last: int) -> bool:
        """Whether all that sounds about a stretch is as still as it is."""
        about = slice(max(0, first - _ABOUT["music"]), last + _ABOUT["music"])
        sounds = (self.level[about] > self.loud[about] - 15) & (self.sonority[about] > 0)
        sounds[first - about.start : last - about.start] = False
        change = self.change[about][sounds]
        return len(change) >= _JUDGED and bool(np.median(change) < _CHANGE_OF_MUSIC)

    def edges(self, first: int, last: int) -> tuple[int, int]:
        """Where a vowel begins and ends: not where it is still, nor where only a noise is."""
        start, level = first + _EDGE, self.level[first + _EDGE : last - _EDGE]
        loud = level > np.percentile(level, 75) - _EDGE_DB
        middle = int(np.argmax(uniform_filter1d(level, 5)))
        inside = [span for span in runs(_closed(loud, 3)) if span[0] <= middle < span[1]]
        begin, end = inside[0] if inside else (0, len(level))
        return start + begin, start + end

    def features(self, first: int, last: int) -> NDArray[np.float64]:
        """What `_FEATURES` names, each of the order of one."""
        inside, middle = slice(first, last), slice(first + 2, last - 2)
        level, shapes = self.level[inside], self.shapes
        usual = float(np.median(level))
        about = slice(max(0, first - _ABOUT["voice"]), last + _ABOUT["voice"])
        spoken = (self.level[about] > self.loud[about] - 15) & (self.sonority[about] > 0)
        voice = shapes[about][spoken] if spoken.any() else shapes[inside]
        shape = (shapes[inside].mean(axis=0) - voice.mean(axis=0)) / (voice.std(axis=0) + 1)
        third = max(4, (last - first) // 3)
        drift = shapes[first : first + third].mean(axis=0) - shapes[last - third : last].mean(
            axis=0
        )
        values = [
            np.log((last - first) / 30),
            np.median(self.change[middle]) / 10,
            np.percentile(self.change[middle], 80) / 10,
            np.median(self.sonority[inside]) / 10,
            (usual - self.loud[inside].mean()) / 10,
            (np.percentile(level, 90) - np.percentile(level, 20)) / 10,
            _dip(usual, self.level[max(0, first - _BESIDE) : first]) / 10,
            _dip(usual, self.level[last : last + _BESIDE]) / 10,
            np.linalg.norm(drift) / 10,
            *shape[:6],
            np.linalg.norm(shape[:6]) / 2,
        ]
        return np.array(values, np.float64)


def _dip(usual: float, beside: _Floats) -> float:
    """How far the level falls beside a stretch, in dB; the end of a recording is quiet."""
    lowest = beside.min() if len(beside) else usual - _MOST_QUIET_DB
    return float(np.clip(usual - lowest, 0, _MOST_QUIET_DB))


def _percentile(values: _Floats, percentile: float, reach: int) -> _Floats:
    """The percentile of what lies within `reach` of each hop, taken every half second."""
    places = np.arange(0, len(values), 50)
    found = [np.percentile(values[max(0, p - reach) : p + reach], percentile) for p in places]
    spread: _Floats = np.interp(np.arange(len(values)), places, found).astype(np.float32)
    return spread


def _closed(flags: _Flags, most: int) -> _Flags:
    """Flags with gaps of up to `most` closed."""
    closed = flags.copy()
    for first, last in runs(~flags):
        if last - first <= most and first > 0 and last < len(flags):
            closed[first:last] = True
    return closed


def _mono_blocks(sound: Audio | Iterable[Audio]) -> Iterator[Audio]:
    if isinstance(sound, Audio):
        whole = sound
        block = 60 * whole.sample_rate
        sound = (whole.slice(Span(i, i + block)) for i in range(0, whole.num_frames, block))
    yield from resample_blocks((block.to_mono() for block in sound), EAR_RATE)


def _stretches(blocks: Iterator[Audio]) -> Iterator[_Floats]:
    """Powers in mel bands of each hop, (hops, bands), 30 s at a time."""
    rest = np.zeros(_LEAD, np.float32)
    measured = np.zeros((0, _NUM_BANDS), np.float32)
    padding = Audio(np.zeros((1, _WINDOW - _LEAD), np.float32), EAR_RATE)
    for block in chain(blocks, [padding]):
        rest = np.concatenate([rest, block.samples[0]])
        while len(rest) >= _WINDOW:
            windows = sliding_window_view(rest, _WINDOW)[::_HOP][:_STRETCH]
            spectra = np.abs(np.fft.rfft(windows * _TAPER, axis=1)) ** 2
            powers = (spectra @ _BANDS / _WINDOW + 1e-9).astype(np.float32)
            rest = rest[len(windows) * _HOP :]
            measured = np.concatenate([measured, powers])
            while len(measured) >= _STRETCH:
                yield measured[:_STRETCH]
                measured = measured[_STRETCH:]
    if len(measured):
        yield measured


def _mel_bands() -> tuple[_Floats, _Floats]:
    """Triangles of equal height, evenly spaced in mel, (bins, bands); and their middles in Hz.

    Source: O'Shaughnessy, Speech Communication, 1987: mel = 2595 log10(1 + f / 700 Hz).
    """
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in _BAND_EDGES_HZ)
    corners = 700 * (10 ** (np.linspace(lowest, highest, _NUM_BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(_WINDOW, 1 / EAR_RATE)[:, None]
    rising = (bins - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - bins) / np.diff(corners)[1:]
    bands = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return bands, corners[1:-1].astype(np.float32)


_TAPER: Final = np.hanning(_WINDOW).astype(np.float32)
_BANDS, _MIDDLES_HZ = _mel_bands()
_LOW: Final = _MIDDLES_HZ < _LOW_HZ
_HIGH: Final = _MIDDLES_HZ > _HIGH_HZ

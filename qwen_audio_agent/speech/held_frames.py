"""What is measured of every 10 ms to find held vowels, and of every stretch that may be one.

What a stretch is like is told against the voice that speaks about it: another person, microphone or
machine is as still, as bright or as nasal all the time, a filler is more so than its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import uniform_filter1d

from qwen_audio_agent.audio.activity import runs
from qwen_audio_agent.audio.hops import WINDOW, Hops, mel_bands

_Floats = NDArray[np.float32]
_Flags = NDArray[np.bool_]

NUM_BANDS: Final = 24
_BAND_EDGES_HZ: Final = (80.0, 7000.0)
_LOW_HZ, _HIGH_HZ = 1300.0, 2500.0
_NUM_SHAPES: Final = 12
_REACH: Final = 4  # hops on each side of the distance that says how still it is
_EDGE: Final = 2  # hops on each side that may belong to what lies beside
_EDGE_DB: Final = 9.0
_STRETCH: Final = 3000  # hops
_ABOUT: Final = {"loud": 500, "room": 1000, "voice": 1500, "music": 300}  # hops on each side
_BESIDE: Final = 12  # hops in which the quiet beside a vowel is looked for
_FAR_BESIDE: Final = 30  # hops of which the share of quiet is told
_QUIET_DB: Final = 15.0  # below a vowel
_MOST_QUIET_DB: Final = 30.0
_SONOROUS_DB: Final = 3.0
_BELOW_LOUD_DB: Final = 18.0
_ABOVE_ROOM_DB: Final = 8.0
# (how still, and gaps of how many hops are closed): for "uh", "um" and voices that never rest.
_WAYS: Final = ((22.0, 6), (32.0, 10), (45.0, 10))
# Of 20 stretches of made music the median is 8.4 at most; of 1812 of speech 99 % exceed 10.
_CHANGE_OF_MUSIC: Final = 9.0
_JUDGED: Final = 30  # hops at least
_LENGTHS: Final = (12, 130)  # hops
_NUM_TIMBRES: Final = 6
FEATURES: Final = (
    *("log length", "longest still", "change", "change at worst"),
    *("rank of change", "rank of change at worst", "usual change"),
    *("sonority", "rank of sonority", "usual sonority"),
    *("level", "level in the voice", "range", "fall"),
    *("quiet before", "quiet behind", "share before", "share behind"),
    *("drift", "spread", "distance"),
    *(f"{part} {i}" for part in ("begin", "end") for i in range(1, _NUM_TIMBRES + 1)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
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
    def of(cls, bands: _Floats) -> Frames:
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
        sounds = closed(sounds, 2)
        for limit, gap in _WAYS:
            for first, last in runs(closed(sounds & (self.change < limit), gap) & sounds):
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
        return len(change) >= _JUDGED and _median(change) < _CHANGE_OF_MUSIC

    def edges(self, first: int, last: int) -> tuple[int, int]:
        """Where a vowel begins and ends: not where it is still, nor where only a noise is."""
        start, level = first + _EDGE, self.level[first + _EDGE : last - _EDGE]
        loud = level > percentiles(level, 75)[0] - _EDGE_DB
        middle = int(np.argmax(uniform_filter1d(level, 5)))
        inside = [span for span in runs(closed(loud, 3)) if span[0] <= middle < span[1]]
        begin, end = inside[0] if inside else (0, len(level))
        return start + begin, start + end

    def features(self, first: int, last: int) -> NDArray[np.float64]:
        """What `FEATURES` names, each of the order of one."""
        inside, middle = slice(first, last), slice(first + 2, last - 2)
        level, change, sonority = self.level[inside], self.change[middle], self.sonority[inside]
        usual, voice = _median(level), self._voice(first, last)
        third = max(4, (last - first) // 3)
        begin, end = slice(first + 1, first + 1 + third), slice(last - 1 - third, last - 1)
        levels = self.level[first : first + third], self.level[last - third : last]
        longest = max((b - a for a, b in runs(self.change[inside] < 1.2 * voice.still)), default=0)
        middle_change, worst_change = percentiles(change, 50, 80)
        middle_sonority = _median(sonority)
        low, high = percentiles(level, 20, 90)
        timbre = voice.timbre()
        values = [
            np.log((last - first) / 30),
            np.log((longest + 3) / 20),
            middle_change / 10,
            worst_change / 10,
            (voice.change < middle_change).mean(),
            (voice.change < worst_change).mean(),
            _median(voice.change) / 20,
            middle_sonority / 10,
            (voice.sonority < middle_sonority).mean(),
            _median(voice.sonority) / 20,
            (usual - self.loud[inside].mean()) / 10,
            (usual - _median(voice.level)) / 10,
            (high - low) / 10,
            (levels[0].mean() - levels[1].mean()) / 10,
            _dip(usual, self.level[max(0, first - _BESIDE) : first]) / 10,
            _dip(usual, self.level[last : last + _BESIDE]) / 10,
            _share_of_quiet(usual, self.level[max(0, first - _FAR_BESIDE) : first]),
            _share_of_quiet(usual, self.level[last : last + _FAR_BESIDE]),
            np.linalg.norm(self.shapes[begin].mean(axis=0) - self.shapes[end].mean(axis=0)) / 10,
            np.log((_spread(self.shapes[inside]) + 1) / (_spread(voice.shapes) + 1)),
            np.linalg.norm(timbre(self.shapes[inside])) / 2,
            *timbre(self.shapes[begin]),
            *timbre(self.shapes[end]),
        ]
        return np.array(values, np.float64)

    def _voice(self, first: int, last: int) -> _Voice:
        """What sounds about a stretch, without it; all that is about it if next to nothing does."""
        about = slice(max(0, first - _ABOUT["voice"]), last + _ABOUT["voice"])
        spoken = (self.level[about] > self.loud[about] - 15) & (self.sonority[about] > 0)
        spoken[first - about.start : last - about.start] = False
        if np.count_nonzero(spoken) < _JUDGED:
            spoken[:] = True
        return _Voice(
            self.level[about][spoken],
            self.sonority[about][spoken],
            self.shapes[about][spoken],
            self.change[about][spoken],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Voice:
    """The hops about a stretch in which somebody speaks, as in `Frames`."""

    level: _Floats
    sonority: _Floats
    shapes: _Floats
    change: _Floats

    @property
    def still(self) -> float:
        """The change that a fifth of it stays below."""
        return percentiles(self.change, 20)[0]

    def timbre(self) -> Callable[[_Floats], _Floats]:
        """What tells how shapes differ from those of the stiller half of the voice."""
        still = self.shapes[self.change <= _median(self.change), :_NUM_TIMBRES]
        mean, spread = still.mean(axis=0), still.std(axis=0) + 1

        def timbre_of(shapes: _Floats) -> _Floats:
            apart: _Floats = (shapes[:, :_NUM_TIMBRES].mean(axis=0) - mean) / spread
            return apart

        return timbre_of


def percentiles(values: _Floats, *percents: float) -> list[float]:
    """What NumPy's gives for one row of numbers, in a third of the time for a few hundred."""
    ordered = np.sort(values)
    found = []
    for percent in percents:
        place = (len(ordered) - 1) * percent / 100
        below = int(place)
        low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
        found.append(low + (high - low) * (place - below))
    return found


def _median(values: _Floats) -> float:
    return percentiles(values, 50)[0]


def _spread(shapes: _Floats) -> float:
    return float(np.linalg.norm(shapes.std(axis=0)[:8]))


def _share_of_quiet(usual: float, beside: _Floats) -> float:
    """How much of what lies beside a stretch is quiet; beyond the end of a recording all is."""
    return float((beside < usual - _QUIET_DB).mean()) if len(beside) else 1.0


def _dip(usual: float, beside: _Floats) -> float:
    """How far the level falls beside a stretch, in dB; the end of a recording is quiet."""
    lowest = beside.min() if len(beside) else usual - _MOST_QUIET_DB
    return float(np.clip(usual - lowest, 0, _MOST_QUIET_DB))


def _percentile(values: _Floats, percentile: float, reach: int) -> _Floats:
    """The percentile of what lies within `reach` of each hop, taken every half second."""
    places = np.arange(0, len(values), 50)
    found = np.empty(len(places))
    whole = (places >= reach) & (places + reach <= len(values))
    if whole.any():
        windows = sliding_window_view(values, 2 * reach)[places[whole] - reach]
        found[whole] = np.percentile(windows, percentile, axis=1)
    for index in np.flatnonzero(~whole):
        near = values[max(0, places[index] - reach) : places[index] + reach]
        found[index] = np.percentile(near, percentile)
    spread: _Floats = np.interp(np.arange(len(values)), places, found).astype(np.float32)
    return spread


def closed(flags: _Flags, most: int) -> _Flags:
    """Flags with gaps of up to `most` closed."""
    closed = flags.copy()
    for first, last in runs(~flags):
        if last - first <= most and first > 0 and last < len(flags):
            closed[first:last] = True
    return closed


def stretches(hops: Iterable[Hops]) -> Iterator[_Floats]:
    """Powers in mel bands of each hop, (hops, bands), 30 s at a time."""
    measured = np.zeros((0, NUM_BANDS), np.float32)
    for some in hops:
        powers = (some.spectra @ _BANDS / WINDOW + 1e-9).astype(np.float32)
        measured = np.concatenate([measured, powers])
        while len(measured) >= _STRETCH:
            yield measured[:_STRETCH]
            measured = measured[_STRETCH:]
    if len(measured):
        yield measured


_BANDS, _MIDDLES_HZ = mel_bands(NUM_BANDS, *_BAND_EDGES_HZ)
_LOW: Final = _MIDDLES_HZ < _LOW_HZ
_HIGH: Final = _MIDDLES_HZ > _HIGH_HZ

"""Where to cut: the frames, near the edges of words, at which a join is heard least.

The times of words are hypotheses. Inside the window in which an edge may lie, the two frames that
will meet are chosen together: both quiet, alike in level and spectrum, near to where the edges are
supposed to be, and in step, so that the waves continue each other.

Measured on 25 recordings of speech, 1000 joins of each kind, windows of 30 ms each way; percent of
joins that stand out beyond 99 % of unedited places, by the measures of `clicks`:

                          in running speech           in pauses
                          (a)   (b)  click  level     (a)   (b)  click  level
    no join at all        2.2   1.8    0.5    1.8     0.6   0.6    0.4    0.3
    hard cut               45    67     42     10     6.9    13    6.1    1.0
    10 ms crossfade       3.7    15    1.8    6.0     0.5   1.0    0.2    0.6
    the same, searched    1.4    10    0.5    5.3     0.0   0.3    0.0    1.0

The quietest place alone makes the step in level worse (11 % in running speech). Of 181 words with
labels, made 20 ms uncertain, the edges come out 15.7 ms from the labels, against 16.2 ms without a
search and 21.6 ms with one that does not mind the distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qwen_audio_agent.audio.samples import Audio, Span

Read = Callable[[Span], Audio]
"""Gives the sound of a span of the programme."""

_Floats = NDArray[np.float64]
_STEP = 0.001
_MAX_CANDIDATES = 80
_WINDOW = 0.016
_LEVEL_WINDOW = 0.010
_ALIGN_REACH = 0.005
_ALIGN_HALF = 0.005
_CONTEXT = 0.016
_CROSSING_REACH = 0.0005
_NUM_BANDS = 18
# dB of cost per dB of level, and dB of cost at the border of a window.
_LOUD_COST = 0.5
_DISTANCE_COST = 10.0
_FLOOR = 1e-8


def best_cut(
    read: Read, span: Span, windows: tuple[Span, Span], num_frames: int | None = None
) -> Span:
    """Move both edges of a cut, within their windows, to where the join is heard least.

        best_cut        | A [w B w] C |  ->  | A | B | C |

    Args:
        read: gives the sound of the programme; called near the edges only.
        span: what shall go, as the times of words say.
        windows: the frames in which its start, and its end, may lie, both borders included. They
            end where a word begins that stays.
        num_frames: length of the programme, if sound beyond the windows may be looked at.

    Returns:
        The exact span: its edges lie in their windows.
    """
    last = windows[1].end if num_frames is None else num_frames
    starts = _Edge.at(read, span.start, windows[0], last)
    ends = _Edge.at(read, span.end, windows[1], last)
    if span.start == 0 or span.end == num_frames:
        # Nothing is joined: the programme will begin or end at the other edge.
        return _ordered(span, starts.quietest(), ends.quietest())
    cost = (
        np.abs(starts.spectra[:, None] - ends.spectra[None]).mean(axis=2)
        + np.abs(starts.levels[:, None] - ends.levels[None])
        + _LOUD_COST * np.maximum(starts.levels[:, None], ends.levels[None])
        + starts.distances[:, None]
        + ends.distances[None]
    )
    cost[starts.frames[:, None] >= ends.frames[None]] = np.inf
    if not np.isfinite(cost).any():
        return span
    first, second = np.unravel_index(int(np.argmin(cost)), cost.shape)
    start, end = int(starts.frames[first]), int(ends.frames[second])
    end = ends.in_step_with(starts, start, end)
    shift = _to_crossing((starts, start), (ends, end))
    return _ordered(span, start + shift, end + shift)


def quietest(read: Read, window: Span, num_frames: int | None = None) -> int:
    """The frame in a window at which sound can best be parted, to put something in between.

        quietest        | A [w w] B |  ->  | A | B |

    Args:
        read: gives the sound of the programme; called near the window only.
        window: the frames that are allowed, both borders included; its middle is preferred.
        num_frames: length of the programme, if sound beyond the window may be looked at.
    """
    middle = (window.start + window.end) // 2
    last = window.end if num_frames is None else num_frames
    edge = _Edge.at(read, middle, window, last)
    frame = edge.quietest()
    return frame + _to_crossing((edge, frame))


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """What is known of the frames at which an edge may lie.

    Attributes:
        sound: float64, mono, around the window.
        first: frame of the programme at which `sound` starts.
        sample_rate: in Hz.
        window: where the edge may lie.
        frames: the candidates, in frames of the programme.
        levels: dB of the 10 ms around each.
        spectra: (candidates, bands) dB of the 16 ms around each.
        distances: cost of how far each is from where the edge is supposed to be.
    """

    sound: _Floats
    first: int
    sample_rate: int
    window: Span
    frames: NDArray[np.int64]
    levels: _Floats
    spectra: _Floats
    distances: _Floats

    @classmethod
    def at(cls, read: Read, edge: int, window: Span, last: int) -> _Edge:
        """Read the sound around a window and describe its frames.

        Args:
            read: gives the sound of the programme.
            edge: where the edge is supposed to be, inside the window.
            window: where it may be.
            last: no sound beyond this frame is read.
        """
        sample_rate = read(Span(window.start, window.start)).sample_rate
        context = round(_CONTEXT * sample_rate) + 1
        heard = Span(
            max(window.start - context, 0), max(min(window.end + context, last), window.end)
        )
        mono = read(heard).to_mono().samples[0].astype(np.float64)
        first = window.start - context
        missing = (heard.start - first, window.end + context - heard.end)
        # A place at the border of what may be heard looks the same on both sides.
        sound = np.pad(mono, missing, mode="symmetric") if len(mono) else np.zeros(sum(missing))
        width = window.num_frames
        step = max(round(_STEP * sample_rate), -(-width // _MAX_CANDIDATES), 1)
        before = (edge - window.start) // step
        frames = np.arange(edge - before * step, window.end + 1, step)
        reach = max(edge - window.start, window.end - edge, 1)
        return cls(
            sound,
            first,
            sample_rate,
            window,
            frames,
            _levels(sound, frames - first, round(_LEVEL_WINDOW * sample_rate)),
            _spectra(sound, frames - first, sample_rate),
            _DISTANCE_COST * ((frames - edge) / reach) ** 2,
        )

    def quietest(self) -> int:
        """The candidate that is quiet and near."""
        return int(self.frames[np.argmin(self.levels + self.distances)])

    def around(self, frame: int, reach: int) -> _Floats:
        """The sound from `reach` frames before a frame to `reach` after it."""
        at = frame - self.first
        return self.sound[at - reach : at + reach]

    def in_step_with(self, other: _Edge, frame: int, own: int) -> int:
        """The frame near `own` where the wave is most like that of `other` around `frame`."""
        half = max(round(_ALIGN_HALF * self.sample_rate), 1)
        reach = round(_ALIGN_REACH * self.sample_rate)
        low, high = max(own - reach, self.window.start), min(own + reach, self.window.end)
        wanted = other.around(frame, half)
        waves = sliding_window_view(self.sound, 2 * half)[
            low - half - self.first : high + 1 - half - self.first
        ]
        energy = np.sqrt(np.einsum("ij,ij->i", waves, waves) * (wanted @ wanted))
        alike = (waves @ wanted) / np.maximum(energy, 1e-12)
        best = int(np.argmax(alike))
        return low + best if alike[best] > alike[own - low] else own


def _to_crossing(*places: tuple[_Edge, int]) -> int:
    """The small shift, for all places together, at which the waves are nearest to zero."""
    reach = max(round(_CROSSING_REACH * places[0][0].sample_rate), 1)
    low = max(-reach, *(edge.window.start - frame for edge, frame in places))
    high = min(reach, *(edge.window.end - frame for edge, frame in places))

    def away(by: int) -> tuple[float, int]:
        return sum(float(abs(e.around(f + by, 1)).sum()) for e, f in places), abs(by)

    return min(range(low, high + 1), key=away)


def _ordered(span: Span, start: int, end: int) -> Span:
    return Span(start, end) if start < end else span


def _windows_at(sound: _Floats, places: NDArray[np.int64], width: int) -> _Floats:
    """(places, width): the sound around each place."""
    return sliding_window_view(sound, width)[places - width // 2]


def _levels(sound: _Floats, places: NDArray[np.int64], width: int) -> _Floats:
    power = (_windows_at(sound, places, max(width, 2)) ** 2).mean(axis=1)
    levels: _Floats = 10 * np.log10(power + _FLOOR)
    return levels


def _spectra(sound: _Floats, places: NDArray[np.int64], sample_rate: int) -> _Floats:
    """(places, bands) dB in bands evenly spaced on the mel scale, 100 Hz to 8 kHz."""
    width = max(round(_WINDOW * sample_rate), 2)
    framed = _windows_at(sound, places, width) * np.hanning(width)
    power = np.abs(np.fft.rfft(framed, axis=1)) ** 2 / width
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(width, 1 / sample_rate) / 700)
    lowest, highest = 2595 * np.log10(1 + np.array([100, min(8000, sample_rate / 2)]) / 700)
    borders = np.searchsorted(mel, np.linspace(lowest, highest, _NUM_BANDS + 1))
    borders = np.unique(np.clip(borders, 0, power.shape[1] - 1))
    sums = np.add.reduceat(power, borders, axis=1)[:, : max(len(borders) - 1, 1)]
    spectra: _Floats = 10 * np.log10(sums + _FLOOR)
    return spectra

"""Can a join be heard? Three measures, each compared with unedited places of the same recording.

(a) A step has energy where speech has little: above 5 kHz, in the loudest millisecond at the join,
    over the louder of the 20 ms before and after.
(b) A step cannot be predicted: the linear prediction of either side errs at the join, against what
    it errs by otherwise.
(c) The level before and after.

Speech itself does all three now and then, so a join clicks only where it is beyond both (a) and (b)
of 99 % of the unedited places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, sosfilt

from qwen_audio_agent.audio.samples import Audio, Span

_Floats = NDArray[np.float64]
_HIGH_HZ = 5000.0
_AT_JOIN = 0.002
_BESIDE = 0.020
_PREDICTED = 0.030
_CONTEXT = 0.040
_ORDER = 24
_PERCENTILE = 99.0
# Half a step of 16 bits: what is quieter has no sound that a measure could be taken of.
_SILENCE = 1.5e-5


@dataclass(frozen=True, slots=True)
class JoinMeasure:
    """What was measured at a frame, all in dB.

    Attributes:
        high_frequency_db: (a), how far the join stands out above 5 kHz.
        residual_db: (b), how far it defies prediction from both sides.
        level_step_db: (c), the change of level, without its sign.
    """

    high_frequency_db: float
    residual_db: float
    level_step_db: float

    def is_click(self, ordinary: JoinMeasure) -> bool:
        """Whether it stands out beyond what `ordinary_measure` found."""
        return self.excess_db(ordinary) > 0

    def excess_db(self, ordinary: JoinMeasure) -> float:
        """How far it stands out beyond what `ordinary_measure` found, in dB; negative if it does
        not."""
        return min(
            self.high_frequency_db - ordinary.high_frequency_db,
            self.residual_db - ordinary.residual_db,
        )


TYPICAL = JoinMeasure(7.7, 6.2, 15.9)
"""The median of `ordinary_measure` over 25 recordings of speech, for want of a recording."""


def measure_join(audio: Audio, frame: int) -> JoinMeasure:
    """Measure how far a frame stands out from the sound around it.

    Args:
        audio: sound around the join; 40 ms on each side are looked at, what is missing is silence.
        frame: the first frame after the join.

    Source: the prediction is the autocorrelation method of Makhoul, "Linear prediction: a tutorial
    review", Proc. IEEE 63 (4), 1975.
    """
    rate = audio.sample_rate
    context = round(_CONTEXT * rate)
    span = Span(max(frame - context, 0), min(frame + context, audio.num_frames))
    mono = audio.slice(span).to_mono().samples[0].astype(np.float64)
    missing = (context - (frame - span.start), context - (span.end - frame))
    sound = np.pad(mono, missing)
    return JoinMeasure(
        _high_frequency_db(sound, context, rate),
        _residual_db(sound, context, rate),
        _level_step_db(sound, context, rate),
    )


def ordinary_measure(audio: Audio, num_places: int = 300, seed: int = 0) -> JoinMeasure:
    """What only one in a hundred unedited places of a recording exceeds.

    Args:
        audio: unedited sound, some 10 s or more of the recording in question.
        num_places: how many places are measured, by chance.
        seed: which ones.

    Returns:
        The 99th percentile of each measure; `TYPICAL` for less than half a second of sound.
    """
    context = round(_CONTEXT * audio.sample_rate)
    if audio.duration < 0.5:
        return TYPICAL
    places = np.random.default_rng(seed).integers(context, audio.num_frames - context, num_places)
    found = [measure_join(audio, int(place)) for place in places]
    limits = np.percentile(
        [(m.high_frequency_db, m.residual_db, m.level_step_db) for m in found], _PERCENTILE, axis=0
    )
    return JoinMeasure(*map(float, limits))


def _high_frequency_db(sound: _Floats, at: int, sample_rate: int) -> float:
    cutoff = min(_HIGH_HZ / (sample_rate / 2), 0.625)
    sections = _high_pass(cutoff)
    # Forth and back; how the filter begins is forgotten long before what is looked at.
    high = sosfilt(sections, sosfilt(sections, sound)[::-1])[::-1] ** 2
    millisecond, near, beside = (max(round(t * sample_rate), 1) for t in (0.001, _AT_JOIN, _BESIDE))
    around = high[at - near : at + near]
    loudest = np.convolve(around, np.full(millisecond, 1 / millisecond), "valid").max()
    before = high[at - near - beside : at - near].mean()
    after = high[at + near : at + near + beside].mean()
    return _ratio_db(loudest, max(before, after))


@cache
def _high_pass(cutoff: float) -> _Floats:
    sections: _Floats = butter(8, cutoff, "high", output="sos")
    return sections


def _residual_db(sound: _Floats, at: int, sample_rate: int) -> float:
    near, width = (max(round(t * sample_rate), 1) for t in (_AT_JOIN, _PREDICTED))
    order = min(_ORDER, width // 4)
    around = sound[at - near - order : at + near]
    found = []
    for side in (sound[at - near - width : at - near], sound[at + near : at + near + width]):
        predictor = _predictor(side, order)
        usual = np.percentile(np.abs(np.convolve(side, predictor, "valid")), _PERCENTILE)
        peak = np.abs(np.convolve(around, predictor, "valid")).max()
        found.append(_ratio_db(peak**2, usual**2))
    return min(found)


def _predictor(sound: _Floats, order: int) -> _Floats:
    """The filter that leaves what linear prediction cannot foresee; (order + 1,)."""
    windowed = sound * _taper(len(sound))
    num_frames = len(sound)
    products = np.array([windowed[lag:] @ windowed[: num_frames - lag] for lag in range(order + 1)])
    products[0] = products[0] * (1 + 1e-6) + _SILENCE**2
    return np.concatenate([[1.0], -solve_toeplitz(products[:-1], products[1:])])


@cache
def _taper(num_frames: int) -> _Floats:
    return np.hanning(num_frames)


def _level_step_db(sound: _Floats, at: int, sample_rate: int) -> float:
    beside = round(_BESIDE * sample_rate)
    before, after = sound[at - beside : at], sound[at : at + beside]
    return abs(_ratio_db((after**2).mean(), (before**2).mean()))


def _ratio_db(power: float, other: float) -> float:
    return float(10 * np.log10((power + _SILENCE**2) / (other + _SILENCE**2)))

"""What a report shows of a recording: its levels, its loudness over time, and its outline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.files import AudioFile, blocks
from qwen_audio_agent.audio.levels import (
    LOUDNESS_STEP,
    LoudnessMeter,
    NoiseFloorMeter,
    decibels,
    short_term_lufs,
)
from qwen_audio_agent.audio.outline import OutlineMeter
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.audio.true_peak import TruePeakMeter

MAX_POINTS: Final = 600
"""Of the curve of a loudness; an hour has one every six seconds."""
MAX_COLUMNS: Final = 240_000
"""Of an outline; three hours have one every 0.045 s."""
_COLUMN_SECONDS: Final = 0.02
_HALF_WINDOW: Final = 1.5  # of a short-term loudness, in seconds
_FAINTEST_DBFS: Final = -60.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Levels of a recording; None where there is only silence.

    Attributes:
        duration: in seconds.
        loudness_lufs: of the whole, by ITU-R BS.1770.
        true_peak_dbtp: the largest value, between the samples too.
        noise_floor_dbfs: where nobody speaks.
        curve: (seconds, LUFS) of the short-term loudness, at most `MAX_POINTS`.
        columns: the outline, a byte for each of its equal parts: 0 at -60 dBFS and below, 255 at
            full scale, in even steps of decibels.
    """

    duration: float
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    noise_floor_dbfs: float | None
    curve: tuple[tuple[float, float | None], ...]
    columns: bytes

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the outline."""
        return {
            "duration": round(self.duration, 3),
            "loudness_lufs": self.loudness_lufs,
            "true_peak_dbtp": self.true_peak_dbtp,
            "noise_floor_dbfs": self.noise_floor_dbfs,
            "short_term_lufs": [list(point) for point in self.curve],
        }


class ReportMeter:
    """Measures what a report shows while the blocks of a recording pass, in constant memory.

    Args:
        sample_rate: in Hz.
        num_channels: of every block.
        num_frames: of all blocks together.
        longest: seconds that the outline is for, if they are more than these: outlines of several
            recordings then lie over each other.
    """

    def __init__(
        self, sample_rate: int, num_channels: int, num_frames: int, longest: float = 0.0
    ) -> None:
        self._rate, self._num_frames = sample_rate, 0
        drawn_frames = max(num_frames, round(longest * sample_rate))
        num_columns = math.ceil(drawn_frames / sample_rate / _COLUMN_SECONDS)
        self._outline = OutlineMeter(drawn_frames, max(1, min(num_columns, MAX_COLUMNS)))
        self._loudness = LoudnessMeter(sample_rate, num_channels)
        self._floor = NoiseFloorMeter(sample_rate)
        self._true_peak = TruePeakMeter(sample_rate, num_channels)

    def push(self, samples: Samples) -> None:
        """Take the next (channels, frames)."""
        self._num_frames += samples.shape[1]
        for meter in (self._outline, self._loudness, self._floor, self._true_peak):
            meter.push(samples)

    @property
    def measured(self) -> Measured:
        """The levels so far."""
        return Measured(
            self._num_frames / self._rate,
            _finite(self._loudness.lufs),
            _finite(decibels(self._true_peak.peak)),
            _finite(self._floor.dbfs),
            tuple(_curve(short_term_lufs(self._loudness.powers))),
            _bytes_of(self._outline.peaks),
        )


def measure(file: AudioFile, longest: float = 0.0) -> Measured:
    """Measure a recording in one reading; see `ReportMeter`.

    Raises:
        AudioFileError: it cannot be read.
    """
    meter = ReportMeter(file.sample_rate, file.num_channels, file.num_frames, longest)
    for block in blocks(file):
        meter.push(block.samples)
    return meter.measured


def _curve(loudness: NDArray[np.float64]) -> list[tuple[float, float | None]]:
    """Values at even distances, each at the middle of its 3 s."""
    every = math.ceil(len(loudness) / MAX_POINTS) or 1
    return [
        (round(i * LOUDNESS_STEP + _HALF_WINDOW, 1), _finite(float(loudness[i])))
        for i in range(0, len(loudness), every)
    ]


def _bytes_of(peaks: NDArray[np.float32]) -> bytes:
    levels = np.full(len(peaks), _FAINTEST_DBFS)
    loud = peaks > 10 ** (_FAINTEST_DBFS / 20)
    levels[loud] = 20 * np.log10(peaks[loud])
    scaled = np.clip(1 - levels / _FAINTEST_DBFS, 0, 1) * 255
    return np.rint(scaled).astype(np.uint8).tobytes()


def _finite(level: float) -> float | None:
    return round(level, 2) if math.isfinite(level) else None

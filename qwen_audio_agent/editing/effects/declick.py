"""Declick: finds clicks of a few samples and redraws the waveform underneath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter

from qwen_audio_agent.audio.samples import Samples, Span
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import Effect, OpenBlocks, setting, with_context

ORDER = 24
"""Poles of the linear prediction."""

FRAME_MS = 20.0
"""Stretch over which one prediction holds."""

NEIGHBOURHOOD_MS = 25.0
"""A click stands alone: nothing like it within this time on either side."""

LONGEST_MS = 2.0
"""What lasts longer is not a click."""

SPREAD = 3.0
"""Samples beside the peak belong to the click while they exceed the background this many times."""


@dataclass(frozen=True, slots=True)
class Declick(Effect):
    """Repair clicks; everything else passes bit for bit.

        before  ~~~~|~~~~~        after  ~~~~~~~~~~

    A click is what linear prediction cannot explain, stands `threshold_db` above the unexplained
    part of the sound before it and after it, and is over within `LONGEST_MS`. A plosive fails that
    test because its noise goes on, the pulses of a voice because they come again. The samples of a
    click are replaced by those that the sound around it predicts best from both sides.
    Source: Godsill and Rayner, "Digital Audio Restoration", 1998, chapter 5; Janssen, Veldhuis and
    Vries, "Adaptive interpolation of discrete-time signals that can be modeled as autoregressive
    processes", IEEE ASSP 34(2), 1986.

    Attributes:
        threshold_db: how far a click stands out; lower finds weaker clicks, and at last speech.
    """

    name: ClassVar[EffectName] = "declick"
    threshold_db: float = setting(14.0, 6, 60, "dB")

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        frame = max(4 * ORDER, round(FRAME_MS / 1000 * sample_rate))
        context = 4 * frame
        # The first frames have no past that could predict them.
        unpredicted = context + ORDER
        for window in with_context(open_blocks(), 50 * frame, context, num_channels):
            repaired = window.copy()
            for channel in repaired:
                for click in find_clicks(channel, sample_rate, self.threshold_db):
                    if click.start >= unpredicted:
                        redraw(channel, click, frame)
            unpredicted = 0
            yield repaired[:, context : repaired.shape[1] - context]


def prediction(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients (1, a1 .. a24) of the filter that leaves what the past does not explain."""
    tapered = samples * np.hanning(len(samples))
    spectrum = np.fft.rfft(tapered, 2 * len(samples))
    lags = np.fft.irfft(np.abs(spectrum) ** 2)[: ORDER + 1]
    # A trace of white noise keeps digital silence and pure tones solvable.
    lags[0] = lags[0] * (1 + 1e-7) + 1e-12
    return np.append(1.0, -solve_toeplitz(lags[:-1], lags[1:]))


def residual(samples: Samples, frame: int) -> NDArray[np.float64]:
    """Size of the unexplained part of every sample, (frames,), >= 0.

    Each frame is predicted by the filters of the frame before and of the one after it, and the
    smaller residual counts: a click cannot spoil the prediction that has to find it.
    """
    num_frames = len(samples) // frame
    padded = np.append(samples.astype(np.float64), np.zeros(frame))
    filters = [prediction(padded[k * frame : (k + 1) * frame]) for k in range(num_frames + 1)]
    unexplained = np.zeros(len(samples))
    for k in range(1, num_frames + 1):
        past = padded[k * frame - ORDER : min((k + 1) * frame, len(samples))]
        sizes = [np.abs(lfilter(filters[i], [1.0], past)) for i in (k - 1, min(k + 1, num_frames))]
        unexplained[k * frame : (k + 1) * frame] = np.minimum(*sizes)[ORDER:]
    return unexplained


def find_clicks(samples: Samples, sample_rate: int, threshold_db: float) -> list[Span]:
    """The frames of every click in one channel."""
    frame = max(4 * ORDER, round(FRAME_MS / 1000 * sample_rate))
    size = residual(samples, frame) + 1e-5
    longest = max(4, round(LONGEST_MS / 1000 * sample_rate))
    wide = round(NEIGHBOURHOOD_MS / 1000 * sample_rate)
    # The largest residual in [n + longest, n + longest + wide) and in the mirror of it.
    loudest = maximum_filter1d(size, wide)
    shift = longest + wide // 2
    after = np.append(loudest[shift:], np.full(shift, np.inf))
    before = np.append(np.full(shift, np.inf), loudest[:-shift])
    background = np.maximum(before, after)
    peaks = np.flatnonzero(size > background * 10 ** (threshold_db / 20))
    clicks: list[Span] = []
    for peak in peaks.tolist():
        if clicks and peak < clicks[-1].end:
            continue
        near = np.arange(max(ORDER, peak - longest), min(len(size), peak + longest))
        loud = near[size[near] > SPREAD * background[peak]]
        clicks.append(Span(int(loud[0]) - 2, int(loud[-1]) + 3))
    return clicks


def redraw(samples: Samples, click: Span, frame: int) -> None:
    """Replace the frames of `click` by the least-squares interpolation from both sides."""
    start, end = max(0, click.start - frame), min(len(samples), click.end + frame)
    around = samples[start:end].astype(np.float64)
    unknown = np.arange(click.start - start, click.end - start)
    around[unknown] = np.linspace(around[unknown[0] - 1], around[unknown[-1] + 1], len(unknown))
    for _ in range(2):
        # The first guess spoils the prediction a little; the second round starts from a good one.
        coefficients = prediction(around)
        touched = np.arange(unknown[0], min(len(around), unknown[-1] + ORDER + 1))
        lags = touched[:, None] - unknown[None, :]
        inside = (lags >= 0) & (lags <= ORDER)
        matrix = np.where(inside, coefficients[np.clip(lags, 0, ORDER)], 0.0)
        around[unknown] = 0.0
        known = lfilter(coefficients, [1.0], around)[touched]
        around[unknown] = np.linalg.lstsq(matrix, -known, rcond=None)[0]
    samples[click.start : click.end] = around[unknown]

"""Compressor: loud passages come closer to quiet ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qwen_audio_agent.audio.levels import LoudnessMeter, ratio
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import (
    Effect,
    OpenBlocks,
    recut,
    setting,
)

STEPS_PER_SECOND = 1000
"""How often the gain is decided; between two steps it moves in a straight line."""

KNEE_DB = 6.0
"""Width of the bend of the curve around the threshold."""

NEGLIGIBLE_DB = 1e-4
"""A gain so close to 1 is 1, so that what is not compressed stays bit for bit."""

QUIETEST_DB = -120.0
"""Digital silence is taken for this level."""


@dataclass(frozen=True, slots=True)
class Compress(Effect):
    """Feed-forward compressor with one gain for all channels.

        out ^        /  before
            |      /___-- after: above the threshold 1 dB for every `ratio` dB
            |    /'
            |  /    threshold
            +--------------------> in

    The level is the peak of all channels in steps of 1 ms; the curve and the smoothing of its gain
    in dB are those of Giannoulis, Massberg and Reiss, "Digital Dynamic Range Compressor Design: A
    Tutorial and Analysis", JAES 60(6), 2012 (equation 4, smooth branching detector).

    Attributes:
        threshold_db: level above which the gain falls, in dBFS.
        ratio: change of the input in dB that changes the output by 1 dB; 1 changes nothing.
        attack_ms: time constant with which the gain falls.
        release_ms: time constant with which it recovers.
        makeup_db: gain after the compression; None makes the programme as loud as it was, as far as
            full scale allows.
    """

    name: ClassVar[EffectName] = "compress"
    threshold_db: float = setting(-24.0, -80, 0, "dBFS")
    ratio: float = setting(3.0, 1, 20)
    attack_ms: float = setting(5.0, 0, 500, "ms")
    release_ms: float = setting(120.0, 1, 5000, "ms")
    makeup_db: float | None = setting(None, -24, 24, "dB")

    @property
    def reads_twice(self) -> bool:
        """See `Effect.reads_twice`."""
        return self.makeup_db is None and self.ratio > 1

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        makeup = 1.0
        if self.makeup_db is not None:
            makeup = ratio(self.makeup_db)
        elif self.reads_twice:
            makeup = self._lost_gain(open_blocks, sample_rate, num_channels)
        for block, gain in self._gains(open_blocks, sample_rate, num_channels):
            scaled = block if gain is None else block * gain
            yield scaled if makeup == 1 else scaled * np.float32(makeup)

    def _gains(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[tuple[Samples, NDArray[np.float32] | None]]:
        """Blocks with the gain for every frame, before the makeup; None where it is 1."""
        step = max(1, round(sample_rate / STEPS_PER_SECOND))
        last = 0.0
        for block in recut(open_blocks(), step * STEPS_PER_SECOND, num_channels):
            target = self.curve_db(step_levels_db(block, step))
            gains = follow(target, last, self.attack_ms, self.release_ms)
            yield block, ratio_curve(gains, last, step, block.shape[1])
            last = float(gains[-1])

    def curve_db(self, level_db: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gain in dB, <= 0, at a steady level in dBFS."""
        over = level_db - self.threshold_db
        bent = np.clip(over + KNEE_DB / 2, 0, KNEE_DB) ** 2 / (2 * KNEE_DB)
        return (1 / self.ratio - 1) * np.where(over > KNEE_DB / 2, over, bent)

    def _lost_gain(self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int) -> float:
        before, after = (LoudnessMeter(sample_rate, num_channels) for _ in range(2))
        peak = 0.0
        for block, gain in self._gains(open_blocks, sample_rate, num_channels):
            before.push(block)
            scaled = block if gain is None else block * gain
            after.push(scaled)
            peak = max(peak, float(scaled.max(initial=0)), -float(scaled.min(initial=0)))
        lost_db = before.lufs - after.lufs
        return max(1.0, min(ratio(lost_db), 1 / peak)) if lost_db > 0 else 1.0


def step_levels_db(samples: Samples, step: int) -> NDArray[np.float64]:
    """Peak of all channels in every `step` frames, in dBFS; the last step may be shorter."""
    starts = np.arange(0, samples.shape[1], step)
    highest = np.maximum.reduceat(samples, starts, axis=1).max(axis=0)
    lowest = np.minimum.reduceat(samples, starts, axis=1).min(axis=0)
    peaks = np.maximum(np.maximum(highest, -lowest), 10 ** (QUIETEST_DB / 20))
    levels: NDArray[np.float64] = 20 * np.log10(peaks, dtype=np.float64)
    return levels


def follow(
    target: NDArray[np.float64], last: float, attack_ms: float, release_ms: float
) -> NDArray[np.float64]:
    """Smooth a gain in dB per step: down with the attack, up with the release, from `last` on."""
    if last == 0 and not target.any():
        return target
    per_step = 1000 / STEPS_PER_SECOND
    attack = 1 - math.exp(-per_step / attack_ms) if attack_ms else 1.0
    release = 1 - math.exp(-per_step / release_ms)
    followed = []
    for value in target.tolist():
        last += (attack if value < last else release) * (value - last)
        if last > -NEGLIGIBLE_DB:
            last = 0.0
        followed.append(last)
    return np.array(followed)


def ratio_curve(
    gains_db: NDArray[np.float64], last_db: float, step: int, num_frames: int
) -> NDArray[np.float32] | None:
    """Gain for every frame, in straight lines from step to step; None where all of it is 1."""
    ends = np.append(last_db, gains_db)
    if not ends.any():
        return None
    ratios = 10 ** (ends / 20)
    share = np.arange(1, step + 1, dtype=np.float32) / np.float32(step)
    lines = np.multiply.outer(np.diff(ratios).astype(np.float32), share)
    lines += ratios[:-1, None].astype(np.float32)
    curve: NDArray[np.float32] = lines.reshape(-1)[:num_frames]
    return curve

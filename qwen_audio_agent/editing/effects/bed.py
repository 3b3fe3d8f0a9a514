"""Bed: music under the programme, which goes down while somebody speaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, minimum_filter1d

from qwen_audio_agent.audio.activity import Activity, find_activity
from qwen_audio_agent.audio.levels import LoudnessMeter
from qwen_audio_agent.audio.samples import Audio, Samples, Span
from qwen_audio_agent.editing.edit_list import EffectName
from qwen_audio_agent.editing.effects.effect import (
    Effect,
    OpenBlocks,
    programme_lufs,
    recut,
    setting,
)
from qwen_audio_agent.errors import EditError

STEPS_PER_SECOND = 100
"""How often the gain is decided; between two steps it moves in a straight line."""

LOOP_SECONDS = 2.0
"""Where the bed begins anew it fades into itself over so long, or over a quarter of it."""

AHEAD_SECONDS = 0.2
HOLD_SECONDS = 1.2
"""The bed is down so long before and after speech, and up again only in gaps longer than both."""

MOVE_SECONDS = 0.6
"""Time in which it goes down or up."""


@dataclass(frozen=True, slots=True)
class Bed(Effect):
    r"""Lay a sound under the programme, as loud as wanted, and down while somebody speaks.

        programme  ....|speech|......|speech|....
        bed        /'''\______/''''''\______/'''\

    The bed is another recording, or an edit list, which the call of the effect names. It begins
    anew as often as it must.

    Attributes:
        level_db: loudness of the bed where nobody speaks, above that of the programme, in LU.
        duck_db: by how much it goes down under speech.
        fade_s: time over which it rises at its beginning and falls at its end.
        start_s: time in the programme at which it begins.
        end_s: time at which it ends; None is the end of the programme.
        sound: the bed at the rate and with the channels of the programme; see `EffectCall.source`.
    """

    name: ClassVar[EffectName] = "bed"
    level_db: float = setting(-4.0, -60, 20, "LU")
    duck_db: float = setting(14.0, 0, 60, "dB")
    fade_s: float = setting(2.0, 0, 60, "s")
    start_s: float = setting(0.0, 0, 360_000, "s")
    end_s: float | None = setting(None, 0, 360_000, "s")
    sound: OpenBlocks | None = field(default=None, compare=False, repr=False)

    @property
    def reads_twice(self) -> bool:
        """See `Effect.reads_twice`."""
        return True

    def process(
        self, open_blocks: OpenBlocks, sample_rate: int, num_channels: int
    ) -> Iterator[Samples]:
        """See `Effect.process`."""
        if self.sound is None:
            raise EditError("bed needs a sound: name the audio that goes under the programme")
        loudness, activity = measured(open_blocks(), sample_rate, num_channels)
        level_db = (
            loudness + self.level_db - programme_lufs(self.sound(), sample_rate, num_channels)
        )
        span = self._span(activity.num_frames, sample_rate)
        if not span.num_frames or not math.isfinite(level_db):
            yield from recut(open_blocks(), sample_rate, num_channels)
            return
        step = max(1, round(sample_rate / STEPS_PER_SECOND))
        down_db = self.duck_db * speaking(activity, step)
        fade = min(round(self.fade_s * sample_rate), span.num_frames // 2)
        bed = Looped(self.sound, self._loop_fade(sample_rate), num_channels)
        start = 0
        for block in recut(open_blocks(), step * STEPS_PER_SECOND, num_channels):
            first, last = max(start, span.start), min(start + block.shape[1], span.end)
            if first < last:
                frames = np.arange(first, last)
                gain_db = level_db - np.interp(frames, np.arange(len(down_db)) * step, down_db)
                nearest = np.minimum(frames - span.start + 0.5, span.end - frames - 0.5)
                gain = 10 ** (gain_db / 20)
                if fade:
                    gain *= np.sin(np.pi / 2 * np.clip(nearest / fade, 0, 1)) ** 2
                under = bed.take(last - first) * gain.astype(np.float32)
                block[:, first - start : last - start] += under
            yield block
            start += block.shape[1]

    def _loop_fade(self, sample_rate: int) -> int:
        longest = round(LOOP_SECONDS * sample_rate)
        num_frames = 0
        for block in self.sound() if self.sound else ():
            num_frames += block.shape[1]
            if num_frames >= 4 * longest:
                break
        return min(longest, num_frames // 4)

    def _span(self, num_frames: int, sample_rate: int) -> Span:
        """Where in the programme the bed is."""
        end = num_frames
        if self.end_s is not None:
            end = min(end, round(self.end_s * sample_rate))
        return Span(min(round(self.start_s * sample_rate), end), end)


def measured(
    blocks: Iterator[Samples], sample_rate: int, num_channels: int
) -> tuple[float, Activity]:
    """Loudness of a programme, and where somebody speaks in it."""
    meter = LoudnessMeter(sample_rate, num_channels)

    def metered() -> Iterator[Audio]:
        for block in recut(blocks, sample_rate, num_channels):
            meter.push(block)
            yield Audio(block, sample_rate)

    activity = find_activity(metered())
    return meter.lufs, activity


def speaking(activity: Activity, step: int) -> NDArray[np.float64]:
    """How far the bed is down at every `step`-th frame, 0 to 1."""
    num_steps = activity.num_frames // step + 2
    up = np.ones(num_steps)
    for span in activity.speech:
        ahead = span.start - AHEAD_SECONDS * activity.sample_rate
        hold = span.end + HOLD_SECONDS * activity.sample_rate
        up[max(0, int(ahead // step)) : int(hold // step) + 1] = 0
    move = np.hanning(round(MOVE_SECONDS * STEPS_PER_SECOND) + 2)[1:-1]
    # Down before speech begins, not only by half.
    up = minimum_filter1d(up, len(move))
    down: NDArray[np.float64] = 1 - convolve1d(up, move / move.sum(), mode="nearest")
    return np.clip(down, 0, 1)


class Looped:
    """A sound over and over; each time it begins it fades in over its own end.

    Args:
        open_blocks: starts the sound from its first frame; it has some.
        num_frames: length of the fade, at most a quarter of the sound.
        num_channels: of the sound.
    """

    def __init__(self, open_blocks: OpenBlocks, num_frames: int, num_channels: int) -> None:
        self._stream = self._blocks(open_blocks, num_frames, num_channels)
        self._held = np.empty((num_channels, 0), np.float32)

    def take(self, num_frames: int) -> Samples:
        """The next frames."""
        parts, missing = [self._held], num_frames - self._held.shape[1]
        while missing > 0:
            parts.append(next(self._stream))
            missing -= parts[-1].shape[1]
        joined = np.concatenate(parts, axis=1)
        self._held = joined[:, num_frames:]
        return joined[:, :num_frames]

    @staticmethod
    def _blocks(open_blocks: OpenBlocks, fade: int, num_channels: int) -> Iterator[Samples]:
        rise = (np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / max(fade, 1))).astype(np.float32)
        ended: Samples | None = None
        while True:
            held = np.empty((num_channels, 0), np.float32)
            for block in recut(open_blocks(), 4 * fade + 4096, num_channels):
                held = np.concatenate([held, block], axis=1)
                if ended is not None:
                    held[:, :fade] = held[:, :fade] * rise + ended * rise[::-1]
                    ended = None
                yield held[:, : held.shape[1] - fade]
                held = held[:, held.shape[1] - fade :]
            ended = held

"""How one sound gives way to another: fade laws, in float64."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Samples64 = NDArray[np.float64]
"""float64 (channels, frames)."""


def rise(num_frames: int, first: int = 0, last: int | None = None) -> NDArray[np.float64]:
    """A gain that rises from 0 to 1 as half a period of a raised cosine.

    Args:
        num_frames: length of the whole rise.
        first: first frame wanted; frames before the rise have gain 0.
        last: frame after the last one wanted, the end of the rise by default; beyond it gain is 1.

    Returns:
        float64 (last - first,) in [0, 1].
    """
    frames = np.arange(first, num_frames if last is None else last)
    position = np.clip((frames + 0.5) / num_frames, 0.0, 1.0)
    gain: NDArray[np.float64] = 0.5 - 0.5 * np.cos(np.pi * position)
    return gain


def correlation(left: Samples64, right: Samples64) -> float:
    """How alike two sounds of one shape are: 1 for the same wave, 0 for unrelated ones."""
    energy = float(np.vdot(left, left)) * float(np.vdot(right, right))
    return float(np.vdot(left, right)) / math.sqrt(energy) if energy > 0 else 0.0


def crossfade(left: Samples64, right: Samples64) -> Samples64:
    """Go over from one sound to another while both last, at a level that neither dips nor swells.

        crossfade       | l l l l | + | r r r r |  ->  | l x x r |

    The gains f and g keep f^2 + g^2 + 2 c f g = 1 for the correlation c of the two sounds: equal
    gain where they are alike (c = 1), equal power where they are not (c <= 0).

    Args:
        left: float64 (channels, frames).
        right: the same shape.
    """
    alike = min(max(correlation(left, right), 0.0), 1.0)
    up = rise(left.shape[1])
    down = 1.0 - up
    power = np.sqrt(down**2 + up**2 + 2.0 * alike * down * up)
    return (left * down + right * up) / power


def meet(left: Samples64, right: Samples64, num_frames: int) -> Samples64:
    """Let one sound fall to silence and another rise, each over the frames that it has.

        meet            | l l l |  +  | r r r |  ->  | l . . r |

    Args:
        left: float64 (channels, up to `num_frames`), from the first frame on.
        right: float64 (channels, up to `num_frames`), to the last frame.
        num_frames: length of the result.
    """
    mixed = np.zeros((left.shape[0], num_frames))
    if left.shape[1]:
        mixed[:, : left.shape[1]] += left * rise(left.shape[1])[::-1]
    if right.shape[1]:
        mixed[:, num_frames - right.shape[1] :] += right * rise(right.shape[1])
    return mixed

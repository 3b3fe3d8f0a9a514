"""When each token is written about, out of where a network looks while it writes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

_NO_LOOK = 1e-9  # lest a head that never looks anywhere is divided by nothing


def attended(attention: NDArray[np.float32], filter_width: int) -> NDArray[np.float64]:
    """How much more than other tokens each token looks at each frame, over all heads.

    Args:
        attention: float32 (H, T, F) >= 0 of the heads that follow the sound; each row need not sum
            to 1, as frames behind the end of the sound may be cut off.
        filter_width: odd, in frames.

    Returns:
        float64 (T, F).

    Source: openai/whisper, timing.py, find_alignment.
    """
    weights = attention.astype(np.float64)
    weights /= np.maximum(weights.sum(axis=-1, keepdims=True), _NO_LOOK)
    spread = np.maximum(weights.std(axis=-2, keepdims=True), _NO_LOOK)
    weights = (weights - weights.mean(axis=-2, keepdims=True)) / spread
    smooth = median_filter(weights, size=(1, 1, filter_width), mode="mirror")
    return np.asarray(smooth.mean(axis=0), np.float64)


def first_frames(gain: NDArray[np.float64]) -> NDArray[np.intp]:
    """The frame in which each token begins on the best path through `gain`.

    A path takes every token in order and every frame in order; several tokens may share a frame,
    and a frame more than one token.

    Args:
        gain: float64 (T, F), high where a token belongs to a frame.

    Returns:
        int (T,), never falling, the first 0.

    Source: H. Sakoe and S. Chiba, "Dynamic programming algorithm optimization for spoken word
    recognition", IEEE Transactions on Acoustics, Speech and Signal Processing 26 (1978), with the
    steps of openai/whisper, timing.py. In a row the best place to enter it is a running maximum.
    """
    num_tokens, num_frames = gain.shape
    entered = np.zeros((num_tokens, num_frames), np.intp)  # where the path to a frame came in
    came_from = np.zeros((num_tokens, num_frames), np.intp)  # the frame in the row before
    best = np.full(num_frames, -np.inf)
    for token in range(num_tokens):
        if token == 0:
            entry = np.full(num_frames, -np.inf)
            entry[0] = 0.0
        else:
            beside = np.concatenate([[-np.inf], best[:-1]])
            came_from[token] = np.arange(num_frames) - (beside >= best)
            entry = np.maximum(beside, best)
        gained = np.cumsum(gain[token])
        by_entry = entry - np.concatenate([[0.0], gained[:-1]])
        running = np.maximum.accumulate(by_entry)
        is_new = by_entry >= running
        entered[token] = np.maximum.accumulate(np.where(is_new, np.arange(num_frames), 0))
        best = running + gained
    firsts = np.zeros(num_tokens, np.intp)
    frame = num_frames - 1
    for token in reversed(range(num_tokens)):
        firsts[token] = entered[token, frame]
        frame = came_from[token, firsts[token]]
    return firsts

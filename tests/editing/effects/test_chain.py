"""Effects one behind the other give what each alone gives to the result of the one before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from qwen_audio_agent.editing.effects import Compress, Deess, Denoise, Highpass, Normalize
from qwen_audio_agent.editing.effects.chain import chained

EFFECTS = (Highpass(), Denoise(0.6), Deess(threshold_db=-20.0), Compress(), Normalize(-20.0))


def test_a_chain_is_its_effects_one_by_one(run, voice, tmp_path):
    samples = voice(16000)
    alone = samples
    for effect in EFFECTS:
        alone = run(effect, alone, 16000)
    opened = 0

    def open_blocks() -> Iterator[np.ndarray]:
        nonlocal opened
        opened += 1
        for start in range(0, samples.shape[1], 5000):
            yield samples[:, start : start + 5000]

    made = np.concatenate(list(chained(EFFECTS, open_blocks, 16000, 2, tmp_path)), axis=1)

    assert np.array_equal(made, alone)
    # Three effects measure first; the recording is read once nevertheless, and nothing is left.
    assert opened == 1
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_goes_when_a_reader_stops_or_fails(voice, tmp_path):
    def open_blocks() -> Iterator[np.ndarray]:
        yield voice(16000)
        raise ValueError("the recording is damaged")

    blocks = chained(EFFECTS, open_blocks, 16000, 2, tmp_path)
    with pytest.raises(ValueError, match="damaged"):
        next(blocks)

    stopped = chained(EFFECTS, lambda: iter([voice(16000)]), 16000, 2, tmp_path)
    next(stopped)
    stopped.close()
    assert list(tmp_path.iterdir()) == []

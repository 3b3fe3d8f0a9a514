"""The slope of the high-pass, and its start."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.editing.effects.highpass import Highpass


@pytest.mark.parametrize("sample_rate", [8000, 48000])
@pytest.mark.parametrize(
    ("hz", "gain_db", "tolerance_db"), [(40, -24.1, 0.5), (80, -3.0, 0.1), (160, 0.0, 0.05)]
)
def test_the_slope_is_24_db_per_octave_below_the_cutoff(
    hz, gain_db, tolerance_db, sample_rate, run
):
    tone = np.sin(2 * np.pi * hz * np.arange(2 * sample_rate) / sample_rate)[None]
    made = run(Highpass(80.0), tone.astype(np.float32), sample_rate)[0, sample_rate:]
    measured_db = 20 * np.log10(made.std() / tone[0, sample_rate:].std())
    assert measured_db == pytest.approx(gain_db, abs=tolerance_db)


def test_a_constant_offset_is_gone_from_the_first_frame(run):
    offset = np.full((1, 5000), 0.3, np.float32)
    assert np.abs(run(Highpass(), offset, 16000)).max() < 1e-5

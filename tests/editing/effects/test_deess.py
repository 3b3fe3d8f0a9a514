"""Sibilants go down, the rest stays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from qwen_audio_agent.audio.levels import loudness_lufs
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.editing.effects.deess import Deess

RATE = 44100


@pytest.fixture(scope="module")
def hissing(voice):
    """A voice with 100 ms of loud hiss above 6 kHz, and where the hiss is."""
    samples = 0.5 * voice(RATE)
    hiss = np.random.default_rng(8).standard_normal(RATE // 10)
    hiss = sosfilt(butter(6, 6000, "highpass", fs=RATE, output="sos"), hiss)
    samples[:, RATE : RATE + RATE // 10] += (0.25 * hiss).astype(np.float32)
    return samples


def band_db(samples, low_hz, high_hz):
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return 10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].sum())


def test_a_hiss_is_turned_down_by_what_was_asked_for(hissing, run):
    made = run(Deess(reduction_db=9), hissing, RATE)
    during = slice(RATE + 500, RATE + RATE // 10 - 500)
    change_db = band_db(made[0, during], 6500, 20000) - band_db(hissing[0, during], 6500, 20000)
    assert change_db == pytest.approx(-9, abs=1)


def test_what_lies_below_the_crossover_stays(hissing, run):
    made = run(Deess(), hissing, RATE)
    change = band_db((made - hissing)[0], 50, 3500) - band_db(hissing[0], 50, 3500)
    assert change < -50


def test_away_from_the_hiss_nothing_changes(hissing, run):
    made = run(Deess(), hissing, RATE)
    assert np.array_equal(made[:, : RATE - 500], hissing[:, : RATE - 500])


def test_the_level_of_the_recording_does_not_matter(hissing, run):
    loud, quiet = run(Deess(), hissing, RATE), run(Deess(), 0.1 * hissing, RATE)
    assert np.allclose(0.1 * loud, quiet, atol=1e-4)


def test_a_telephone_recording_has_nothing_to_turn_down(run, voice):
    samples = voice(8000)
    assert np.array_equal(run(Deess(), samples, 8000), samples)


def test_a_loudness_that_is_known_is_not_measured(hissing, run):
    lufs = loudness_lufs(Audio(hissing, RATE))
    known = Deess(lufs=lufs)
    assert (Deess().reads_twice, known.reads_twice) == (True, False)
    assert np.allclose(run(known, hissing, RATE), run(Deess(), hissing, RATE), atol=1e-6)
    assert not np.allclose(run(Deess(lufs=-50.0), hissing, RATE), hissing, atol=1e-3)
    assert np.array_equal(run(Deess(lufs=0.0), hissing, RATE), hissing)

"""What holds for every effect."""

from __future__ import annotations

import numpy as np
import pytest

from qwen_audio_agent.editing.edit_list import EffectCall
from qwen_audio_agent.editing.effects import EFFECTS, make_effect
from qwen_audio_agent.errors import EditError

AS_CALLED = [
    EffectCall(name, (("factor", 1.3),) if name == "tempo" else ())
    for name in sorted(EFFECTS)
    if name != "bed"
]
NOTHING = [
    EffectCall("denoise", (("strength", 0.0),)),
    EffectCall("compress", (("ratio", 1.0),)),
    EffectCall("deess", (("reduction_db", 0.0),)),
    EffectCall("declick", (("threshold_db", 60.0),)),
    EffectCall("limiter"),
    EffectCall("hum"),
    EffectCall("tempo"),
]


def name_of(call):
    return call.name


@pytest.mark.parametrize("call", AS_CALLED, ids=name_of)
def test_the_result_does_not_depend_on_the_length_of_the_blocks(call, run, voice):
    samples = voice(16000)
    effect = make_effect(call)
    whole = run(effect, samples, 16000, samples.shape[1])
    assert np.array_equal(whole, run(effect, samples, 16000, 613))
    assert np.array_equal(whole, run(effect, samples, 16000, 16000))


@pytest.mark.parametrize("sample_rate", [8000, 11025, 44100, 192000])
@pytest.mark.parametrize("call", AS_CALLED, ids=name_of)
def test_every_rate_gives_finite_float32_of_the_exact_length(call, sample_rate, run, voice):
    samples = voice(sample_rate, 0.83)
    effect = make_effect(call)
    made = run(effect, samples, sample_rate)
    assert made.dtype == np.float32
    assert made.shape == (2, effect.num_frames(samples.shape[1]))
    assert np.isfinite(made).all()
    assert np.abs(made).max() > 0.01


@pytest.mark.parametrize("call", AS_CALLED, ids=name_of)
@pytest.mark.parametrize("num_frames", [0, 1, 50, 4000])
def test_short_programmes_and_six_channels_keep_their_shape(call, num_frames, run):
    samples = np.random.default_rng(1).uniform(-0.1, 0.1, (6, num_frames)).astype(np.float32)
    effect = make_effect(call)
    made = run(effect, samples, 16000)
    assert made.shape == (6, effect.num_frames(num_frames))
    assert np.isfinite(made).all()


@pytest.mark.parametrize("call", AS_CALLED, ids=name_of)
def test_silence_stays_silence(call, run):
    made = run(make_effect(call), np.zeros((1, 20000), np.float32), 16000)
    assert not made.any()


@pytest.mark.parametrize("call", AS_CALLED, ids=name_of)
def test_samples_that_are_not_numbers_do_not_spread(call, run, voice):
    samples = voice(16000).copy()
    samples[0, 5000], samples[1, 9000] = np.nan, np.inf
    made = run(make_effect(call), samples, 16000)
    assert np.isfinite(made).all()
    assert np.abs(made).max() > 0.01


@pytest.mark.parametrize("call", AS_CALLED, ids=name_of)
def test_the_image_stands_still(call, run, voice):
    """The right channel is half the left one, before and after."""
    left, right = run(make_effect(call), voice(16000), 16000)
    assert np.abs(right - 0.5 * left).max() < 1e-4 * np.abs(left).max()


@pytest.mark.parametrize("call", [call for call in AS_CALLED if call.name != "tempo"], ids=name_of)
def test_nothing_is_delayed(call, run, voice):
    samples = voice(48000, 2.0)
    made = run(make_effect(call), samples, 48000)
    # Every frequency counts the same, so that the phase of a slope below the voice does not.
    spectrum = np.fft.rfft(made[0]) * np.conj(np.fft.rfft(samples[0]))
    spectrum /= np.abs(spectrum) + 1e-9
    assert np.argmax(np.fft.irfft(spectrum, samples.shape[1])) == 0


@pytest.mark.parametrize("call", NOTHING, ids=name_of)
def test_a_setting_of_nothing_changes_nothing(call, run, voice):
    samples = voice(16000)
    assert np.array_equal(run(make_effect(call), samples, 16000), samples)


def test_an_unknown_effect_is_answered_with_those_there_are():
    with pytest.raises(EditError, match=r"no effect 'reverb'; choose from .*denoise"):
        make_effect(EffectCall("reverb"))


def test_an_unknown_setting_is_answered_with_those_there_are():
    with pytest.raises(EditError, match=r"denoise has no setting 'amount'; it has strength"):
        make_effect(EffectCall("denoise", (("amount", 1.0),)))


@pytest.mark.parametrize("value", [0.4, 2.1, float("nan"), float("inf")])
def test_a_value_out_of_range_is_answered_with_the_range(value):
    with pytest.raises(EditError, match=r"tempo: factor is .*; give a number from 0.5 to 2"):
        make_effect(EffectCall("tempo", (("factor", value),)))
